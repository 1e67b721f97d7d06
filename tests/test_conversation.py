"""Conversations: what each turn is asked with, what is kept of it, saving and loading."""

from __future__ import annotations

import json
from collections.abc import Sequence
from inspect import signature
from typing import Any

import anyio
import pytest

import council
from council.agents.scripted import Script, ScriptedAgent
from council.conversation import Conversation
from council.errors import ConfigError, ConversationBusy, QuorumLost, TransportError
from council.events import ExpertToken
from council.expert import Expert
from council.messages import ChatMessage
from council.place import History
from council.sources import AskOptions
from tests.support.panels import agents

pytestmark = pytest.mark.anyio

JAPAN, ITALY, FRANCE = "What is the capital of Japan?", "And of Italy?", "And of France?"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def asked(agent: ScriptedAgent, call: int = -1) -> list[tuple[str, str]]:
    """What an agent was asked: roles and texts."""
    return [(message.role, message.text) for message in agent.requests[call].messages]


def cities() -> list[ScriptedAgent]:
    """Two who agree and one who does not."""
    return agents(
        ("Tokyo", "Rome", "Paris"), ("Tokyo", "Rome", "Paris"), ("Kyoto", "Milan", "Nice")
    )


def told(*texts: str) -> list[tuple[str, str]]:
    """Turns as `asked` shows them: questions and answers in their order."""
    return [("assistant" if at % 2 else "user", text) for at, text in enumerate(texts)]


def notes(result: council.Result) -> list[str]:
    """What a result's warnings say of the history."""
    return [warning for warning in result.warnings if warning.startswith("history: ")]


async def test_everybody_sees_the_panels_answers() -> None:
    panel = cities()
    async with council.open_council(panel) as opened:
        talk = opened.conversation()
        assert (talk.turns, talk.messages) == ((), ())
        first = await talk.ask(JAPAN)
        second = await talk.ask(ITALY)
        await talk.ask(FRANCE)
    for agent in panel:
        assert asked(agent, 0) == told(JAPAN)
        assert asked(agent, 1) == told(JAPAN, "Tokyo", ITALY)
        assert asked(agent, 2) == told(JAPAN, "Tokyo", ITALY, "Rome", FRANCE)
    assert [(turn.number, turn.question, turn.answer) for turn in talk.turns] == [
        (1, JAPAN, "Tokyo"),
        (2, ITALY, "Rome"),
        (3, FRANCE, "Paris"),
    ]
    assert [turn.result for turn in talk.turns][:2] == [first, second]
    assert second.question == ITALY
    assert second.warnings == ()


async def test_each_sample_sees_its_own_answers() -> None:
    ada = ScriptedAgent("ada", "Kyoto", "Osaka", "Milan", "Turin")
    bob = ScriptedAgent("bob", "Tokyo", "Rome")
    cyd = ScriptedAgent("cyd", "Tokyo", "Rome")
    panel = [Expert("ada", ada, samples=2), Expert("bob", bob), Expert("cyd", cyd)]
    async with council.open_council(panel) as opened:
        talk = opened.conversation(history="own")
        result = await talk.ask(JAPAN)
        again = await talk.ask(ITALY)
    # Samples may be asked in any order, but each goes on with what it said itself.
    own = [reply.text for reply in result.experts if reply.id == "ada"]
    assert sorted(own) == ["Kyoto", "Osaka"]
    seen = [asked(ada, 2), asked(ada, 3)]
    assert sorted(seen) == sorted(told(JAPAN, text, ITALY) for text in own)
    assert asked(bob) == told(JAPAN, "Tokyo", ITALY)
    assert talk.turns[0].own == {
        "ada": own[0],
        "ada#2": own[1],
        "bob": "Tokyo",
        "cyd": "Tokyo",
    }
    assert again.warnings == ()
    # What a user saw is the panel's.
    assert [message.text for message in talk.messages] == [JAPAN, "Tokyo", ITALY, "Rome"]


async def test_where_a_seat_gave_no_answer_the_panels_stands_in() -> None:
    failing: list[Script | Sequence[Script]] = [
        (TransportError("down"), "Milan", "Nice"),
        ("I'm sorry, but I can't help with that.", "Milan", "Nice"),
    ]
    panel = agents(("Kyoto", "Milan", "Nice"), "Tokyo", "Tokyo", *failing)
    async with council.open_council(panel) as opened:
        talk = opened.conversation("own")
        first = await talk.ask(JAPAN)
        second = await talk.ask(ITALY)
        third = await talk.ask(FRANCE)
    assert (first.status, first.answer) == ("degraded", "Tokyo")
    assert asked(panel[0], 1) == told(JAPAN, "Kyoto", ITALY)
    for agent in panel[3:]:
        assert asked(agent, 1) == told(JAPAN, "Tokyo", ITALY)
        assert asked(agent, 2) == told(JAPAN, "Tokyo", ITALY, "Milan", FRANCE)
    note = "history: in turn 1 the panel's answer stands in for that of d, e"
    assert (first.warnings, second.warnings, third.warnings) == ((), (note,), (note,))


async def test_who_was_not_needed_sees_the_panels_answer_too() -> None:
    hanging = [anyio.sleep_forever]
    panel = agents("Tokyo", (hanging, "Rome"))
    async with council.open_council(panel, strategy="first") as opened:
        talk = opened.conversation("own")
        await talk.ask(JAPAN)
        result = await talk.ask(ITALY, strategy="vote")
    assert asked(panel[1]) == told(JAPAN, "Tokyo", ITALY)
    assert "stands in for that of b" in result.warnings[-1]


async def test_the_answer_of_a_debate_that_stands_is_ones_own() -> None:
    panel = agents(
        ("Kyoto", "Tokyo", "Rome"), ("Tokyo", "Tokyo", "Rome"), ("Osaka", "Nara", "Rome")
    )
    async with council.open_council(panel, strategy="debate") as opened:
        talk = opened.conversation("own")
        await talk.ask(JAPAN, strategy={"name": "debate", "max_rounds": 1})
        assert talk.turns[0].own == {"a": "Tokyo", "b": "Tokyo", "c": "Nara"}
        await talk.ask(ITALY)
    assert asked(panel[2]) == told(JAPAN, "Nara", ITALY)


@pytest.mark.parametrize("history", ["answers", "own"])
async def test_a_turn_that_fails_leaves_no_trace(history: History) -> None:
    down = TransportError("down")
    panel = agents(("Tokyo", down, "Rome", "Paris"), ("Tokyo", down, "Rome", "Paris"))
    async with council.open_council(panel) as opened:
        talk = opened.conversation(history)
        await talk.ask(JAPAN)
        with pytest.raises(QuorumLost):
            await talk.ask(ITALY)
        assert len(talk.turns) == 1
        dropped = talk.dropped
        assert dropped is not None
        assert dropped.question.text == ITALY
        assert dropped.result.error is not None
        assert dropped.result.error.kind == "quorum"
        await talk.ask(dropped.question)
        await talk.ask(FRANCE)
    assert asked(panel[0], 2) == asked(panel[0], 1) == told(JAPAN, "Tokyo", ITALY)
    assert asked(panel[0], 3) == told(JAPAN, "Tokyo", ITALY, "Rome", FRANCE)
    assert [turn.number for turn in talk.turns] == [1, 2, 3]
    assert talk.dropped is None


async def test_a_turn_that_is_left_leaves_no_trace() -> None:
    panel = agents(("one two three", "Rome"))
    async with council.open_council(panel) as opened:
        talk = opened.conversation()
        async with talk.stream(JAPAN) as run:
            async for event in run:
                if isinstance(event, ExpertToken):
                    break
        assert talk.turns == ()
        assert talk.dropped is not None
        assert talk.dropped.result.run_id == run.id
        assert talk.dropped.result.error is not None
        assert talk.dropped.result.error.kind == "interrupted"
        await talk.ask(ITALY)
    assert asked(panel[0]) == told(ITALY)


async def test_a_turn_that_is_cancelled_leaves_no_trace() -> None:
    begun = anyio.Event()

    async def hang() -> None:
        begun.set()
        await anyio.sleep_forever()

    panel = agents(([hang], "Rome"))
    async with council.open_council(panel) as opened:
        talk = opened.conversation()
        async with anyio.create_task_group() as group:
            group.start_soon(talk.ask, JAPAN)
            await begun.wait()
            group.cancel_scope.cancel()
        assert talk.dropped is not None
        assert (await talk.ask(ITALY)).answer == "Rome"


async def test_an_answer_counts_although_its_reader_fails_afterwards() -> None:
    async with council.open_council(agents("Tokyo")) as opened:
        talk = opened.conversation()

        async def read_and_fail() -> None:
            async with talk.stream(JAPAN) as run:
                async for _ in run:
                    pass
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await read_and_fail()
    assert [turn.answer for turn in talk.turns] == ["Tokyo"]


async def test_turns_do_not_interleave() -> None:
    begun, go = anyio.Event(), anyio.Event()

    async def wait() -> None:
        begun.set()
        await go.wait()

    panel = agents(([wait, "Tokyo"], "Rome"))
    async with council.open_council(panel) as opened, anyio.create_task_group() as group:
        talk = opened.conversation()
        group.start_soon(talk.ask, JAPAN)
        await begun.wait()
        with pytest.raises(ConversationBusy, match="still going on: wait for it, or make another"):
            await talk.ask(ITALY)
        for change in (talk.undo, talk.clear):
            with pytest.raises(ConversationBusy):
                change()
        # What there is can be saved, and another conversation can be had.
        assert json.loads(talk.to_json())["turns"] == []
        other = Conversation.from_json(talk.to_json(), opened)
        assert (await other.ask(ITALY)).answer == "Rome"
        go.set()
    assert [turn.answer for turn in talk.turns] == ["Tokyo"]
    assert len(panel[0].requests) == 2


async def test_a_mistake_in_the_arguments_costs_nothing() -> None:
    async with council.open_council(agents("Tokyo")) as opened:
        talk = opened.conversation()
        with pytest.raises(ConfigError, match="the question is empty"):
            await talk.ask(" ")
        with pytest.raises(ConfigError, match="the question is empty"):
            await talk.ask(ChatMessage("assistant", "Tokyo"))
        with pytest.raises(ConfigError, match="unknown strategy"):
            await talk.ask(JAPAN, strategy="vot")
        assert talk.dropped is None
        assert (await talk.ask(JAPAN)).answer == "Tokyo"


async def test_undo_takes_a_turn_back() -> None:
    panel = cities()
    async with council.open_council(panel) as opened:
        talk = opened.conversation()
        await talk.ask(JAPAN)
        await talk.ask(ITALY)
        last = talk.undo()
        assert last is not None
        assert last.answer == "Rome"
        await talk.ask(FRANCE)
        assert asked(panel[0]) == told(JAPAN, "Tokyo", FRANCE)
        assert [turn.number for turn in talk.turns] == [1, 2]
        assert talk.undo()
        assert talk.undo()
        assert talk.undo() is None


async def test_clear_begins_anew_with_what_was_given() -> None:
    panel = cities()
    async with council.open_council(panel) as opened:
        talk = opened.conversation(messages=[ChatMessage("system", "Be brief.")])
        before = talk.id
        await talk.ask(JAPAN)
        talk.clear()
        assert talk.id != before
        await talk.ask(ITALY)
    assert asked(panel[0]) == [("system", "Be brief."), ("user", ITALY)]
    assert [turn.number for turn in talk.turns] == [1]


GIVEN = [
    ChatMessage("system", "Be brief."),
    ChatMessage("assistant", "Ask me."),
    ChatMessage("user", "Hello."),
    ChatMessage("assistant", "Hello!"),
]


@pytest.mark.parametrize("history", ["answers", "own"])
async def test_a_history_that_is_given(history: History) -> None:
    panel = cities()
    before = [(message.role, message.text) for message in GIVEN]
    async with council.open_council(panel) as opened:
        talk = opened.conversation(history, messages=GIVEN)
        await talk.ask(JAPAN)
        result = await talk.ask(ITALY)
        assert talk.undo()
        assert talk.undo()
        assert talk.undo() is None
        assert talk.messages == tuple(GIVEN)
    # Nobody on the panel said what was given: there is nothing to stand in for.
    assert result.warnings == ()
    assert asked(panel[2], 0) == [*before, *told(JAPAN)]
    own = "Kyoto" if history == "own" else "Tokyo"
    assert asked(panel[2], 1) == [*before, *told(JAPAN, own, ITALY)]


@pytest.mark.parametrize(
    "messages",
    [
        [ChatMessage("user", "Hello.")],
        [*GIVEN, ChatMessage("user", "And?")],
        [ChatMessage("user", "Hello."), ChatMessage("assistant", " ")],
    ],
)
async def test_a_history_that_ends_without_an_answer(messages: list[ChatMessage]) -> None:
    async with council.open_council(agents("?")) as opened:
        with pytest.raises(ConfigError, match="a history has to end with an answer"):
            opened.conversation(messages=messages)


async def test_arguments_that_cannot_be() -> None:
    async with council.open_council(agents("?")) as opened:
        for limit in (0, -1, 1.5, True):
            with pytest.raises(ConfigError, match="max_turns: expected a positive whole number"):
                opened.conversation(max_turns=limit)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="max_tokens: expected a positive whole number"):
            opened.conversation(max_tokens=0)
        with pytest.raises(ConfigError, match="expected answers or own, got 'all'"):
            opened.conversation("all")  # type: ignore[arg-type]


async def test_plain_mappings_are_messages() -> None:
    (agent,) = panel = agents(("Hello!", "Tokyo", "Rome"))
    given = [{"role": message.role, "content": message.text} for message in GIVEN]
    question = {"role": "user", "content": JAPAN}
    async with council.open_council(panel) as opened:
        await opened.ask([*given, question])
        assert asked(agent) == [*map(tuple, map(dict.values, given)), ("user", JAPAN)]
        talk = opened.conversation(messages=given)
        assert talk.messages == tuple(GIVEN)
        await talk.ask({"role": "user", "content": [{"type": "text", "text": ITALY}]})
        assert asked(agent)[-1] == ("user", ITALY)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (None, "expected a council.ChatMessage or a mapping of `role` and `content`, got None"),
        (5, "got int: '5'"),
        ({"role": "user"}, "expected `role` and `content` and no more, got 'role'"),
        ({"role": "user", "content": "?", "name": "me"}, "no more, got 'role', 'content', 'name'"),
        ({"role": "me", "content": "?"}, "role: expected one of system, .*, got 'me'"),
        ({"role": ["user"], "content": "?"}, r"role: expected one of system, .*, got \['user'\]"),
        ({"role": "user", "content": 5}, "content: expected a text or a list of parts, got int"),
        ({"role": "user", "content": ["?"]}, "content: expected a text or a list of parts, got tu"),
    ],
)
async def test_what_is_no_message(wrong: Any, told: str) -> None:
    async with council.open_council(agents("Yes.")) as opened:
        talk = opened.conversation()
        with pytest.raises(ConfigError, match=told):
            await talk.ask(wrong)
        with pytest.raises(ConfigError, match=told):
            await opened.ask([wrong])
        with pytest.raises(ConfigError, match=told):
            opened.conversation(messages=[wrong])
        assert (await talk.ask("?")).answer == "Yes."


@pytest.mark.parametrize("wrong", [None, 5, {"role": "user", "content": "?"}, b"?"])
async def test_what_is_no_question(wrong: Any) -> None:
    async with council.open_council(agents("?")) as opened:
        with pytest.raises(ConfigError, match="the question: expected a text or a list of messa"):
            await opened.ask(wrong)
        with pytest.raises(ConfigError, match="messages: expected a list of messages, got "):
            opened.conversation(messages=wrong)


@pytest.mark.parametrize("history", ["answers", "own"])
async def test_the_oldest_turns_are_left_out_and_it_is_said(
    history: History,
) -> None:
    panel = cities()
    async with council.open_council(panel) as opened:
        talk = opened.conversation(
            history, messages=[ChatMessage("system", "Be brief.")], max_turns=1
        )
        results = [await talk.ask(question) for question in (JAPAN, ITALY, FRANCE)]
        last = await talk.ask("And of Spain?")
    own = history == "own"
    system = ("system", "Be brief.")
    assert asked(panel[2], 1) == [system, *told(JAPAN, "Kyoto" if own else "Tokyo", ITALY)]
    assert asked(panel[2], 2) == [system, *told(ITALY, "Milan" if own else "Rome", FRANCE)]
    assert [result.warnings for result in results] == [
        (),
        (),
        ("history: the oldest turn was left out (max_turns is 1)",),
    ]
    assert last.warnings == ("history: the 2 oldest turns were left out (max_turns is 1)",)
    # What was asked and answered is all there, and numbers go on.
    assert [turn.number for turn in talk.turns] == [1, 2, 3, 4]


async def test_turns_have_to_fit_into_the_tokens() -> None:
    panel = agents(("Tokyo " * 200, "Rome", "Paris"))
    async with council.open_council(panel) as opened:
        talk = opened.conversation(max_tokens=100)
        await talk.ask(JAPAN)
        second = await talk.ask(ITALY)
        third = await talk.ask(FRANCE)
    assert asked(panel[0], 1) == told(ITALY)
    assert asked(panel[0], 2) == told(ITALY, "Rome", FRANCE)
    note = "history: the oldest turn was left out (max_tokens is 100)"
    assert (notes(second), notes(third)) == ([note], [note])


async def test_a_question_may_have_images() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    question = ChatMessage("user", ({"type": "text", "text": "What is this?"}, image))
    panel = agents(("A cat.", "Black."))
    async with council.open_council(panel) as opened:
        talk = Conversation.from_json(opened.conversation().to_json(), opened)
        await talk.ask(question)
        talk = Conversation.from_json(talk.to_json(), opened)
        await talk.ask("Its colour?")
    assert panel[0].requests[1].messages[0] == question


@pytest.mark.parametrize("history", ["answers", "own"])
async def test_what_is_saved_goes_on_as_it_was(history: History) -> None:
    panel = agents(("Tokyo", "Rome"), ("Kyoto", "Milan"), ("Tokyo", TransportError("down"), "Rome"))
    async with council.open_council(panel) as opened:
        talk = opened.conversation(history, messages=GIVEN, max_turns=5, max_tokens=5000)
        await talk.ask(JAPAN)
        await talk.ask(ITALY)
        with pytest.raises(QuorumLost):
            await talk.ask("Why?", strategy={"name": "vote", "extract": "number"})
        saved = talk.to_json()
    later = cities()
    async with council.open_council(later) as opened:
        back = Conversation.from_json(saved, opened)
        assert back.to_json() == saved
        assert (back.id, back.turns, back.dropped) == (talk.id, talk.turns, talk.dropped)
        assert back.dropped is not None
        result = await back.ask(FRANCE)
    own = history == "own"
    # `later` are other agents under the same ids.
    assert asked(later[1])[4:] == told(
        JAPAN, "Kyoto" if own else "Tokyo", ITALY, "Milan" if own else "Rome", FRANCE
    )
    assert asked(later[2])[4:] == told(JAPAN, "Tokyo", ITALY, "Rome", FRANCE)
    assert len(notes(result)) == own
    assert [turn.number for turn in back.turns] == [1, 2, 3]


async def test_a_seat_that_is_new_sees_the_panels_answers() -> None:
    async with council.open_council(agents("Tokyo", "Tokyo", "Kyoto")) as opened:
        talk = opened.conversation("own")
        await talk.ask(JAPAN)
    new = ScriptedAgent("new", "Rome")
    async with council.open_council([new]) as opened:
        back = Conversation.from_json(talk.to_json(), opened)
        result = await back.ask(ITALY)
    assert asked(new) == told(JAPAN, "Tokyo", ITALY)
    assert notes(result) == ["history: in turn 1 the panel's answer stands in for that of new"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "JSON"),
        ("[]", "JSON"),
        ('{"version": 2}', "version"),
        ("{}", "version"),
        ('{"version": 1, "turns": [{"messages": 3}]}', "turns.0.messages"),
        ('{"version": 1, "given": [{"messages": []}]}', "given.0.messages"),
        ('{"version": 1, "max_turns": 0}', "max_turns"),
    ],
)
async def test_what_is_no_saved_conversation(text: str, where: str) -> None:
    async with council.open_council(agents("?")) as opened:
        with pytest.raises(ConfigError, match=where):
            Conversation.from_json(text, opened)


async def test_answers_in_a_form_stay_their_texts() -> None:
    schema = {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}}
    panel = agents(('{"x": 1}', '{"x": 2}'))
    async with council.open_council(panel) as opened:
        talk = opened.conversation()
        await talk.ask(JAPAN, response_format=schema)
        back = Conversation.from_json(talk.to_json(), opened)
        result = await back.ask(ITALY, response_format=schema)
    assert result.parsed == {"x": 2}
    sentence = asked(panel[0])[-1][1].removeprefix(ITALY)
    assert "has to fit this JSON schema" in sentence
    # The sentence belongs to one question and not to the history.
    assert asked(panel[0]) == told(JAPAN, '{"x": 1}', ITALY + sentence)


@pytest.mark.parametrize("strategy", ["vote", "synthesize", {"name": "vote", "adaptive": True}])
async def test_a_follow_ups_answers_are_one_position_however_long(
    strategy: str | dict[str, object],
) -> None:
    second = ("Rome", "The capital of Italy is Rome.", "It is Rome.")
    panel = agents(*(("Tokyo", text, "Written.") for text in second))
    async with council.open_council(panel) as opened:
        talk = opened.conversation()
        await talk.ask(JAPAN, strategy="first")
        result = await talk.ask(ITALY, strategy=strategy)
    assert result.votes is not None
    assert [position.value for position in result.votes.positions] == ["rome"]


def test_every_option_of_asking_is_one_of_a_turn() -> None:
    options = set(signature(council.Council.stream).parameters)
    assert set(AskOptions.__annotations__) == options - {
        "self",
        "question",
        "tape",
        "place",
        "ticket",
    }
