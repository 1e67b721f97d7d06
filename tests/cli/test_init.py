"""`council init`: a panel of what is there, asked for or found, never over another file."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
import yaml

from council.assemble import check_panel
from council.config.places import PACKAGE_FOLDER
from council.drafting import Model, draft, scalar, seats
from council.servers import variable_or
from council.strategies import STRATEGIES
from council.testing import raw_server
from tests.support.doctor import listing

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
COUNCIL = [sys.executable, "-m", "council"]
URLS = ("OLLAMA_URL", "LMSTUDIO_URL", "LLAMA_SERVER_URL", "COUNCIL_GATEWAY_URL")
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY")


@pytest.fixture
def env(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A machine with nothing on it: no server, no key, no file."""
    left = {name: value for name, value in os.environ.items() if name not in KEYS}
    with socket.socket() as taken:  # bound and not listening
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        yield {
            **left,
            **dict.fromkeys(URLS, nobody),
            "COUNCIL_MODELS": str(tmp_path / "models"),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "PYTHONPATH": str(ROOT),
        }


async def init(
    env: dict[str, str], folder: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    run = partial(
        subprocess.run,
        [*COUNCIL, "init", "--patience", "60", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=folder,
        env=env,
        timeout=100,
        check=False,
    )
    return await anyio.to_thread.run_sync(run)


async def checked(file: Path) -> list[tuple[str | None, str]]:
    """The experts' ids and models of a panel that passes the check."""
    return [(expert.id, expert.model) for expert in (await check_panel(file)).config.experts]


async def test_on_an_empty_machine_the_built_in_panel(env: dict[str, str], tmp_path: Path) -> None:
    done = await init(env, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == 'council run panel.yaml "What is 17 + 25?"\n'
    assert done.stderr == "wrote panel.yaml: 3 experts of built-in models, strategy vote\n"
    assert (tmp_path / "panel.yaml").read_text() == (PACKAGE_FOLDER / "panel.yaml").read_text()


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
async def test_every_strategy_has_a_panel_of_built_in_models(
    env: dict[str, str], tmp_path: Path, strategy: str
) -> None:
    arguments = ("team", "--from", "builtin", "--strategy", strategy, "--yes")
    done = await init(env, tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    found = await check_panel(tmp_path / "team.yaml")
    assert found.config.strategy.name == strategy
    again = await init(env, tmp_path, "four", *arguments[1:], "--experts", "4")
    assert again.returncode == 0, again.stderr
    assert len(await checked(tmp_path / "four.yaml")) == 4


async def test_a_server_that_is_there_is_taken(env: dict[str, str], tmp_path: Path) -> None:
    async with raw_server(listing("llama3.2:3b", "nomic-embed-text", "qwen2.5:3b")) as server:
        done = await init({**env, "LMSTUDIO_URL": server.url}, tmp_path, "--experts", "3")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "panel.yaml").read_text()
    assert text.startswith("# Made by council init: 3 experts of LM Studio, strategy vote.\n")
    assert await checked(tmp_path / "panel.yaml") == [
        ("llama3.2-3b", "llama3.2:3b"),
        ("qwen2.5-3b", "qwen2.5:3b"),
        ("C", "llama3.2:3b"),
    ]
    first, second, third = yaml.safe_load(text)["experts"]
    # The address that answered: where the file is used the variable may not be set.
    assert first["endpoint"] == f"${{LMSTUDIO_URL:-{server.url}}}"
    assert ("persona" in first, "persona" in second, "persona" in third) == (True, False, True)
    assert first["persona"] != third["persona"]


async def test_a_gateway_is_taken_only_when_it_is_asked_for(
    env: dict[str, str], tmp_path: Path
) -> None:
    async with raw_server(listing("panel")) as server:
        here = {**env, "COUNCIL_GATEWAY_URL": server.url}
        assert "built-in" in (await init(here, tmp_path)).stderr
        done = await init(here, tmp_path, "other", "--from", "gateway", "--experts", "1")
    assert done.returncode == 0, done.stderr
    assert await checked(tmp_path / "other.yaml") == [("panel", "panel")]


@pytest.mark.parametrize(
    ("source", "variable"),
    [("openai", KEYS[0]), ("anthropic", KEYS[1]), ("openrouter", KEYS[2])],
    ids=["openai", "anthropic", "openrouter"],
)
async def test_keys_that_are_there_bring_hosted_models(
    env: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    variable: str,
) -> None:
    done = await init(env, tmp_path, "--from", source)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{variable} is not set: export it, or run `council keys set {variable}`" in done.stderr
    assert list(tmp_path.iterdir()) == []
    done = await init({**env, variable: "sk-12345678"}, tmp_path)  # found by itself
    assert done.returncode == 0, done.stderr
    assert "sk-12345678" not in (tmp_path / "panel.yaml").read_text()
    monkeypatch.setenv(variable, "sk-12345678")
    found = await check_panel(tmp_path / "panel.yaml")
    assert found.keys == [f"{variable} from the environment"]
    assert len(found.config.experts) == 3


async def test_several_sources_share_the_seats(env: dict[str, str], tmp_path: Path) -> None:
    mine = tmp_path / "My Model.gguf"
    mine.write_bytes((ROOT / "backend" / "builtin" / "sage.gguf").read_bytes())
    arguments = ("--from", str(mine), "--from", "builtin", "--experts", "3")
    done = await init(env, tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    assert await checked(tmp_path / "panel.yaml") == [
        ("My-Model", str(mine)),
        ("abacus", "builtin:abacus"),
        ("atlas", "builtin:atlas"),
    ]


async def test_pulled_files_are_found(env: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "models" / "someone" / "tiny" / "tiny.gguf"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"GGUF")
    done = await init(env, tmp_path, "--experts", "1")
    assert done.returncode == 0, done.stderr
    assert await checked(tmp_path / "panel.yaml") == [("tiny", str(file))]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--from", "olama"), "--from: expected ollama, lmstudio"),
        (("--from", "ollama"), "--from ollama: http://127.0.0.1:"),
        (("--from", "none.gguf"), "none.gguf: without `endpoint` a model is"),
        (("--from", "page.gguf"), "page.gguf is not a GGUF file"),
        (("--from", "gguf"), "--from gguf: nothing is there"),
        (("--strategy", "vot"), "unknown strategy 'vot': did you mean 'vote'?"),
        (("no/such/panel.yaml",), "there is no folder no/such"),
        (("there.yaml",), "there.yaml is there already: name another file, or pass --force"),
        (("folder",), "folder: a directory: name the panel file to write"),
    ],
    ids=["source", "server", "file", "page", "pulled", "strategy", "folder", "there", "directory"],
)
async def test_what_cannot_be_is_told_and_nothing_written(
    env: dict[str, str], tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    (tmp_path / "page.gguf").write_text("<html>")
    (tmp_path / "there.yaml").write_text("mine")
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    done = await init(env, tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert told in done.stderr
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "there.yaml").read_text() == "mine"


async def test_force_replaces_the_file(env: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "there.yaml"
    file.write_text("mine")
    file.chmod(0o640)
    done = await init(env, tmp_path, "there.yaml", "--force")
    assert done.returncode == 0, done.stderr
    assert await checked(file)
    assert file.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["there.yaml"]


class Terminal:
    """`council init` on a terminal."""

    def __init__(self, env: dict[str, str], folder: Path, *arguments: str) -> None:
        ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [*COUNCIL, "init", *arguments], cwd=folder, env=env,
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self._terminal = open(ours, "r+b", buffering=0)  # noqa: SIM115
        self.shown = ""

    def until(self, text: str) -> None:
        """Reads until the text is shown."""
        while text not in self.shown:
            self.shown += self._terminal.read(4096).decode()

    def say(self, text: str) -> None:
        self._terminal.write(f"{text}\n".encode())

    def end(self) -> int:
        """Reads to the end; the exit code."""
        try:
            while piece := self._terminal.read(4096):
                self.shown += piece.decode()
        except OSError:  # how Linux tells of the other side's end
            pass
        self._terminal.close()
        return self.process.wait(timeout=100)


async def test_on_a_terminal_it_asks(env: dict[str, str], tmp_path: Path) -> None:
    def talk() -> Terminal:
        terminal = Terminal({**env, "OPENAI_API_KEY": "sk-1"}, tmp_path)
        for question, said in (
            ("[1]:", "7"),
            ("numbers from 1 to 2, please", "2,1"),
            ("[3]:", "many"),
            ("a number from 1 to 9, please", "4"),
            ("[vote]:", "vot"),
            ("did you mean 'vote'?", "debate"),
        ):
            terminal.until(question)
            terminal.say(said)
        assert terminal.end() == 0, terminal.shown
        return terminal

    shown = (await anyio.to_thread.run_sync(talk)).shown
    assert "1. OpenAI (OPENAI_API_KEY from the environment)" in shown
    assert "2. built-in models" in shown
    panel = yaml.safe_load((tmp_path / "panel.yaml").read_text())
    assert panel["strategy"] == "debate"
    models = [expert["model"] for expert in panel["experts"]]
    assert models[0] == "builtin:abacus"
    assert models[1] == "${OPENAI_MODEL:-gpt-4o-mini}"
    assert len(models) == 4


async def test_an_interrupt_or_the_end_of_input_writes_nothing(
    env: dict[str, str], tmp_path: Path
) -> None:
    def interrupted() -> int:
        terminal = Terminal(env, tmp_path)
        terminal.until("[1]:")
        os.kill(terminal.process.pid, signal.SIGINT)
        return terminal.end()

    def ended() -> int:
        terminal = Terminal(env, tmp_path)
        terminal.until("[1]:")
        terminal.say("1")
        terminal.until("[3]:")
        terminal.say("\x04")
        terminal.say("\x04")
        return terminal.end()

    assert await anyio.to_thread.run_sync(interrupted) == 130
    assert await anyio.to_thread.run_sync(ended) != 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["a: b", "# no", "$HOME ${X}", "null", "Yes", "12", "1e3", "ü\"'", "a\tb", "[x]", "-"]
)
async def test_odd_names_of_models_stay_what_they_are(name: str, tmp_path: Path) -> None:
    model = Model(name, "http://localhost:1/v1")
    file = tmp_path / "panel.yaml"
    file.write_text(draft("odd", seats([model], 2), "vote"), encoding="utf-8")
    assert [found for _, found in await checked(file)] == [name, name]
    assert yaml.safe_load(scalar(name)).replace("$$", "$") == name


@pytest.mark.parametrize(
    ("here", "written"),
    [
        ("https://proxy.example:8443/v1", "https://proxy.example:8443/v1"),
        ("https://me:secret@proxy.example/v1", "https://api.openai.com/v1"),
        ("https://proxy.example/v1?a={b} #c", "https://api.openai.com/v1"),
    ],
    ids=["plain", "password", "odd"],
)
def test_an_endpoint_of_the_environment_is_the_default(
    here: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", here)
    found = variable_or("OPENAI_BASE_URL", "https://api.openai.com/v1")
    assert found == f"${{OPENAI_BASE_URL:-{written}}}"


async def test_the_address_of_a_hosted_source_is_kept(env: dict[str, str], tmp_path: Path) -> None:
    here = {**env, "OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": "http://localhost:9/v1"}
    done = await init(here, tmp_path, "--from", "openai")
    assert done.returncode == 0, done.stderr
    (first, *_) = yaml.safe_load((tmp_path / "panel.yaml").read_text())["experts"]
    assert first["endpoint"] == "${OPENAI_BASE_URL:-http://localhost:9/v1}"


async def test_a_panel_of_one_is_warned_of(env: dict[str, str], tmp_path: Path) -> None:
    alone = await init(env, tmp_path, "one", "--experts", "1", "--strategy", "synthesize")
    assert alone.returncode == 0, alone.stderr
    assert "warning: with one expert synthesize has nothing to compare" in alone.stderr
    first = await init(env, tmp_path, "first", "--experts", "1", "--strategy", "first")
    assert "warning" not in first.stderr
