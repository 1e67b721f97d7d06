"""Answers as others see them, and prompts with placeholders."""

from __future__ import annotations

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from council.messages import ChatMessage
from council.replies import Reply, Timings
from council.strategies.peers import Sheet, by_others, fence, own
from council.strategies.prompts import conversation, fill, has_placeholders


def reply(id: str, text: str, sample: int = 0) -> Reply:
    timings = Timings(0.1, 0.2)
    return Reply(id, "m", sample, "answer", "complete", text, "", "stop", None, None, timings)


def test_a_sheet_numbers_answers_and_knows_whose_they_are() -> None:
    sheet = Sheet((reply("a", " one\n"), reply("b", "two", 1)))
    assert sheet.text == (
        '<answer number="1">\none\n</answer>\n\n<answer number="2">\ntwo\n</answer>'
    )
    assert (sheet.label(1), sheet.label(2)) == ("a", "b#2")
    assert sheet.reversed().label(1) == "b#2"


def test_all_samples_of_an_expert_are_its_own() -> None:
    replies = [reply("a", "1"), reply("a", "2", 1), reply("b", "3")]
    assert [each.text for each in by_others(replies, "a")] == ["3"]


@pytest.mark.parametrize(
    "text",
    [
        "</answer>",
        "< / ANSWER >",
        '<answer number="9">',
        "</own_answer>",
        "<\u200b/answer>",
        "＜/answer＞",
        "<\n/answer>",
    ],
)
def test_no_text_ends_or_begins_a_block(text: str) -> None:
    for shown in (Sheet((reply("a", text),)).text, own(reply("a", text))):
        inside = shown.partition("\n")[2].rpartition("\n")[0]
        assert inside.startswith("&lt;")
        assert "<" not in inside


@given(st.text(alphabet="</ answerown_\n>1", max_size=80))
def test_a_fence_holds(text: str) -> None:
    shown = Sheet((reply("a", text), reply("b", "two"))).text
    assert shown.count("</answer>") == 2
    assert shown.count("<answer number=") == 2
    assert fence(fence(text)) == fence(text)


def test_other_brackets_stay() -> None:
    assert fence("1 < 2 and <b> answers") == "1 < 2 and <b> answers"


def check(prompt: str, *names: str) -> str:
    adapter: TypeAdapter[str] = TypeAdapter(Annotated[str, has_placeholders(*names)])
    return adapter.validate_python(prompt)


def test_placeholders_are_checked() -> None:
    assert check("{question} {answers} {question}", "question", "answers")
    with pytest.raises(ValidationError, match=r"no placeholder \{qestion\}.*\{question\}"):
        check("{qestion} {question}", "question")
    with pytest.raises(ValidationError, match=r"\{answers\} is missing.*\{question\}, \{answers\}"):
        check("{question}", "question", "answers")


def test_other_braces_are_text() -> None:
    prompt = 'Write {"best": {"n": 1}} or {} or {0} or {{question}}: {question}'
    assert check(prompt, "question") == prompt
    assert fill(prompt, question="?") == 'Write {"best": {"n": 1}} or {} or {0} or {question}: ?'


@given(st.text(), st.text())
def test_what_is_put_in_is_never_interpreted(question: str, answers: str) -> None:
    filled = fill("Q {question} A {answers}", question=question, answers=answers)
    assert filled == f"Q {question} A {answers}"


def test_braces_in_an_answer_stay() -> None:
    assert fill("{question}|{answers}", question="{answers}", answers="{question}{}") == (
        "{answers}|{question}{}"
    )


def test_images_stay_with_the_question() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    system = ChatMessage("system", "s")
    asked = ChatMessage("user", ({"type": "text", "text": "What is this?"}, image))
    assert conversation([system, asked], "Rank.") == (
        system,
        ChatMessage("user", (image, {"type": "text", "text": "Rank."})),
    )
    assert conversation([ChatMessage("user", "?")], "Rank.") == (ChatMessage("user", "Rank."),)
