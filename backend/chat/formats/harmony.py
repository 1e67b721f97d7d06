"""gpt-oss: messages on channels, calls among them; ``to=functions.…`` names the tool."""

from __future__ import annotations

import re
from collections.abc import Callable

from backend.chat.call_rules import Book, quoted
from backend.chat.formats.base import Format, Thinking
from backend.chat.parts import Part, Reasoning, Text
from backend.chat.reading import Reading, arguments, attempt
from backend.chat.source import BrokenError, Steps
from backend.chat.tools import Tool

_START, _CHANNEL, _MESSAGE = "<|start|>", "<|channel|>", "<|message|>"
_TO = " to=functions."
_ENDS = ("<|end|>", "<|call|>", "<|return|>")
_MARKERS = (_START, _CHANNEL, _TO, *_ENDS)
_FINAL = f"{_CHANNEL}final{_MESSAGE}"
THINKING = Thinking(f"{_CHANNEL}analysis{_MESSAGE}", _ENDS[0])
_RECIPIENT = re.compile(r"to=functions\.([^\s<]+)")
_UNFINISHED = re.compile(r"<\|\w+\|>\w{0,16}(<\|channel\|>\w{0,16})?( to=\S*)?( <\|constrain.*)?")
"""A header that says nothing, because the text ends in it."""
_ON = re.compile(r"<\|channel\|>(\w+)")


class Harmony(Format):
    """Every piece of an answer has a header that says what it is."""

    name = "harmony"
    triggers = (_TO,)
    example = f'{_CHANNEL}commentary{_TO}NAME <|constrain|>json{_MESSAGE}{{"KEY": "value"}}'
    single = True
    always = True
    reasoning_key = "thinking"

    def read(self, reading: Reading, thinking: Thinking | None) -> Steps[None]:
        """Reads messages; what stands outside of them is text."""
        source = reading.source
        while True:
            marker = yield from source.until(_MARKERS, Text)
            if marker is None:
                return
            if marker in _ENDS:
                source.take(len(marker))
            elif not (yield from self._message(reading)):
                yield Text(source.take(len(marker)))

    def read_calls(self, reading: Reading, marker: str) -> Steps[None]:
        """Reads a message that is a call, from its header on."""
        name = _RECIPIENT.search((yield from _header(reading)))
        if name is None:
            raise BrokenError
        yield from _call(reading, name[1])

    def _message(self, reading: Reading) -> Steps[bool]:
        """Reads one message; False, and nothing read, if there is none.

        A header that the text ends in is read too, since it says nothing yet.
        """
        begin = reading.source.mark()
        try:
            header = yield from _header(reading)
        except BrokenError:
            reading.source.release(begin)
            unfinished = _UNFINISHED.fullmatch(reading.source.rest) is not None
            if unfinished:
                reading.source.take()
            return unfinished
        reading.source.release()
        name = _RECIPIENT.search(header)
        if name is not None and reading.callable:
            if (yield from attempt(reading, _call(reading, name[1]))):
                return True
            yield Text(header)
        channel = _ON.search(header)
        make = _maker(channel[1] if channel else "final")
        reading.thinking = make is Reasoning
        yield from self._body(reading, make)
        reading.thinking = False
        return True

    def _body(self, reading: Reading, make: Callable[[str], Part]) -> Steps[None]:
        """Reads what a message says, up to its end or to a call in the middle of it."""
        source = reading.source
        while end := (yield from source.until(_MARKERS, make)):
            if end in _ENDS:
                source.take(len(end))
            reading.thinking = False
            if end != _TO or (yield from self._message(reading)):
                return
            reading.thinking = make is Reasoning
            yield make(source.take(len(end)))

    def call(self, book: Book, tool: Tool, prefix: str) -> str:
        """From the name on; what comes before is the same for all."""
        rule = book.arguments(tool, prefix + "-a")
        kind = '( " "? "<|constrain|>"? "json" )?'
        channel = f"( {quoted(_CHANNEL + 'commentary')} )?"
        return f"{quoted(tool.name)} {channel} {kind} {quoted(_MESSAGE)} {rule}"

    def several(self, *, parallel: bool) -> str:
        """A call ends the model's turn."""
        return f"( {quoted(_CHANNEL + 'commentary')} )? {quoted(_TO)} call"

    def thoughts(self, book: Book, thinking: Thinking) -> str:
        """A message on the channel of analysis, and the beginning of the next one."""
        rest = book.until("thought", _ENDS[0])
        return (
            f"( {quoted(f'{_CHANNEL}analysis{_MESSAGE}')} {rest} {quoted(_START + 'assistant')} )?"
        )

    def answer(self, rule: str) -> str:
        """A message on the final channel."""
        return f"{quoted(_FINAL)} {rule}"

    def continued(self, prompt: str, text: str, thinking: Thinking | None) -> str:
        """A final message that has begun."""
        return f"{prompt}{_FINAL}{text}"


def _header(reading: Reading) -> Steps[str]:
    """Reads a message's header: one line, in which no other message begins or ends.

    Raises:
        BrokenError: The text ends before it does.
    """
    source = reading.source
    started = yield from source.maybe(_START)
    header = yield from source.collect(_MESSAGE, unless=(_START, "\n", *_ENDS))
    return (_START if started else "") + header + _MESSAGE


def _call(reading: Reading, name: str) -> Steps[None]:
    call = reading.begin(name)
    yield call
    yield from reading.source.skip_space()
    yield from arguments(reading, call.index)


def _maker(channel: str) -> Callable[[str], Part]:
    return Reasoning if channel == "analysis" else Text


def recognise(template: str) -> Format | None:
    """By the marker of a channel."""
    return Harmony() if _CHANNEL in template and _MESSAGE in template else None
