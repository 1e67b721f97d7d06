"""`Conversation`: questions to one panel, each asked with the history of those before it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol, Self, Unpack, get_args

from pydantic import TypeAdapter, ValidationError

from council.errors import ConfigError, ConversationBusy
from council.expert import Expert
from council.history import (
    Sent,
    Turn,
    own_by_place,
    parted,
    require_answer,
    sent,
    stand_ins,
    turn_of,
)
from council.messages import ChatMessage
from council.place import History, Place
from council.replies import label_of
from council.result import Result
from council.run import Run
from council.sources import AskOptions, MessageSource, to_history, to_messages


class Askable(Protocol):
    """What of a `Council` a conversation needs."""

    @property
    def experts(self) -> tuple[Expert, ...]: ...

    @property
    def stream(self) -> Callable[..., AbstractAsyncContextManager[Run]]: ...


@dataclass(frozen=True, slots=True)
class Dropped:
    """A question that came to no answer: ask it again as it is, or leave it."""

    question: ChatMessage
    result: Result


@dataclass(frozen=True, slots=True)
class Saved:
    """A conversation as values; see `Conversation` for what they mean."""

    version: Literal[1]  # without a default: what says none is no such file
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    history: History = "answers"
    max_turns: int | None = None
    max_tokens: int | None = None
    opening: tuple[ChatMessage, ...] = ()
    given: tuple[Turn, ...] = ()
    turns: tuple[Turn, ...] = ()
    dropped: Dropped | None = None


class Conversation:
    """A panel's memory of what it was asked and what it answered; made by `Council.conversation`.

    A turn that fails or is interrupted leaves no trace in the history. A question without an answer
    would make two turns of the user in a row, which many models' templates refuse and all others
    answer together. It is kept in `dropped`, to be asked again.

    Args:
        panel: Who is asked.
        state: What was before.

    Attributes:
        id: The id that the records of its runs share.
        turns: What was asked here and answered, the oldest first.
        dropped: The last question, if it came to no answer.
    """

    def __init__(self, panel: Askable, state: Saved) -> None:
        if state.history not in get_args(History):
            raise ConfigError(f"history: expected answers or own, got {state.history!r}")
        self.id = state.id
        self.turns = state.turns
        self.dropped = state.dropped
        self._panel = panel
        self._history: History = state.history
        self._max_turns = _checked("max_turns", state.max_turns)
        self._max_tokens = _checked("max_tokens", state.max_tokens)
        self._opening = state.opening
        self._given = state.given
        self._busy = False

    @classmethod
    def begun(
        cls,
        panel: Askable,
        history: History,
        messages: Sequence[MessageSource],
        max_turns: int | None,
        max_tokens: int | None,
    ) -> Self:
        """A new one; arguments and errors as for `Council.conversation`."""
        opening, given = parted(to_history(messages))
        require_answer(given)
        saved = Saved(
            version=1,
            history=history,
            max_turns=max_turns,
            max_tokens=max_tokens,
            opening=opening,
            given=given,
        )
        return cls(panel, saved)

    @classmethod
    def from_json(cls, text: str | bytes, panel: Askable) -> Self:
        """The conversation that `to_json` wrote, with a panel that need not be the one of then.

        Raises:
            ConfigError: The text is no such conversation.
        """
        try:
            return cls(panel, _SAVED.validate_json(text))
        except ValidationError as error:
            wrong = error.errors()[0]
            place = ".".join(map(str, wrong["loc"])) or "JSON"
            raise ConfigError(f"no saved conversation: {place}: {wrong['msg']}") from None

    def to_json(self, indent: int | None = None) -> str:
        """Everything there is to save, as one JSON object; without a turn that is under way."""
        saved = Saved(
            version=1,
            id=self.id,
            history=self._history,
            max_turns=self._max_turns,
            max_tokens=self._max_tokens,
            opening=self._opening,
            given=self._given,
            turns=self.turns,
            dropped=self.dropped,
        )
        return _SAVED.dump_json(saved, indent=indent, fallback=str).decode()

    @property
    def messages(self) -> tuple[ChatMessage, ...]:
        """The history as the next question is asked with it, with the panel's answers."""
        turns = self._sent().turns
        return (*self._opening, *(message for turn in turns for message in turn.messages))

    @asynccontextmanager
    async def stream(
        self, question: str | MessageSource, **options: Unpack[AskOptions]
    ) -> AsyncGenerator[Run, None]:
        """Asks with the history; otherwise as `Council.stream`.

        The turn is kept as soon as the block is left, if the run has come to an answer by then.

        Args:
            question: A text, or a user's message, which may have images; a mapping of `role` and
                `content` is one too.
            options: As for `Council.stream`.

        Raises:
            ConversationBusy: The turn before is still going on.
            ConfigError: An argument cannot be used.
        """
        with self._alone():
            (asked,) = to_messages(question if isinstance(question, str) else [question])
            place = self._place()
            async with self._panel.stream((*self.messages, asked), place=place, **options) as run:
                try:
                    yield run
                finally:
                    self._take(asked, place.turn, run.snapshot())

    async def ask(self, question: str | MessageSource, **options: Unpack[AskOptions]) -> Result:
        """Asks with the history, to the result; arguments as for `stream`.

        Raises:
            ConversationBusy: The turn before is still going on.
            CouncilError: As for `Council.ask`; the question is in `dropped` then.
        """
        async with self.stream(question, **options) as run:
            async for _ in run:
                pass
        if run.error is not None:
            raise run.error
        return run.result

    def undo(self) -> Turn | None:
        """Takes the last turn back and returns it; None where nothing was asked here.

        Raises:
            ConversationBusy: A turn is going on.
        """
        with self._alone():
            if not self.turns:
                return None
            *before, last = self.turns
            self.turns = tuple(before)
            return last

    def clear(self) -> None:
        """Begins anew, under another id, with what the conversation was given at its beginning.

        Raises:
            ConversationBusy: A turn is going on.
        """
        with self._alone():
            self.id, self.turns, self.dropped = uuid.uuid4().hex, (), None

    def _sent(self) -> Sent:
        turns = (*self._given, *self.turns)
        limits = self._max_turns, self._max_tokens
        return sent(self._opening, turns, *limits, history=self._history)

    def _place(self) -> Place:
        """Where the next turn stands."""
        kept = self._sent()
        number = max((turn.number for turn in (*self._given, *self.turns)), default=0) + 1
        if self._history == "answers":
            return Place(self.id, number, notes=kept.notes)
        labels = [
            label_of(expert.id, sample)
            for expert in self._panel.experts
            for sample in range(expert.samples)
        ]
        own = own_by_place(self._opening, kept.turns, labels)
        notes = (*kept.notes, *stand_ins(kept.turns, labels))
        return Place(self.id, number, "own", own, notes)

    def _take(self, question: ChatMessage, number: int, result: Result) -> None:
        """Keeps a turn, or drops it."""
        if result.answer is None:
            self.dropped = Dropped(question, result)
        else:
            self.turns = (*self.turns, turn_of(question, number, result))
            self.dropped = None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._busy:
            raise ConversationBusy(
                "a turn of this conversation is still going on: wait for it, or make another"
                " conversation (panel.conversation(), or from_json of this one's to_json)"
            )
        self._busy = True
        try:
            yield
        finally:
            self._busy = False


def _checked(name: str, value: int | None) -> int | None:
    if value is not None and (type(value) is not int or value < 1):
        raise ConfigError(f"{name}: expected a positive whole number, got {value!r}")
    return value


_SAVED = TypeAdapter(Saved)
