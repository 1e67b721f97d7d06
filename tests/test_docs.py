"""The pages in docs/ are true: their commands run, their panels are read, no option is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from council.assemble import assemble_panel
from council.strategies import STRATEGIES
from council.strategies.extractors import EXTRACTORS
from tests.support.documents import run_documented

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "strategies").glob("*.md"))


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


COMMANDS = [
    line for page in PAGES for block in blocks(page, "sh") for line in block.splitlines() if line
]
PANELS = [block for page in PAGES for block in blocks(page, "yaml")]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(command: str, tmp_path: Path) -> None:
    done = run_documented(command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("text", PANELS)
def test_parts_of_panels_are_read(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_API_KEY", "sk-1")
    experts = [{"model": "m", "endpoint": "http://h", "id": id} for id in ("A", "B", "C")]
    assert assemble_panel({"experts": experts, **yaml.safe_load(text)})


def test_each_page_is_about_a_strategy_and_names_its_options() -> None:
    for page in PAGES:
        text = page.read_text()
        for option in STRATEGIES[page.stem].model_fields:
            assert re.search(rf"`{option}\b", text), f"{page.name} does not explain `{option}`"
    for kind in EXTRACTORS:
        assert f"| `{kind}` |" in (ROOT / "docs" / "strategies" / "vote.md").read_text()
