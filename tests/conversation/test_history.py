"""Turns of a conversation and what of them is sent, as values."""

from __future__ import annotations

import pytest

from council.history import Turn, own_by_place, parted, sent, stand_ins
from council.messages import ChatMessage, Role, ToolCall
from council.place import Place


def messages(*roles: Role) -> list[ChatMessage]:
    return [ChatMessage(role, f"{role} {at}") for at, role in enumerate(roles)]


@pytest.mark.parametrize(
    ("roles", "opening", "turns"),
    [
        ((), 0, []),
        (("system",), 1, []),
        (("system", "assistant", "user", "assistant"), 2, [2]),
        (("user", "assistant", "user", "assistant"), 0, [2, 2]),
        (("user", "user", "assistant", "user", "assistant"), 0, [3, 2]),
        (("user", "assistant", "tool", "assistant", "user", "assistant"), 0, [4, 2]),
        (("user", "assistant", "system", "user", "assistant"), 0, [3, 2]),
    ],
)
def test_a_history_falls_into_turns(
    roles: tuple[Role, ...], opening: int, turns: list[int]
) -> None:
    given = messages(*roles)
    before, found = parted(given)
    assert len(before) == opening
    assert [len(turn.messages) for turn in found] == turns
    assert [*before, *(message for turn in found for message in turn.messages)] == given


def turn(answer: str, number: int = 0, **own: str) -> Turn:
    said = (ChatMessage("user", "?"), ChatMessage("assistant", answer))
    return Turn(said, number, own=own or None)


LONG = "x" * 396  # 99 tokens, and one more for the question


@pytest.mark.parametrize(
    ("max_turns", "max_tokens", "kept", "why"),
    [
        (None, None, 3, ""),
        (3, 300, 3, ""),
        (2, None, 2, "max_turns is 2"),
        (None, 299, 2, "max_tokens is 299"),
        (None, 200, 2, "max_tokens is 200"),
        (None, 199, 1, "max_tokens is 199"),
        (None, 99, 0, "max_tokens is 99"),
        (1, 299, 1, "max_turns is 1"),
        (2, 100, 1, "max_tokens is 100"),
    ],
)
def test_whole_turns_are_left_out(
    max_turns: int | None, max_tokens: int | None, kept: int, why: str
) -> None:
    turns = [turn(LONG, number) for number in (1, 2, 3)]
    found = sent((), turns, max_turns, max_tokens)
    assert found.turns == tuple(turns[3 - kept :])
    count = "the oldest turn was" if kept == 2 else f"the {3 - kept} oldest turns were"
    assert found.notes == ((f"history: {count} left out ({why})",) if why else ())


def test_the_opening_and_all_that_is_no_text_count() -> None:
    opening = [ChatMessage("system", LONG)]
    assert len(sent(opening, [turn("")], None, 100).turns) == 1
    assert sent(opening, [turn("")], None, 99).turns == ()
    image = ChatMessage("user", ({"type": "image_url", "image_url": {"url": "http://h/x"}},))
    seen = Turn((image, ChatMessage("assistant", "A cat.")))
    assert sent((), [seen], None, 4000).turns == ()
    assert sent((), [seen], None, 5000).turns == (seen,)
    call = ChatMessage("assistant", tool_calls=(ToolCall("1", "look", LONG),))
    called = Turn((ChatMessage("user", "?"), call, ChatMessage("assistant", "!")))
    assert sent((), [called], None, 100).turns == ()


def test_the_longest_own_answer_counts_where_it_is_sent() -> None:
    turns = [turn("short", ada=LONG)]
    assert sent((), turns, None, 50).turns == tuple(turns)
    assert sent((), turns, None, 50, history="own").turns == ()


def test_own_answers_stand_where_the_panels_stood() -> None:
    opening, given = parted(messages("system", "user", "assistant"))
    turns = [*given, turn("one", 1, ada="eins", bob="uno"), turn("two", 2, ada="zwei")]
    labels = ["ada", "bob", "cyd"]
    own = own_by_place(opening, turns, labels)
    assert own == {"ada": {4: "eins", 6: "zwei"}, "bob": {4: "uno"}}
    assert stand_ins(turns, labels) == (
        "history: in turn 1 the panel's answer stands in for that of cyd",
        "history: in turn 2 the panel's answer stands in for that of bob, cyd",
    )
    said = (*opening, *(message for each in turns for message in each.messages))
    place = Place("id", 3, "own", own)
    assert [each.text for each in place.seen_by("ada", said)[3:]] == ["?", "eins", "?", "zwei"]
    assert [each.text for each in place.seen_by("bob", said)[3:]] == ["?", "uno", "?", "two"]
    assert place.seen_by("cyd", said) == said
    # Roles stay, and so does what was there before.
    assert [each.role for each in place.seen_by("ada", said)] == [each.role for each in said]
    assert place.seen_by("ada", said)[:3] == said[:3]
