"""The store of conversations: turns, limits, expiry, owners; by a clock that is told the time."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from backend.errors import InvalidRequest, SessionBusy, SessionNotFound, TooManySessions
from backend.sessions import MOST_BYTES, Sessions


class Clock:
    """Seconds since 1970."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(3, 60, clock)


def said(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "content": content}


def user(content: str) -> dict[str, Any]:
    return said("user", content)


def answer(content: str) -> dict[str, Any]:
    return said("assistant", content)


def turn(sessions: Sessions, id: str, text: str, owner: str = "") -> None:
    """A whole turn: a question and its echo."""
    sessions.turn(id, owner, [user(text)]).keep(answer(f"re: {text}"))


def kept(sessions: Sessions, id: str = "a", owner: str = "") -> list[str]:
    return [message["content"] for message in sessions.find(id, owner).messages]


def test_a_turn_has_all_that_was_said_before(sessions: Sessions) -> None:
    with closing(sessions.turn("a", "", [said("system", "Be brief."), user("1")])) as first:
        assert [message["content"] for message in first.messages] == ["Be brief.", "1"]
        first.keep(answer("one"))
    with closing(sessions.turn("a", "", [user("2")])) as second:
        whole = [message["content"] for message in second.messages]
        assert whole == ["Be brief.", "1", "one", "2"]
        second.keep(answer("two"))
    assert kept(sessions) == ["Be brief.", "1", "one", "2", "two"]


def test_a_turn_that_is_not_kept_has_never_been(sessions: Sessions) -> None:
    turn(sessions, "a", "1")
    with closing(sessions.turn("a", "", [user("lost")])):
        pass
    assert kept(sessions) == ["1", "re: 1"]
    with closing(sessions.turn("b", "", [user("lost")])):
        assert sessions.find("b", "").busy
    with pytest.raises(SessionNotFound):
        sessions.find("b", "")


def test_one_turn_at_a_time(sessions: Sessions) -> None:
    first = sessions.turn("a", "", [user("1")])
    with pytest.raises(SessionBusy):
        sessions.turn("a", "", [user("2")])
    sessions.turn("a", "other", [user("2")]).close()
    first.keep(answer("one"))
    second = sessions.turn("a", "", [user("2")])
    # The first one is over: it neither keeps twice nor lets a third one in.
    first.keep(answer("again"))
    first.close()
    with pytest.raises(SessionBusy):
        sessions.turn("a", "", [user("3")])
    second.close()
    assert kept(sessions) == ["1", "one"]


def test_instructions_that_are_sent_again_take_the_place_of_the_old(sessions: Sessions) -> None:
    sessions.turn("a", "", [said("system", "old"), user("1")]).keep(answer("one"))
    for instruction in ("old", "new"):
        again = sessions.turn("a", "", [said("developer", instruction), user("2")])
        assert [message["content"] for message in again.messages] == [instruction, "1", "one", "2"]
        again.close()
    sessions.turn("a", "", [said("system", "new"), user("2")]).keep(answer("two"))
    assert kept(sessions)[0] == "new"
    with pytest.raises(InvalidRequest, match="no new turn"):
        sessions.turn("a", "", [said("system", "newer")])


def test_a_client_that_sends_everything_again_is_understood(sessions: Sessions) -> None:
    first = [said("system", "s"), user("1")]
    sessions.turn("a", "", first).keep(answer("one"))
    resent = [*first, {**answer("one"), "refusal": None}, user("2")]
    sessions.turn("a", "", resent).keep(answer("two"))
    assert kept(sessions) == ["s", "1", "one", "2", "two"]
    with pytest.raises(InvalidRequest, match="no new turn"):
        sessions.turn("a", "", [*resent, answer("two")])


def test_a_conversation_that_is_another_is_refused(sessions: Sessions) -> None:
    turn(sessions, "a", "1")
    with pytest.raises(InvalidRequest, match="Send only the new turn") as caught:
        sessions.turn("a", "", [user("1"), answer("edited"), user("2")])
    assert caught.value.code == "session_mismatch"
    # A session that has not begun may begin with one.
    sessions.turn("b", "", [user("1"), answer("edited"), user("2")]).keep(answer("two"))
    assert kept(sessions, "b") == ["1", "edited", "2", "two"]


def test_an_answer_that_the_client_began_is_one_answer(sessions: Sessions) -> None:
    sessions.turn("a", "", [user("1"), answer("It is ")]).keep(answer("one."))
    assert kept(sessions) == ["1", "It is one."]
    begun = {"role": "assistant", "content": [{"type": "text", "text": "It"}]}
    sessions.turn("a", "", [user("2"), begun]).keep({**answer(""), "content": None})
    assert kept(sessions) == ["1", "It is one.", "2", "It"]


def test_calls_and_results_of_tools(sessions: Sessions) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    sessions.turn("a", "", [user("1")]).keep({**answer(""), "tool_calls": [call]})
    result = {"role": "tool", "tool_call_id": "c", "content": "42"}
    second = sessions.turn("a", "", [result])
    assert [message["role"] for message in second.messages] == ["user", "assistant", "tool"]
    assert second.messages[1]["tool_calls"] == [call]


def test_the_longest_unused_makes_room(sessions: Sessions) -> None:
    for id in ("a", "b", "c"):
        turn(sessions, id, "1")
    turn(sessions, "a", "2")
    turn(sessions, "d", "1")
    assert [session.id for session in sessions.of("")] == ["c", "a", "d"]


def test_one_in_use_makes_no_room(sessions: Sessions) -> None:
    turns = [sessions.turn(id, "", [user("1")]) for id in ("a", "b", "c")]
    with pytest.raises(TooManySessions) as caught:
        sessions.turn("d", "", [user("1")])
    assert caught.value.headers["Retry-After"]
    turns[1].keep(answer("one"))
    sessions.turn("d", "", [user("1")])
    assert [session.id for session in sessions.of("")] == ["a", "c", "d"]


def test_what_nobody_uses_is_forgotten(sessions: Sessions, clock: Clock) -> None:
    turn(sessions, "a", "1")
    clock.now += 50
    turn(sessions, "b", "1")
    long = sessions.turn("c", "", [user("1")])
    clock.now += 11
    assert [session.id for session in sessions.of("")] == ["b", "c"]
    with pytest.raises(SessionNotFound):
        sessions.find("a", "")
    clock.now += 1000
    assert [session.id for session in sessions.of("")] == ["c"]
    long.keep(answer("late"))
    clock.now += 59
    assert kept(sessions, "c") == ["1", "late"]


def test_never_is_a_time_too(clock: Clock) -> None:
    sessions = Sessions(3, 0, clock)
    turn(sessions, "a", "1")
    clock.now += 1e9
    assert kept(sessions) == ["1", "re: 1"]


def test_a_session_is_its_owners(sessions: Sessions) -> None:
    turn(sessions, "a", "mine", "me")
    turn(sessions, "a", "yours", "you")
    assert kept(sessions, "a", "me") == ["mine", "re: mine"]
    assert [session.owner for session in sessions.of("you")] == ["you"]
    with pytest.raises(SessionNotFound):
        sessions.delete("a", "")
    sessions.delete("a", "me")
    assert kept(sessions, "a", "you") == ["yours", "re: yours"]


def test_a_session_that_is_deleted_under_way_is_gone(sessions: Sessions) -> None:
    under_way = sessions.turn("a", "", [user("1")])
    sessions.delete("a", "")
    turn(sessions, "a", "new")
    under_way.keep(answer("old"))
    assert kept(sessions) == ["new", "re: new"]


def test_a_session_has_a_largest_size(sessions: Sessions) -> None:
    turn(sessions, "a", "x" * (MOST_BYTES // 3))
    assert sessions.find("a", "").size > MOST_BYTES // 2
    for id, length in (("a", MOST_BYTES // 2), ("b", MOST_BYTES)):
        with pytest.raises(InvalidRequest, match=f"DELETE /v1/sessions/{id}") as caught:
            sessions.turn(id, "", [user("x" * length)])
        assert caught.value.code == "session_too_large"
    assert [session.id for session in sessions.of("")] == ["a"]
