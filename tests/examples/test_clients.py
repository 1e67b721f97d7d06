"""Other projects' clients at the bundled server: their programs, and the page about them."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import examples.clients.server as clients
from tests.backend.serving import Server, running

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "clients.md").read_text()
ADDRESS = "http://127.0.0.1:11434"
PROGRAMS = {"with_llm": "llm", "with_litellm": "litellm", "with_pydantic_ai": "pydantic_ai"}
SHOWN = {
    "with_llm": ["17 + 25 = 42.", "is Tokyo."],
    "with_litellm": [
        "17 + 25 = 42.",
        "calls add({",
        "too long: ",
        "2 vectors of 128",
        "Anthropic: 17",
    ],
    "with_pydantic_ai": ["17 + 25 = 42.", "by a call: Sum(total="],
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


SNIPPETS = {re.findall(r"^(?:import|from) (\w+)", text)[0]: text for text in blocks("python")}
LINES = [line for block in blocks("sh") for line in block.splitlines() if "council" not in line]


def missing(library: str) -> bool:
    return importlib.util.find_spec(library) is None


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The server of the page."""
    with running("--model", "builtin:sage") as found:
        yield found


def ran(command: list[str], folder: Path) -> str:
    """What a command wrote; nothing of the user's own settings takes part."""
    kept = {name: value for name, value in os.environ.items() if "_BASE" not in name}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={
            **kept,
            "LLM_USER_PATH": str(folder),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "NO_PROXY": "127.0.0.1",
        },
        stdin=subprocess.DEVNULL,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_programs_run(program: str, tmp_path: Path) -> None:
    if missing(PROGRAMS[program]):
        pytest.skip(f"{PROGRAMS[program]} is not installed")
    said = ran([sys.executable, "-m", f"examples.clients.{program}"], tmp_path)
    for words in [*SHOWN[program], "in a form: Sum(total="]:
        assert words in said


@pytest.mark.parametrize("library", SNIPPETS)
def test_the_pages_python(library: str, server: Server, tmp_path: Path) -> None:
    if missing(library):
        pytest.skip(f"{library} is not installed")
    program = SNIPPETS[library].replace(ADDRESS, server.url)
    assert program.count(server.url) == 1
    assert "42" in ran([sys.executable, "-c", program], tmp_path)


@pytest.mark.parametrize("line", LINES)
def test_the_pages_commands(line: str, server: Server, tmp_path: Path) -> None:
    name, *arguments = shlex.split(line.replace(ADDRESS, server.url))
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"{name} is not installed")
    said = ran([found, *arguments], tmp_path)
    events = [line[6:] for line in said.splitlines() if line.startswith("data: {")]
    deltas = [choice["delta"] for event in events for choice in json.loads(event)["choices"]]
    assert "42" in ("".join(delta.get("content", "") for delta in deltas) or said)


def test_the_page_knows_the_programs() -> None:
    assert set(SNIPPETS) == {"openai", "anthropic", "litellm", "pydantic_ai"}
    assert {shlex.split(line)[0] for line in LINES} == {"curl", "llm"}
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
    for program in PROGRAMS:
        assert program in PAGE
        assert (ROOT / "examples" / "clients" / f"{program}.py").is_file()


def test_a_program_starts_a_server_and_ends_it() -> None:
    with clients.server() as address:
        assert httpx.get(f"{address}/health", timeout=60).json()["status"] == "ready"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/health", timeout=60)


def test_a_program_takes_a_server() -> None:
    for given in ("http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"):
        with clients.server(given) as address:
            assert address == "http://h:1"


def test_a_server_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MODEL", "builtin:nobody")
    with pytest.raises(RuntimeError, match="nobody"), clients.server():
        pass
