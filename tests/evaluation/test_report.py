"""The report as Markdown, as JSON and as a picture."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from council import ScriptedAgent, open_council
from council.errors import StreamError
from council.evaluation.measure import Evaluation
from council.evaluation.plot import in_words, plot
from council.evaluation.questions import Question
from council.evaluation.report import Asked, Member, as_data, markdown
from council.evaluation.statistics import Interval
from council.evaluation.summary import Summary, summarize
from council.evaluation.tables import percent

pytestmark = pytest.mark.anyio

SVG = "{http://www.w3.org/2000/svg}"
ASKED = Asked("panel.yaml", "q.jsonl", seed=0, at_once=4)


async def small() -> tuple[Evaluation, Summary]:
    """Two questions to three experts, one with a name that Markdown would take for two cells."""
    questions = [
        Question("one", "1 + 1?", "2", "number", field="a|b"),
        Question("two", "1 + 2?", "3", "number", field="c"),
    ]
    seats = [
        ScriptedAgent("a|\n<b>", "It is 2."),
        ScriptedAgent("b", "It is 2."),
        ScriptedAgent("c", StreamError("gone")),
    ]
    async with open_council(seats) as council:
        evaluation = Evaluation(council, questions, at_once=1)
        await evaluation.ask_panel()
    ids = [seat.id for seat in seats]
    return evaluation, summarize(questions, evaluation.panel, ids, strategy="vote")


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.replace("\\|", "¦").strip("|").split("|")]


async def test_tables_are_whole() -> None:
    _, summary = await small()
    text = markdown(ASKED, summary)
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    assert [len(table) for table in tables] == [7, 6, 4]
    for table in tables:
        assert len({len(cells(line)) for line in table}) == 1, table
    first = [cells(line) for line in tables[0]]
    assert first[2][:7] == ["panel (vote)", "50.0%", "9.5 to 90.5", "1", "1", "0", "0"]
    assert first[3][:2] == ["single answer (mean)", "50.0%"]
    assert first[3][3:7] == ["2", "2", "0", "2"]
    assert first[3][9:] == ["–", "–"]
    assert first[4][:2] == ["a¦ <b>", "50.0%"]
    assert first[4][7:] == ["0.0", "-84.2 to +84.2", "0", "0"]
    assert first[6][:7] == ["c", "–", "–", "0", "0", "0", "2"]
    assert cells(tables[2][2]) == ["a¦b", "1", "100%", "100%", "100%", "100%", "–"]
    assert text.startswith("**panel.yaml** on q.jsonl: 2 questions\n")


async def test_an_interrupted_report_says_so() -> None:
    evaluation, _ = await small()
    summary = summarize(evaluation.questions, evaluation.panel[:1], ["b"], strategy="vote")
    asked = Asked("panel.yaml", "q.jsonl", 0, 4, interrupted=True)
    assert "1 of 2 questions, interrupted\n" in markdown(asked, summary)


async def test_json_has_each_answer() -> None:
    evaluation, summary = await small()
    data = json.loads(json.dumps(as_data(ASKED, summary, evaluation.panel, evaluation.baseline)))
    assert data["rows"][0]["accuracy"]["value"] == 0.5
    assert data["rows"][0]["verdicts"] == {"right": 1, "wrong": 1, "abstained": 0, "failed": 0}
    assert [answer["verdict"] for answer in data["answers"]] == ["right", "wrong"]
    replies = data["answers"][0]["replies"]
    assert [reply["verdict"] for reply in replies] == ["right", "right", "failed"]
    assert replies[2]["error"]["kind"] == "stream"
    assert data["answers"][0]["status"] == "degraded"
    assert data["baseline_answers"] == []
    assert (data["interrupted"], data["seed"], data["of"]) == (False, 0, 2)


async def test_the_picture_is_xml_with_the_same_in_words() -> None:
    _, summary = await small()
    root = ElementTree.fromstring(plot(summary.rows, "a & <b>\x00"))
    assert root.get("role") == "img"
    named = {element.get("id"): element.text for element in root.iter() if element.get("id")}
    assert set((root.get("aria-labelledby") or "").split()) == set(named)
    assert named["title"] == "a & <b>"
    assert named["words"] == in_words(summary.rows)
    assert "panel (vote): 50.0% (9.5 to 90.5) of 2 questions." in in_words(summary.rows)
    bars = [bar for bar in root.iter(f"{SVG}rect") if bar.get("x")]
    # c answered nothing: it has no bar.
    assert [float(bar.get("width", 0)) for bar in bars] == [220.0] * 4


async def test_the_report_says_how_members_were_asked() -> None:
    _, summary = await small()
    greedy, left = Member("a", 1, 1.0, 0.0), Member("b", 1, 1.2, None)
    text = markdown(replace(ASKED, members=(greedy, left)), summary)
    assert "- asked: a at temperature 0; b at its server's temperature, weight 1.2." in text
    assert "drawn with chance" not in text
    warm = Member("c", 3, 1.0, 0.7)
    text = markdown(replace(ASKED, members=(greedy, warm)), summary)
    assert "; c × 3 at temperature 0.7." in text
    assert "may do no more than come back to one answer at temperature 0" in text


def test_percents() -> None:
    assert percent(None) == ("–", "–")
    assert percent(Interval(0.5, 0.25, 0.75)) == ("50.0%", "25.0 to 75.0")
    assert percent(Interval(0.05, -0.1, 0.0), signed=True) == ("+5.0", "-10.0 to 0.0")
    assert percent(Interval(-0.0001, -0.1004, 0.1), signed=True) == ("0.0", "-10.0 to +10.0")
