"""docs/observability.md names what council tells, and nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from council.telemetry import names
from tests.support.documents import run_documented

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "observability.md").read_text()
FIRST_CELLS = set(re.findall(r"^\| `([a-z_.]+)` \|", PAGE, re.MULTILINE))
IN_CODE = set(re.findall(r"`([a-z_.]+)`", PAGE))


def test_every_name_is_documented() -> None:
    assert {*names.METRICS, *names.EVENTS} <= FIRST_CELLS
    assert set(names.ATTRIBUTES) <= IN_CODE


def test_every_documented_name_is_there() -> None:
    known = {*names.ATTRIBUTES, *names.METRICS, *names.EVENTS}
    told = {name for name in IN_CODE if re.match(r"(gen_ai|server|error)\.", name)}
    assert told <= known
    loggers = {"council.run", "council.agents.http"}
    assert {name for name in FIRST_CELLS if name.count(".")} - loggers <= known | modules()


def modules() -> set[str]:
    files = (ROOT / "council").rglob("*.py")
    return {".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files}


def events_logged() -> set[str]:
    """The events' names in all calls of `log`, and of those that pass them on."""
    found = set[str]()
    for file in (ROOT / "council").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = (
                node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            )
            place = {"log": 2, "_info": 0, "_debug": 0}.get(called)
            if place is None or len(node.args) <= place:
                continue
            name = node.args[place]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                found.add(name.value)
    return found


@pytest.mark.parametrize("event", sorted(events_logged()))
def test_every_logged_event_is_documented(event: str) -> None:
    assert event in IN_CODE, f"docs/observability.md does not name {event}"


def test_there_are_events() -> None:
    assert len(events_logged()) >= 15


COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.split("\n")
]


@pytest.mark.parametrize("command", [line for line in COMMANDS if line])
def test_commands_run(command: str, tmp_path: Path) -> None:
    done = run_documented(command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert "run.finished" in done.stderr
