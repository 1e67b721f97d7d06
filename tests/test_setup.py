"""`scripts/setup` says what each of its modes does; the interpreter it calls only notes how."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def setup(folder: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Runs a copy of the script, and returns the arguments that pip would have had."""
    (folder / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "setup", folder / "scripts")
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@" > "{folder}/called"\n')
    python.chmod(0o755)
    done = subprocess.run(
        [folder / "scripts" / "setup", *arguments], capture_output=True, text=True, check=False
    )
    called = folder / "called"
    return done, called.read_text() if called.exists() else ""


@pytest.mark.parametrize(
    ("arguments", "target", "compiles", "ready"),
    [
        ([], ".[backend]", True, "council run configs/panel.yaml"),
        (["dev"], ".[dev]", True, "scripts/check"),
        (["hosted"], ".", False, "needs OPENAI_API_KEY"),
    ],
)
def test_each_mode_says_what_it_does(
    tmp_path: Path, arguments: list[str], target: str, compiles: bool, ready: str
) -> None:
    done, called = setup(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (0, "")
    assert called.split()[-2:] == ["-e", target]
    assert ("compiles llama.cpp" in done.stderr) == compiles
    assert ready in done.stderr.splitlines()[-1]


def test_an_unknown_mode_installs_nothing(tmp_path: Path) -> None:
    done, called = setup(tmp_path, "hostd")
    assert (done.returncode, called) == (2, "")
    assert "unknown target 'hostd': backend, dev or hosted" in done.stderr
