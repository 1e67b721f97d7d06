"""What chat clients are told of a run, from its events alone: no server takes part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from council.agents.scripted import ScriptedAgent, Steps
from council.council import open_council
from council.errors import StreamError
from council.events import AnswerDiscarded, AnswerToken, Event, RunFinished
from council.gateway.floor import Floor
from council.gateway.telling import Aside, Piece, Teller, Text, may_be_discarded
from council.result import Result
from council.strategies.base import is_refusal
from council.strategies.positions import is_unknown

pytestmark = pytest.mark.anyio
DECLINED = [
    "I don't know.",
    "I do not know the answer.",
    "I really don't know",
    "I'm not sure.",
    "I am not sure",
    "I have no idea.",
    "Unknown.",
    "Well, I don't know.",
    "Sorry, I don't know.",
    "I'm sorry, but I can't help with that.",
    "I am sorry, I cannot assist.",
    "Sorry, but I can not answer this.",
    "Unfortunately, I am unable to provide this.",
    "I won't discuss that.",
    "As an AI, I decline to answer.",
    "I must decline to answer.",
    "I’m not sure.",
]


async def heard(
    teller: Teller, agents: Sequence[ScriptedAgent], **options: Any
) -> tuple[list[Piece], Result]:
    """All that a teller tells of a run, and the run's result."""
    pieces: list[Piece] = []
    async with (
        open_council(list(agents)) as council,
        council.stream("What is 6 * 7?", **options) as run,
    ):
        async for event in run:
            pieces += teller.hear(event)
    return pieces, run.result


def content(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Text))


def asides(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Aside))


def writing(*written: Steps) -> list[ScriptedAgent]:
    """Three experts who say 42; each one's second text, if it is asked for one, is next."""
    texts = [*written, *["It is 42."] * 3][:3]
    names = ("ada", "bob", "eve")
    return [ScriptedAgent(name, "It is 42.", text) for name, text in zip(names, texts, strict=True)]


async def test_a_vote_is_told_in_one_piece() -> None:
    pieces, result = await heard(Teller(), writing())
    assert pieces == [Text("It is 42.")]
    assert result.answer == "It is 42."


async def test_a_synthesis_is_told_word_by_word() -> None:
    agents = writing("The answer is 42.")
    pieces, result = await heard(Teller(), agents, strategy="synthesize")
    assert pieces == [Text("The"), Text(" answer"), Text(" is"), Text(" 42.")]
    assert content(pieces) == result.answer


async def test_who_holds_gets_it_in_one_piece() -> None:
    pieces, _ = await heard(Teller(hold=True), writing("It must be 42."), strategy="synthesize")
    assert pieces == [Text("It must be 42.")]


async def test_a_draft_that_breaks_off_is_called_void_in_the_text() -> None:
    teller = Teller()
    agents = writing(["It is forty", StreamError("cut off")], "It comes to 42.")
    pieces, result = await heard(teller, agents, strategy="synthesize")
    draft, _, answer = content(pieces).partition("\n\n[What stands above is void: ")
    assert draft == "It is forty"
    assert answer.endswith(". The answer begins anew.]\n\nIt comes to 42.")
    assert (result.answer, result.status) == ("It comes to 42.", "degraded")
    [reason] = teller.discarded
    assert "cut off" in reason
    assert reason in asides(pieces)


async def test_who_holds_never_sees_a_draft() -> None:
    teller = Teller(hold=True)
    agents = writing(["It is forty", StreamError("cut off")], "It comes to 42.")
    pieces, _ = await heard(teller, agents, strategy="synthesize")
    assert pieces == [Text("It comes to 42.")]
    assert len(teller.discarded) == 1


async def test_a_writer_that_does_not_know_is_never_told() -> None:
    teller = Teller()
    agents = writing("I don't know.", "It comes to 42.")
    pieces, _ = await heard(teller, agents, strategy="synthesize")
    assert content(pieces) == "It comes to 42."
    assert len(teller.discarded) == 1


async def test_an_answer_that_only_begins_like_a_refusal_is_told_whole() -> None:
    text = "I can't say that it is more than 42, nor that it is less."
    pieces, result = await heard(Teller(), writing(text), strategy="synthesize")
    assert content(pieces) == result.answer == text


async def test_a_run_without_an_answer_tells_of_no_new_one() -> None:
    teller = Teller()
    pieces = teller.hear(AnswerToken(0.0, "It is")) + teller.hear(AnswerDiscarded(0.0, "gone"))
    failed = await failed_result()
    pieces += teller.hear(RunFinished(0.0, failed))
    assert content(pieces) == "It is"


async def failed_result() -> Result:
    agents = [ScriptedAgent(name, StreamError("no")) for name in ("ada", "bob")]
    _, result = await heard(Teller(), agents)
    assert result.status == "failed"
    return result


async def test_what_a_result_says_otherwise_is_put_right() -> None:
    _, result = await heard(Teller(), writing())
    teller = Teller()
    events: list[Event] = [AnswerToken(0.0, "It is 41"), RunFinished(0.0, result)]
    told = content([piece for event in events for piece in teller.hear(event)])
    assert told.startswith("It is 41\n\n[What stands above is void")
    assert told.endswith("It is 42.")


async def test_a_form_is_told_as_json_alone() -> None:
    agents = [ScriptedAgent(name, 'Sure:\n```json\n{"n": 42}\n```') for name in ("ada", "bob")]
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    pieces, result = await heard(Teller(hold=True), agents, response_format=schema)
    assert pieces == [Text('{"n": 42}')]
    assert result.parsed == {"n": 42}


async def test_experts_are_told_before_the_answer_one_after_the_other() -> None:
    agents = writing()
    agents[1] = ScriptedAgent("bob", ["It is", StreamError("cut off")])
    pieces, _ = await heard(Teller("experts"), agents)
    said = asides(pieces).split("\n\n")
    assert said[0] == "ada: It is 42."
    assert said[1].startswith("bob: It is [failed: ")
    assert "cut off" in said[1]
    assert said[2:] == ["eve: It is 42."]
    assert pieces[-1] == Text("It is 42.")


async def test_experts_are_not_told_unless_wanted() -> None:
    pieces, _ = await heard(Teller("answer"), writing())
    assert asides(pieces) == ""


async def test_a_writers_words_are_told_once() -> None:
    pieces, _ = await heard(Teller("experts"), writing("All say 42."), strategy="synthesize")
    assert asides(pieces).count("42") == 3
    assert content(pieces) == "All say 42."


async def test_later_stages_are_named() -> None:
    agents = [ScriptedAgent(name, f"It is {name}.", "BEST: 1") for name in ("ada", "bob", "eve")]
    pieces, _ = await heard(Teller("experts"), agents, strategy="judge")
    assert "(judge): BEST: 1" in asides(pieces)


@pytest.mark.parametrize("text", DECLINED)
def test_the_beginnings_of_what_declines_are_held_back(text: str) -> None:
    assert is_refusal(text) or is_unknown(text)
    for end in range(len(text) + 1):
        assert may_be_discarded(text[:end]), text[:end]


@pytest.mark.parametrize(
    "text", ["17", "It", "The", "Paris", "Information", "I think", "I am sure", "Wells", "Both"]
)
def test_other_beginnings_are_told_at_once(text: str) -> None:
    assert not may_be_discarded(text)


def test_what_is_long_is_no_refusal() -> None:
    assert not may_be_discarded("I can't " + "x" * 400)


def test_one_has_the_floor() -> None:
    floor = Floor()
    assert floor.say("ada", " It") == "ada: It"
    assert floor.say("bob", "No") == ""
    assert floor.say("ada", " is.") == " is."
    assert floor.end("bob") == ""
    assert floor.end("ada") == "\n\nbob: No"
    assert floor.say("eve", "Yes") == "\n\neve: Yes"


def test_who_says_nothing_is_not_named() -> None:
    floor = Floor()
    assert floor.say("ada", "\n") == ""
    assert floor.end("ada") + floor.end("bob") == ""
    assert floor.end("eve", "[failed: late]") == "eve: [failed: late]"


def test_a_floor_that_is_cleared_tells_all() -> None:
    floor = Floor()
    said = floor.say("ada", "It") + floor.say("bob", "No") + floor.clear()
    assert said == "ada: It\n\nbob: No"
    assert floor.clear() == ""
