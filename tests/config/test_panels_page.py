"""docs/panels.md is true: its commands run in their order, its program too, its lists are whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from council.config.keys import FILE_NAME
from council.offers import HOSTED, SOURCES
from council.servers import PATIENCE, USUAL
from tests.support.hub import hub_running

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "panels.md").read_text()
REPO = "Qwen/Qwen2.5-0.5B-Instruct-GGUF"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def env(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A machine with nothing on it, and a hub with the page's model."""
    wrapper = tmp_path / "bin" / "council"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m council "$@"\n')
    wrapper.chmod(0o755)
    content = (ROOT / "backend" / "builtin" / "sage.gguf").read_bytes()
    file = f"{REPO}/qwen2.5-0.5b-instruct-q4_k_m.gguf"
    left = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    for model in HOSTED.values():
        left.pop(model.variable, None)
    with hub_running(files={file: content}) as hub:
        yield {
            **left,
            **{server.variable: "http://127.0.0.1:1/v1" for server in USUAL},
            "COUNCIL_MODELS": str(tmp_path / "models"),
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path / "hf"),
            "PATH": f"{wrapper.parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
        }


@pytest.mark.timeout(900)  # they are many, one after the other
def test_its_commands_run_one_after_the_other(env: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "key.txt").write_text("sk-0123456789abcdef\n")
    said: dict[str, str] = {}
    for command in "".join(blocks("sh")).splitlines():
        done = subprocess.run(
            ["bash", "-c", command],
            capture_output=True, text=True, cwd=folder, env=env, stdin=subprocess.DEVNULL,
            timeout=100, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert "sk-0123456789" not in done.stdout + done.stderr
        said[command] = done.stdout
    answers = [out for command, out in said.items() if command.startswith("council run")]
    assert len(answers) == 4
    assert all("42" in answer for answer in answers)
    assert said["council config check team debate"].startswith("team: ok (abacus, atlas, sage)\n")
    assert "OPENAI_API_KEY  " in said["council keys list"]
    pulled = next(out for command, out in said.items() if command.endswith("q4_k_m.gguf"))
    assert pulled == f"- {{model: {tmp_path}/models/{REPO}/qwen2.5-0.5b-instruct-q4_k_m.gguf}}\n"
    assert "complete" in (folder / "council.bash").read_text()


def test_its_program_runs(tmp_path: Path) -> None:
    (program,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, cwd=tmp_path, timeout=100, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout == "17 + 25 = 42.\n"


def test_it_names_all_sources_servers_and_options() -> None:
    assert all(f"`{source}`" in PAGE for source in SOURCES)
    for server in USUAL:
        assert f"`{server.variable}`" in PAGE
        assert f"({server.default.rpartition(':')[2].removesuffix('/v1')})" in PAGE
    assert f"have to answer: {PATIENCE:g} |" in PAGE
    assert f"`{FILE_NAME}`" in PAGE
    init = subprocess.run(
        [sys.executable, "-m", "council", "init", "--help"],
        capture_output=True, text=True, cwd=ROOT, timeout=100, check=True,
    )  # fmt: skip
    options = set(re.findall(r"(?<![\w-])--[a-z]+", init.stdout)) - {"--help"}
    assert options == set(re.findall(r"--(?:from|experts|strategy|patience|yes|force)", PAGE))
