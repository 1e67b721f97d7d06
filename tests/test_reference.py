"""docs/reference/ is what scripts/reference makes of the code now."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.reference_pages.docstrings import doc_of, paragraphs, row
from scripts.reference_pages.pages import PAGES, made

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_current(name: str) -> None:
    file = FOLDER / name
    assert file.exists(), "run scripts/reference"
    assert file.read_text() == made(name), f"{name} is stale: run scripts/reference"


def test_there_are_no_other_pages() -> None:
    assert {file.name for file in FOLDER.iterdir()} == set(PAGES)


def keys() -> Iterator[tuple[str, str]]:
    """The keys of panel files with what is said of them."""
    for line in (FOLDER / "configuration.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `"):
            yield cells[0], cells[-1]


def test_every_key_is_explained() -> None:
    found = list(keys())
    assert len(found) > 80
    assert [key for key, said in found if len(said) < 5] == []


def test_every_event_field_is_explained() -> None:
    text = (FOLDER / "events.md").read_text().split("\n## Values")[0]
    assert re.findall(r"^\| `\w+` \| .* \|\s+\|$", text, re.MULTILINE) == []
    assert text.count("\n## ") >= 18


def test_no_path_of_this_machine_is_in_it() -> None:
    for file in FOLDER.iterdir():
        assert str(ROOT) not in file.read_text()
        assert str(Path.home()) not in file.read_text()
        assert " at 0x" not in file.read_text()


def explained(left: int, *right: str) -> None:
    """Says something.

    And more.

        an example

    Args:
        left: One thing,
            over two lines.
        *right: Others.

    Raises:
        ValueError: There is: a colon.
    """


def test_docstrings_are_read() -> None:
    doc = doc_of(explained)
    assert doc.entries["Args"] == {"left": "One thing, over two lines.", "*right": "Others."}
    assert doc.entries["Raises"] == {"ValueError": "There is: a colon."}
    assert paragraphs(doc.text) == "Says something.\n\nAnd more.\n\n```text\nan example\n```"
    assert row("a|b", "c\nd") == r"| a\|b | c d |"


INDEX = (ROOT / "docs" / "README.md").read_text()


def test_the_index_has_every_page() -> None:
    linked = {(ROOT / "docs" / target).resolve() for target in re.findall(r"\]\(([^)#]+)\)", INDEX)}
    pages = {file.resolve() for file in (ROOT / "docs").rglob("*.md")}
    missing = pages - linked - {ROOT / "docs" / "README.md"}
    assert not missing, f"docs/README.md does not lead to {sorted(map(str, missing))}"
    assert not [target for target in linked if not target.exists()]
