"""docs/chat.md is true: its commands run, and no command or option is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from council.cli.chat.commands import COMMANDS
from council.cli.main import app
from tests.support.documents import run_documented

PAGE = (Path(__file__).parents[3] / "docs" / "chat.md").read_text()
LINES = [
    line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()
]
SHOWN = [
    line
    for block in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]


@pytest.mark.parametrize("line", LINES)
def test_commands_run(line: str, tmp_path: Path) -> None:
    done = run_documented(line, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "17 + 25 = 42." in done.stdout


def test_every_command_has_a_row() -> None:
    rows = re.findall(r"^\| `/(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert [name for name, _ in rows] == [command.name for command in COMMANDS]
    for command, (_, row) in zip(COMMANDS, rows, strict=True):
        for alias in command.aliases:
            assert f"`/{alias}`" in row


def test_options_are_those_that_there_are() -> None:
    (command,) = (
        command
        for name, command in typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]
        if name == "chat"
    )
    options = {name for parameter in command.params for name in parameter.opts}
    shown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE))
    assert shown <= options, "the page shows an option that is none"
    assert {name for name in options if name.startswith("--")} - shown <= {"--help"}
    assert len(SHOWN) >= 4
