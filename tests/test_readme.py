"""The README is true: its commands run, its program runs, its panel file is read."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from council.agents.kinds import KINDS
from council.config import load_config
from council.strategies import STRATEGIES
from tests.support.documents import run_documented

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


# What these show needs a running server, and is run with one by the tests of those parts.
ELSEWHERE = ("clients.md", "gateway.md", "mcp.md", "panel-clients.md", "remote.md")
PAGES = [file for file in sorted((ROOT / "docs").glob("*.md")) if file.name not in ELSEWHERE]
DOCS = "\n".join(file.read_text() for file in PAGES)


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


# The set-up lines are what CI itself runs, and a server does not end by itself.
COMMANDS = [
    line
    for block in blocks("sh")
    for line in block.splitlines()
    if not any(word in line for word in ("scripts/", "council backend", "council serve"))
]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(command: str, tmp_path: Path) -> None:
    done = run_documented(command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_there_are_commands_to_run() -> None:
    assert len(COMMANDS) >= 5


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
    assert done.returncode == 0, done.stderr
    assert "42" in done.stdout
    assert "Tokyo" in done.stdout


@pytest.mark.parametrize("program", blocks("python", DOCS))
def test_programs_of_other_documents_run(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_panel_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_API_KEY", "sk-1")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "qwen.gguf").touch()
    (text,) = blocks("yaml")
    file = tmp_path / "panel.yaml"
    file.write_text(text)
    config, _ = load_config(file)
    assert [expert.id for expert in config.experts] == ["ada", "B"]


@pytest.mark.parametrize("name", [*STRATEGIES, *KINDS])
def test_everything_with_a_name_is_documented(name: str) -> None:
    assert f"`{name}`" in README


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), f"README links to {target}, which is not there"
