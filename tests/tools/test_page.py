"""docs/tools.md is true: its programs run, its panel is read, it names what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from council.assemble import assemble_panel
from council.limits import RunLimits
from council.tools.calling import MOST_CHARACTERS
from council.tools.shown import EXCERPT

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tools.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("program", blocks("python"))
def test_programs_run(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == 'It is 42.\nadd {"a": 17, "b": 25} 42\n'


@pytest.mark.parametrize("text", blocks("yaml"))
def test_panels_are_read(text: str) -> None:
    _, parts = assemble_panel(yaml.safe_load(text))
    assert [expert.takes_tools for expert in parts.experts] == [True, False]
    assert parts.limits.tool_turns == 4


def test_numbers_are_those_of_the_code() -> None:
    for number in (MOST_CHARACTERS, EXCERPT):
        assert f"{number:,} characters" in PAGE
    assert f"tool_turns: {RunLimits().tool_turns}" in PAGE
