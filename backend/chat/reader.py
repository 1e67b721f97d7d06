"""Raw text of a model in, parts of its answer out."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from backend.chat.formats.base import Format, Thinking
from backend.chat.parts import CallArguments, CallBegun, Part, Reasoning, Text
from backend.chat.reading import Reading
from backend.chat.source import Source
from backend.chat.tools import Tool

_LETTERS = string.ascii_letters + string.digits


class Reader:
    """Reads one answer. What could be the beginning of a marker is held back until it is known."""

    def __init__(
        self,
        form: Format,
        tools: Sequence[Tool] | None = None,
        thinking: Thinking | None = None,
        *,
        sure: bool = False,
        only_calls: bool = False,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        """Begins before the first character.

        Args:
            form: How the model writes calls.
            tools: Those that can be called; anything else is text. None for tools of any name.
            thinking: How it marks its thoughts; None when it has none.
            sure: Whether a grammar holds calls in their form: then their arguments are passed on
                as they come. Otherwise a call is passed on when all of it is there.
            only_calls: Whether a grammar allows nothing but calls after the thoughts: then a marker
                that the text ends in is no text, but a call that was cut off.
            new_id: Makes the ids of calls.
        """
        self._source = Source()
        self._only_calls = only_calls
        known = None if tools is None else {tool.name: tool for tool in tools}
        make = new_id or (lambda: call_id(form.id_size))
        self._reading = Reading(self._source, known, make, known is None or bool(known), sure)
        self._reading.thinking = thinking is not None and thinking.begun
        self._steps = form.read(self._reading, thinking)

    @property
    def thinking(self) -> bool:
        """Whether what was read last is a thought that goes on, as far as it is known."""
        return self._reading.thinking

    @property
    def may_think(self) -> bool:
        """Whether thoughts may still come."""
        return self._reading.may_think

    @property
    def called(self) -> bool:
        """Whether any call was read."""
        return self._reading.calls > 0

    def feed(self, text: str) -> list[Part]:
        """Takes the next piece of text; returns what is certain now."""
        self._source.add(text)
        return merged(self._certain())

    def finish(self) -> list[Part]:
        """The text has ended: returns what was held back."""
        self._source.ended = True
        held = merged(self._certain())
        if self._only_calls:
            return [part for part in held if not isinstance(part, Text)]
        return held

    def _certain(self) -> Iterator[Part]:
        for part in self._steps:
            if part is None:
                return
            yield part


def call_id(size: int | None = None) -> str:
    """A new id for a call."""
    if size is None:
        return "call_" + secrets.token_hex(12)
    return "".join(secrets.choice(_LETTERS) for _ in range(size))


def merged(parts: Iterator[Part]) -> list[Part]:
    """The parts, with what belongs together in one."""
    done: list[Part] = []
    for part in parts:
        last = done[-1] if done else None
        if isinstance(part, Text) and isinstance(last, Text):
            done[-1] = Text(last.text + part.text)
        elif isinstance(part, Reasoning) and isinstance(last, Reasoning):
            done[-1] = Reasoning(last.text + part.text)
        elif isinstance(part, CallArguments) and isinstance(last, CallArguments):
            done[-1] = CallArguments(part.index, last.text + part.text)
        else:
            done.append(part)
    return done


@dataclass
class Call:
    """A call of a tool; its arguments are a JSON object as the model wrote it."""

    id: str
    name: str
    arguments: str = ""


@dataclass
class Parsed:
    """A whole answer."""

    content: str = ""
    reasoning: str = ""
    calls: list[Call] = field(default_factory=list)

    def add_all(self, parts: Iterable[Part]) -> None:
        """Adds what comes next."""
        for part in parts:
            self.add(part)

    def add(self, part: Part) -> None:
        """Adds one part."""
        match part:
            case Text(text):
                self.content += text
            case Reasoning(text):
                self.reasoning += text
            case CallBegun(_, id, name):
                self.calls.append(Call(id, name))
            case CallArguments(index, text):
                self.calls[index].arguments += text


def parse(text: str, reader: Reader) -> Parsed:
    """All of an answer, by a reader that has read nothing before."""
    parsed = Parsed()
    parsed.add_all([*reader.feed(text), *reader.finish()])
    return parsed
