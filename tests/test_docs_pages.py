"""The pages in docs/ hold together: links lead somewhere, figures are those that were measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


def read(name: str) -> str:
    return (ROOT / name).read_text()


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The names that GitHub gives a page's headings; equal ones are counted."""
    names: list[str] = []
    for title in re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.M):
        bare = re.sub(r"\]\([^)]*\)", "", title).lower()
        names.append(re.sub(r"[^\w\- ]", "", bare).replace(" ", "-"))
    counted = (f"{name}-{names[:at].count(name)}" for at, name in enumerate(names))
    return {name.removesuffix("-0") for name in counted}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_somewhere(page: Path) -> None:
    text = without_code(page.read_text())
    inline = re.findall(r"\]\(([^)\s]+)\)", text)
    for target in inline + re.findall(r"^\[[^\]]+\]: (\S+)$", text, re.M):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name} links to {target}, which is not there"
        assert not anchor or anchor in anchors(file.read_text()), (
            f"{page.name}: no heading {target}"
        )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_references_are_defined_and_used(page: Path) -> None:
    text = without_code(page.read_text())
    defined = re.findall(r"^\[([^\]]+)\]: ", text, re.M)
    assert sorted(set(defined)) == sorted(defined)
    assert set(re.findall(r"\]\[([^\]]+)\]", text)) == set(defined)


def test_every_page_is_in_the_index() -> None:
    index = read("docs/README.md")
    for page in PAGES:
        name = page.relative_to(DOCS)
        assert name == Path("README.md") or f"]({name})" in index, f"docs/README.md lacks {name}"


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the tables under a heading, without their heads."""
    (part,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.M)
    lines = [line for line in part.splitlines() if re.match(r"\| (?!-)", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_figures_of_panels_are_those_that_were_measured() -> None:
    measured = read("docs/evaluation.md")
    quoted = rows(read("docs/how-panels-help.md"), "Measured here")[1:]
    assert len(quoted) == 6
    for what, right in quoted:
        assert right in measured, f"{what}: {right} is not in docs/evaluation.md"


def test_figures_of_servers_are_those_that_were_measured() -> None:
    measured = read("benchmarks/README.md")
    table = rows(read("docs/comparison.md"), "The bundled server and others")
    quoted = [cells for cells in table if cells[0].isdigit()]
    assert len(quoted) == 5
    for requests, _, ours, theirs in quoted:
        row = rf"\| {requests} \| [^|]+ \| [\d.]+ \| {ours} \| {theirs.strip('*')} \|"
        assert re.search(row, measured), f"{ours} against {theirs} was not measured"


def test_figures_of_clients_are_those_that_were_measured() -> None:
    """Of 100 paced streams, the microseconds of CPU that a token takes."""
    measured = read("benchmarks/README.md").split("### Paced")[1].split("### Batch")[0]
    said = " ".join(read("docs/comparison.md").split())
    takes = re.search(
        r"of council takes (\d+) µs .*? `openai` library (\d+), `pydantic-ai` (\d+),"
        r" `litellm` (\d+); a whole run with events (\d+)",
        said,
    )
    assert takes is not None
    clients = ("council-agent", "openai", "pydantic-ai", "litellm", "council-run")
    for client, figure in zip(clients, takes.groups(), strict=True):
        (found,) = re.findall(rf"\| 100 \| 100 \| {client} \| ([\d.]+) ", measured)
        assert int(float(found)) <= int(figure) <= float(found) + 1, f"{client}: {found}"
