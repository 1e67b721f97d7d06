"""`council keys`: keys go in by a prompt or a pipe, and never come out."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

KEY = "sk-0123456789abcdef"
COUNCIL = [sys.executable, "-m", "council"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An empty configuration folder."""
    return {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}


def call(env: dict[str, str], *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COUNCIL, *arguments], input=stdin, env=env, capture_output=True, text=True, timeout=100,
        check=False,
    )  # fmt: skip


def test_a_key_from_a_pipe_is_kept_used_listed_and_removed(
    env: dict[str, str], tmp_path: Path
) -> None:
    done = call(env, "keys", "set", "A_KEY", stdin=f"{KEY}\n\n")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"kept A_KEY in {tmp_path}/council/keys.json\n"
    done = call(env, "keys", "list")
    assert done.stdout == f"A_KEY  {tmp_path}/council/keys.json\n"
    assert "comes before it" in call({**env, "A_KEY": "x"}, "keys", "list").stdout
    panel = tmp_path / "panel.yaml"
    panel.write_text("experts: [{model: m, endpoint: 'http://h:1', api_key: '${A_KEY}'}]\n")
    done = call(env, "config", "check", str(panel))
    assert "  key: A_KEY from the keys file\n" in done.stdout
    assert call(env, "keys", "remove", "A_KEY").stderr == "removed A_KEY\n"
    assert call(env, "config", "check", str(panel)).returncode == 2
    done = call(env, "keys", "list")
    assert (done.stdout, done.stderr) == ("", "no key is kept: council keys set NAME\n")


def test_of_several_lines_none_is_taken_for_the_key(env: dict[str, str]) -> None:
    done = call(env, "keys", "set", "A_KEY", stdin=f"{KEY}\nuser: me\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "standard input has 2 lines and a key has one" in done.stderr
    assert KEY not in done.stderr
    assert "no key is kept" in call(env, "keys", "list").stderr


def test_a_prompt_shows_nothing_of_the_key(env: dict[str, str], tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COUNCIL, "keys", "set", "A_KEY"],
        env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    with open(ours, "r+b", buffering=0) as terminal:
        while b"A_KEY: " not in shown:
            shown += terminal.read(4096)
        terminal.write(f"{KEY}\n".encode())
        try:
            while piece := terminal.read(4096):
                shown += piece
        except OSError:  # how Linux tells of the other side's end
            pass
    assert process.wait(timeout=100) == 0
    assert KEY not in shown.decode()
    assert KEY in (tmp_path / "council" / "keys.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "stdin", "told"),
    [
        (("set", "A-KEY"), KEY, "'A-KEY' is no name of a key"),
        (("set", "A_KEY"), "", "A_KEY: a key has at least one character"),
        (("remove", "A_KEY"), "", "no key 'A_KEY' is kept"),
    ],
    ids=["name", "nothing", "unknown"],
)
def test_mistakes_are_told(
    env: dict[str, str], arguments: tuple[str, ...], stdin: str, told: str
) -> None:
    done = call(env, "keys", *arguments, stdin=stdin)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert KEY not in done.stderr


def test_the_doctor_says_where_a_key_is_from(env: dict[str, str], tmp_path: Path) -> None:
    call(env, "keys", "set", "A_KEY", stdin=KEY)
    panel = tmp_path / "panel.yaml"
    panel.write_text(
        "experts: [{model: m, endpoint: 'http://127.0.0.1:1', api_key: '${A_KEY}', retries: 0}]\n"
    )
    done = call(env, "doctor", str(panel))
    assert "key: A_KEY from the keys file" in done.stdout
    assert KEY not in done.stdout + done.stderr
