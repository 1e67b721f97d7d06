"""Turns of a conversation and what of them is sent: pure functions over messages and results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from council.errors import ConfigError
from council.messages import CHARACTERS_PER_TOKEN, ChatMessage
from council.place import History
from council.result import Result
from council.strategies.base import substantive
from council.strategies.concat import joined
from council.worst_case import PART_TOKENS


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and what came of it.

    Attributes:
        messages: The question first, the answer last; between them what tools were called with,
            in a history that was given.
        number: From 1; 0 for a turn of a history that was given.
        result: What the run came to, None where no run is at hand.
        own: The answer of each expert's sample by its label, where it gave one that counts; None
            where it is not known who on the panel said what.
    """

    messages: Annotated[tuple[ChatMessage, ...], Field(min_length=2)]
    number: int = 0
    result: Result | None = None
    own: Mapping[str, str] | None = None

    @property
    def question(self) -> str:
        """What was asked."""
        return self.messages[0].text

    @property
    def answer(self) -> str:
        """What was answered, as later turns are told it."""
        return self.messages[-1].text


@dataclass(frozen=True, slots=True)
class Sent:
    """What of a history goes into the next request, and what a reader should know of that."""

    turns: tuple[Turn, ...]
    notes: tuple[str, ...] = ()


def turn_of(question: ChatMessage, number: int, result: Result) -> Turn:
    """The turn of a run that came to an answer."""
    answer = ChatMessage("assistant", unnamed(result))
    return Turn((question, answer), number, result, own_answers(result))


def own_answers(result: Result) -> dict[str, str]:
    """The last answer of each expert's sample that counts, by its label; of a debate its last."""
    later = [reply for held in result.rounds for reply in held.replies]
    return {reply.label: reply.text for reply in substantive([*result.experts, *later])}


def parted(messages: Iterable[ChatMessage]) -> tuple[tuple[ChatMessage, ...], tuple[Turn, ...]]:
    """A given history as what stands before the first question, and turns.

    A turn begins with a user's message that follows anybody else's.
    """
    groups: list[list[ChatMessage]] = [[]]
    before = ""
    for message in messages:
        if message.role == "user" and before != "user":
            groups.append([])
        groups[-1].append(message)
        before = message.role
    opening, *turns = groups
    return tuple(opening), tuple(Turn(tuple(turn)) for turn in turns)


def sent(
    opening: Sequence[ChatMessage],
    turns: Sequence[Turn],
    max_turns: int | None,
    max_tokens: int | None,
    *,
    history: History = "answers",
) -> Sent:
    """The latest turns that both limits leave room for; the oldest are left out, whole.

    Args:
        opening: What stands before the first question, and is always sent.
        turns: All turns, the oldest first.
        max_turns: How many turns at most; None for any number.
        max_tokens: How many tokens at most, by their estimate, the opening among them; None for
            any number.
        history: What experts see of the turns.
    """
    kept = len(turns) if max_turns is None else min(max_turns, len(turns))
    hit = [f"max_turns is {max_turns}"] if kept < len(turns) else []
    if max_tokens is not None:
        fitting = _fitting(turns, max_tokens - _tokens(opening), history)
        if fitting < kept:
            kept, hit = fitting, [f"max_tokens is {max_tokens}"]
    left_out = len(turns) - kept
    if not left_out:
        return Sent(tuple(turns))
    oldest = "the oldest turn was" if left_out == 1 else f"the {left_out} oldest turns were"
    return Sent(tuple(turns[left_out:]), (f"history: {oldest} left out ({hit[0]})",))


def own_by_place(
    opening: Sequence[ChatMessage], turns: Sequence[Turn], labels: Sequence[str]
) -> dict[str, dict[int, str]]:
    """What each seat said itself, by the place of the panel's answer among the messages sent."""
    found: dict[str, dict[int, str]] = {}
    at = len(opening)
    for turn in turns:
        at += len(turn.messages)
        for label, text in (turn.own or {}).items():
            if label in labels:
                found.setdefault(label, {})[at - 1] = text
    return found


def stand_ins(turns: Sequence[Turn], labels: Sequence[str]) -> tuple[str, ...]:
    """A sentence for each turn in which seats see the panel's answer for lack of their own."""
    notes = []
    for turn in turns:
        missing = [label for label in labels if turn.own is not None and label not in turn.own]
        if missing:
            seats = ", ".join(missing)
            notes.append(
                f"history: in turn {turn.number} the panel's answer stands in for that of {seats}"
            )
    return tuple(notes)


def require_answer(turns: Sequence[Turn]) -> None:
    """Raises ConfigError where a given history does not end with an answer."""
    if not turns:
        return
    message = turns[-1].messages[-1]
    if message.role != "assistant" or message.tool_calls or not message.text.strip():
        raise ConfigError(
            "messages: a history has to end with an answer of the assistant; the next question is"
            " what ask() takes"
        )


def unnamed(result: Result) -> str:
    """The panel's answer, without the names that `concat` puts into it: peers have none."""
    counted = substantive(result.experts)
    answer = result.answer or ""
    return joined(counted, named=False) if answer == joined(counted) else answer


def _fitting(turns: Sequence[Turn], tokens: int, history: History) -> int:
    """How many of the latest turns fit into so many tokens."""
    for count, turn in enumerate(reversed(turns)):
        tokens -= _longest(turn, history)
        if tokens < 0:
            return count
    return len(turns)


def _longest(turn: Turn, history: History) -> int:
    """A turn's tokens as whoever sees most of it is asked."""
    own = (turn.own or {}).values() if history == "own" else ()
    answers = [turn.answer, *own]
    return _tokens(turn.messages[:-1]) + max(map(_text_tokens, answers))


def _tokens(messages: Iterable[ChatMessage]) -> int:
    return sum(map(_message_tokens, messages))


def _message_tokens(message: ChatMessage) -> int:
    parts = () if isinstance(message.content, str) else message.content
    others = sum("text" not in part for part in parts)
    calls = "".join(call.name + call.arguments for call in message.tool_calls)
    return _text_tokens(message.text + calls) + others * PART_TOKENS


def _text_tokens(text: str) -> int:
    # By bytes: where a character is more than one of them, it is more of a token, too.
    return math.ceil(len(text.encode("utf-8", "replace")) / CHARACTERS_PER_TOKEN)
