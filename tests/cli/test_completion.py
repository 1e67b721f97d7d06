"""`council completion`: a real shell completes commands, options, panels, strategies and runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

import council
from council.cli.init_command import init_command
from council.offers import SOURCES
from tests.support.documents import run_documented

ROOT = Path(__file__).parents[2]
BASH = shutil.which("bash")

# What bash does when Tab is pressed behind the words, the last of which is begun or empty.
PRESS_TAB = """
source <(council completion bash)
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
$(complete -p council | sed 's/.*-F \\([^ ]*\\) .*/\\1/') council
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder, and a `council` for its shell."""
    wrapper = tmp_path / "bin" / "council"
    wrapper.parent.mkdir()
    # As pip writes it.
    start = "from council.cli.start import main\nmain()\n"
    wrapper.write_text(f"#!{sys.executable}\n{start}")
    wrapper.chmod(0o755)
    (tmp_path / "work" / "configs").mkdir(parents=True)
    return tmp_path / "work"


def offered(folder: Path, *words: str, **env: str) -> list[str]:
    if BASH is None:
        pytest.skip("there is no bash")
    path = f"{folder.parent / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        [BASH, "-c", PRESS_TAB, "bash", "council", *words],
        capture_output=True, text=True, cwd=folder, timeout=100, check=True,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **env},
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


def test_commands_and_options(folder: Path) -> None:
    assert sorted(offered(folder, "re")) == ["redecide", "replay", "resume"]
    assert offered(folder, "keys", "") == ["set", "list", "remove"]
    assert offered(folder, "run", "debate", "--strat") == ["--strategy"]


def test_panels_by_name_and_files_beside(folder: Path) -> None:
    (folder / "configs" / "deliberate.yaml").touch()
    (folder / "demo.yaml").touch()
    (folder / "demo.txt").touch()
    assert offered(folder, "run", "de") == ["deliberate", "debate", "demo.yaml"]
    assert offered(folder, "run", "@b") == ["@builtin"]
    assert offered(folder, "config", "check", "debate", "self") == ["self-consistency"]
    # Paths are left to the shell, which looks for files where nothing is offered.
    assert offered(folder, "run", "configs/") == []


def test_strategies_sources_and_keys(folder: Path) -> None:
    strategies = offered(folder, "run", "debate", "--strategy", "")
    assert strategies == sorted(council.STRATEGIES)
    assert offered(folder, "init", "--from", "open") == ["openai", "openrouter"]
    env = {"XDG_CONFIG_HOME": str(folder)}
    assert offered(folder, "keys", "remove", "", **env) == []
    subprocess.run(
        [sys.executable, "-m", "council", "keys", "set", "A_KEY"],
        input="sk-1234", text=True, check=True, cwd=ROOT, env={**os.environ, **env}, timeout=100,
    )  # fmt: skip
    assert offered(folder, "keys", "remove", "", **env) == ["A_KEY"]


def test_runs(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "runs.sqlite3"
    env = {"COUNCIL_STORE": str(file)}
    assert offered(folder, "resume", "", **env) == ["last"]
    assert not file.exists()

    async def ask() -> str:
        agent = council.ScriptedAgent("a", ["42"])
        return (await council.ask("?", panel=[agent], store=file)).run_id

    run = anyio.run(ask)
    assert offered(folder, "resume", "", **env) == ["last", run[:8]]
    assert offered(folder, "logs", "show", run[:3], **env) == [run[:8]]


@pytest.mark.parametrize(
    ("shell", "sign"), [("bash", "complete -o default"), ("zsh", "#compdef"), ("fish", "complete")]
)
def test_each_shell_has_its_script(tmp_path: Path, shell: str, sign: str) -> None:
    done = run_documented(f"council completion {shell}", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert sign in done.stdout
    assert "_COUNCIL_COMPLETE=complete_" in done.stdout
    binary = shutil.which(shell)
    if binary is not None:
        file = tmp_path / "script"
        file.write_text(done.stdout)
        subprocess.run([binary, "-n", str(file)], check=True, timeout=100)


def test_another_shell_is_a_usage_error(tmp_path: Path) -> None:
    done = run_documented("council completion tcsh", tmp_path)
    assert done.returncode == 2
    assert "bash" in done.stderr


def test_the_help_names_all_sources() -> None:
    help = str(init_command.__annotations__["source"])
    assert all(source in help for source in SOURCES)
