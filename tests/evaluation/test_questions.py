"""Question files: what they may say, and what they are told when they say something else."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from council.errors import ConfigError
from council.evaluation.questions import KINDS, Question, parse_question, read_questions
from council.evaluation.scoring import mark_text
from examples.tiny_experts.question_file import ASKED, COUNT, SEED, held_out_items, lines, without
from examples.tiny_experts.questions import FIELDS, draw
from examples.tiny_experts.split import is_held_out

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "examples" / "questions" / "builtin.jsonl"


def line(**more: Any) -> str:
    return json.dumps({"id": "q", "question": "Why?", "answer": "42", **more})


def write(folder: Path, *rows: str) -> Path:
    file = folder / "q.jsonl"
    file.write_text("\n".join(rows), "utf-8")
    return file


def test_a_file_is_read(tmp_path: Path) -> None:
    rows = ("\ufeff" + line(id="a"), "", line(id="b", answer="Tokyo", field="capitals"), "  ")
    assert read_questions(write(tmp_path, *rows)) == [
        Question("a", "Why?", "42", "number"),
        Question("b", "Why?", "Tokyo", "text", field="capitals"),
    ]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"answer": "1,200.5"}, "number"),
        ({"answer": 42}, "number"),
        ({"answer": "yes"}, "choice"),
        ({"answer": "B"}, "choice"),
        ({"answer": "red", "choices": ["red", "blue"]}, "choice"),
        ({"answer": "42 apples"}, "text"),
        ({"answer": "Yes Minister"}, "text"),
        ({"answer": "42", "kind": "exact"}, "exact"),
        ({"answer": "^4.$", "kind": "regex"}, "regex"),
    ],
)
def test_kinds_are_found_where_none_is_named(values: dict[str, Any], kind: str) -> None:
    assert parse_question(line(**values)).kind == kind


def test_numbers_are_kept_as_they_are_written() -> None:
    assert parse_question('{"id": 7, "question": "?", "answer": 0.10}').answer == "0.10"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("{", "not JSON: Expecting property name"),
        ("[" * 100_000, "too many brackets"),
        ('{"id": "a", "question": "?", "answer": NaN}', "NaN is no number there"),
        ("[1]", "expected an object"),
        ('{"id": "a", "question": "?"}', "answer: missing; a question needs id, question, answer"),
        (line(anser="x"), "unknown key 'anser': did you mean 'answer'?"),
        (line(question=" "), "question: expected text that is not empty"),
        (line(answer=True), "answer: expected text or a number, found true"),
        (line(answer=["a"]), 'answer: expected text or a number, found ["a"]'),
        (line(field=None), "field: expected text or a number, found null"),
        (line(kind="nubmer"), "found 'nubmer': did you mean 'number'?"),
        (line(kind=["text"]), "kind: expected one of number, choice, text, exact, regex"),
        (line(answer="many", kind="number"), "answer: expected a number; or set another `kind`"),
        (line(answer="red", kind="choice"), "or list the options in `choices`, found 'red'"),
        (
            line(answer="pink", choices=["red", "blue"]),
            "one of `choices` (red, blue), found 'pink'",
        ),
        (line(choices=["red"]), "choices: expected at least two texts"),
        (line(choices=["red", "Red"]), "choices: expected at least two texts that differ"),
        (line(choices="red"), "choices: expected a list of texts"),
        (line(choices=["4", "42"], kind="text"), "choices: they belong to kind choice"),
        (line(answer="(", kind="regex"), "answer: not a regular expression"),
        (line(answer="…", kind="text"), "answer: expected words"),
    ],
)
def test_mistakes_name_file_line_and_key(tmp_path: Path, row: str, told: str) -> None:
    file = write(tmp_path, line(id="fine"), row)
    with pytest.raises(ConfigError) as raised:
        read_questions(file)
    assert str(raised.value).startswith(f"{file}:2: ")
    assert told in str(raised.value)


def test_all_mistakes_are_told_at_once_up_to_a_point(tmp_path: Path) -> None:
    file = write(tmp_path, *["{"] * 25)
    with pytest.raises(ConfigError) as raised:
        read_questions(file)
    told = str(raised.value).splitlines()
    assert [row.split(" ")[0] for row in told[:20]] == [f"{file}:{n}:" for n in range(1, 21)]
    assert told[20] == "… and 5 more like these"


def test_ids_are_unique(tmp_path: Path) -> None:
    file = write(tmp_path, line(id="a"), line(id="b"), line(id="a"))
    with pytest.raises(ConfigError, match=r"q\.jsonl:3: id: 'a' stands in line 1 too"):
        read_questions(file)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.jsonl: No such file"):
        read_questions(tmp_path / "nowhere.jsonl")
    with pytest.raises(ConfigError, match="no questions"):
        read_questions(write(tmp_path, "", " "))
    (tmp_path / "latin.jsonl").write_bytes(b"\xe9")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        read_questions(tmp_path / "latin.jsonl")


def test_the_shipped_file_is_what_the_command_writes() -> None:
    assert SHIPPED.read_text("utf-8").splitlines() == list(lines(COUNT, SEED))
    questions = read_questions(SHIPPED)
    assert len(questions) == 500
    assert {question.field for question in questions} == set(ASKED)
    assert {question.kind for question in questions} < set(KINDS)
    # The first lines are about all fields too.
    assert {question.field for question in questions[: len(ASKED)]} == set(ASKED)


def test_the_shipped_questions_are_held_out_of_training() -> None:
    questions = read_questions(SHIPPED)
    assert all(is_held_out(question.id) for question in questions)
    asked = {question.question.lower() for question in questions}
    for field in FIELDS:
        chance = Random(f"taught:{field}")
        taught = {draw(field, chance, held_out=False).question.lower() for _ in range(3000)}
        assert not taught & asked


def test_a_field_that_has_no_more_questions_says_so() -> None:
    with pytest.raises(ValueError, match=r"dates: found \d+ different held-out questions"):
        held_out_items("dates", 80, seed=0)


def test_a_file_can_leave_out_what_another_one_asks() -> None:
    shipped = SHIPPED.read_text("utf-8").splitlines()
    asked = {
        text
        for question in map(parse_question, shipped)
        for text in (question.id, question.question)
    }
    drawn = list(lines(COUNT, SEED + 1))
    left = list(without(drawn, shipped))
    # In the drawn order, and nothing that the shipped file does not ask is gone.
    assert left == [row for row in drawn if asked.isdisjoint(identity(row))]
    assert 0 < len(left) < len(drawn)
    again = parse_question(shipped[0])
    other_key = line(id="another", question=again.question)
    assert list(without([other_key, line(id=again.id, question="?")], shipped)) == []


def identity(row: str) -> set[str]:
    question = parse_question(row)
    return {question.id, question.question}


@pytest.mark.parametrize("field", ASKED)
def test_what_the_models_were_taught_is_marked_right(field: str) -> None:
    shipped = {question.id: question for question in read_questions(SHIPPED)}
    for item in held_out_items(field, COUNT, SEED):
        assert mark_text(shipped[item.key], item.answer) == "right", item


def test_the_page_shows_questions_that_can_be_read() -> None:
    page = (ROOT / "docs" / "evaluation.md").read_text("utf-8")
    rows = page.split("```json\n")[1].split("```")[0].splitlines()
    assert [parse_question(row).kind for row in rows] == ["number", "text", "choice", "regex"]
    assert all(f"| `{kind}` |" in page for kind in KINDS)
