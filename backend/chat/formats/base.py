"""What a format of tool calls is: how they are recognised, read, and written by a grammar."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from backend.chat.call_rules import MOST_CALLS, Book, either, quoted
from backend.chat.parts import Reasoning, Text
from backend.chat.reading import Reading, attempt
from backend.chat.source import Source, Steps
from backend.chat.tools import Tool


@dataclass(frozen=True, slots=True)
class Thinking:
    """How a model marks what it thinks.

    Attributes:
        open: Written before it.
        close: Written after it.
        begun: Whether the prompt has opened it already.
    """

    open: str
    close: str
    begun: bool = False


class Format(ABC):
    """How a family of models writes calls."""

    name: str
    triggers: tuple[str, ...]
    """What a call begins with, for the reader; none is the beginning of another."""
    example: str
    """A call of the tool ``NAME`` with the argument ``KEY``, for models that have to be told."""
    id_size: int | None = None
    """Letters and digits in the id of a call, where the template insists on a number of them."""
    single: bool = False
    """Whether a message of the template holds no more than one call."""
    always: bool = False
    """Whether answers have to be read even without tools and thoughts."""
    reasoning_key: str = "reasoning_content"
    """What the template calls the thoughts in a message."""

    @abstractmethod
    def read_calls(self, reading: Reading, marker: str) -> Steps[None]:
        """Reads what a trigger begins.

        Raises:
            BrokenError: It is no call.
        """

    @abstractmethod
    def call(self, book: Book, tool: Tool, prefix: str) -> str:
        """The body of a rule for one call of this tool."""

    def triggers_of(self, tools: Sequence[Tool]) -> tuple[str, ...]:
        """What a call of one of these tools begins with."""
        return self.triggers

    def calls(self, book: Book, tools: Sequence[Tool], *, parallel: bool) -> str:
        """The body of a rule for one call or several."""
        names = [
            book.add(f"call{number}", self.call(book, tool, f"call{number}"))
            for number, tool in enumerate(tools)
        ]
        book.add("call", either(names))
        return self.several(parallel=parallel)

    def several(self, *, parallel: bool) -> str:
        """The body of a rule for calls, one after the other, of the rule ``call``."""
        return f"call ( space call ){{0,{MOST_CALLS - 1}}}" if parallel else "call"

    def read(self, reading: Reading, thinking: Thinking | None) -> Steps[None]:
        """Reads a whole answer."""
        markers = self.triggers if reading.callable else ()
        if thinking is not None:
            yield from self._read_thoughts(reading, thinking, markers)
        reading.may_think = False
        while marker := (yield from reading.source.until(markers, Text, tight=bool(markers))):
            if not (yield from self._try(reading, marker)):
                yield Text(_take(reading.source, marker))

    def _try(self, reading: Reading, marker: str) -> Steps[bool]:
        """Reads calls and white space around them; False, and nothing read, if there is none."""
        called = yield from attempt(reading, self._spaced(reading, marker))
        if called:
            yield from reading.source.skip_space()
        return called

    def _spaced(self, reading: Reading, marker: str) -> Steps[None]:
        yield from reading.source.skip_space()
        yield from self.read_calls(reading, marker)

    def _read_thoughts(
        self, reading: Reading, thinking: Thinking, markers: tuple[str, ...]
    ) -> Steps[None]:
        """Reads thoughts, if the answer begins with some, and the white space after them.

        Some models call in the middle of a thought, which ends it.
        """
        source = reading.source
        if not (thinking.begun or (yield from _opened(source, thinking.open))):
            return
        reading.thinking = True
        yield from source.skip_space()
        ends = (thinking.close, *markers)
        while marker := (yield from source.until(ends, Reasoning, tight=True)):
            reading.thinking = False
            if marker == thinking.close:
                _take(source, marker)
                yield from source.skip_space()
                return
            if (yield from self._try(reading, marker)):
                return
            reading.thinking = True
            yield Reasoning(_take(source, marker))

    def thoughts(self, book: Book, thinking: Thinking) -> str:
        """The body of a rule for what comes before calls or an answer in a fixed form."""
        rest = f"{book.until('thought', thinking.close)} space space"
        return rest if thinking.begun else f"( space {quoted(thinking.open)} {rest} )?"

    def answer(self, rule: str) -> str:
        """The body of a rule for an answer in a fixed form."""
        return rule

    def continued(self, prompt: str, text: str, thinking: Thinking | None) -> str:
        """A prompt that has the model go on with a text that it has begun."""
        if thinking is not None and thinking.begun:
            prompt += f"\n{thinking.close}\n\n"
        return prompt + text


def _take(source: Source, marker: str) -> str:
    """Reads a marker and the white space before it."""
    return source.take(source.rest.index(marker) + len(marker))


def _opened(source: Source, opening: str) -> Steps[bool]:
    """Whether the text begins so; white space before it is read only then."""
    begin = source.mark()
    yield from source.skip_space()
    opened = yield from source.maybe(opening)
    source.release(None if opened else begin)
    return opened
