"""An answer in Anthropic's shape: whole, and as the events of a stream."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

from backend import sse
from backend.api import failures
from backend.api.answers import Answering, Finish, WholeCall, WholeChoice
from backend.chat.parts import CallArguments, CallBegun, Part, Reasoning, Text
from backend.engine.messages import Output
from backend.errors import ApiError
from backend.schema.messages import (
    AnswerBlock,
    AnswerCall,
    AnswerMessage,
    AnswerText,
    AnswerThinking,
    MessagesRequest,
    MessageUsage,
    StopReason,
)

SIGNATURE = "unsigned"
"""Clients want one to send thoughts back; here nobody has to be convinced that they are genuine."""
_PING = sse.named("ping", '{"type":"ping"}')


@dataclass(frozen=True, slots=True)
class Head:
    """What the parts of one answer have in common.

    Attributes:
        id: The answer's id.
        request_id: The request's id, for errors.
        max_tokens: The client's limit, in tokens.
        shows_thoughts: Whether thoughts are sent, or only that there are some.
    """

    id: str
    request_id: str
    max_tokens: int
    shows_thoughts: bool

    @classmethod
    def of(cls, request: MessagesRequest) -> Head:
        """The head of a new answer to the current request."""
        hidden = request.thinking is not None and request.thinking.display == "omitted"
        number = "msg_" + secrets.token_hex(12)
        return cls(number, failures.request_id(), request.max_tokens, not hidden)


async def whole(answering: Answering, head: Head) -> AnswerMessage:
    """The answer from beginning to end.

    Raises:
        ApiError: It cannot go on.
    """
    [choice] = await answering.whole()
    return AnswerMessage(
        id=head.id,
        model=answering.model,
        content=_content(choice, head),
        stop_reason=stop_reason(choice.finish, choice.stop_string, choice.generated, head),
        stop_sequence=choice.stop_string,
        usage=_usage(answering, choice.generated),
    )


def _content(choice: WholeChoice, head: Head) -> list[AnswerBlock]:
    blocks: list[AnswerBlock] = []
    if choice.reasoning:
        shown = choice.reasoning if head.shows_thoughts else ""
        blocks.append(AnswerThinking(thinking=shown, signature=SIGNATURE))
    if choice.content:
        blocks.append(AnswerText(text=choice.content))
    calls = [AnswerCall(id=call.id, name=call.name, input=_input(call)) for call in choice.calls]
    return [*blocks, *calls]


def _input(call: WholeCall) -> dict[str, Any]:
    """A call's arguments as an object; those that a limit cut short under a key of their own."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        arguments = None
    return arguments if isinstance(arguments, dict) else {"INVALID_JSON": call.arguments}


def stop_reason(finish: Finish, stop: str | None, generated: int, head: Head) -> StopReason:
    """Why the answer ended; without a limit of the client's, the context was full."""
    if finish == "length":
        full = generated < head.max_tokens
        return "model_context_window_exceeded" if full else "max_tokens"
    if finish == "tool_calls":
        return "tool_use"
    return "end_turn" if stop is None else "stop_sequence"


def _usage(answering: Answering, generated: int) -> MessageUsage:
    cached = answering.cached_tokens
    return MessageUsage(
        input_tokens=answering.prompt_tokens - cached,
        cache_read_input_tokens=cached,
        output_tokens=generated,
    )


class MessageTelling:
    """The events of a message, as ``streams.Telling`` wants them."""

    alive = _PING

    def __init__(self, answering: Answering, head: Head) -> None:
        """Takes an answer of which nothing is told yet."""
        self._answering = answering
        self._head = head
        self._blocks = Blocks(head)

    def begin(self) -> str:
        """The message without its content."""
        return _message_start(self._answering, self._head)

    def output(self, choice: int, output: Output) -> str:
        """What is new, and at the end why it is one."""
        if self._answering.plain and not output.finish:
            return self._blocks.text(output.text) if output.text else ""
        step = self._answering.read(choice, output)
        new = "".join(self._blocks.part(part) for part in step.parts)
        if not step.finish:
            return new
        reason = stop_reason(step.finish, step.stop_string, step.generated, self._head)
        usage = _usage(self._answering, step.generated)
        return new + self._blocks.close() + _ending(reason, step.stop_string, usage)

    def end(self) -> str:
        """Nothing: the last output has told of it."""
        return ""

    def fail(self, error: ApiError) -> str:
        """The error, and no ``message_stop``."""
        return sse.named("error", failures.message_body(error, self._head.request_id))


def _message_start(answering: Answering, head: Head) -> str:
    """The first event, whose counts the last but one makes exact."""
    usage = MessageUsage(
        input_tokens=answering.prompt_tokens, cache_read_input_tokens=0, output_tokens=0
    )
    message = AnswerMessage(id=head.id, model=answering.model, content=[], usage=usage)
    return sse.named(
        "message_start", f'{{"type":"message_start","message":{message.model_dump_json()}}}'
    )


def _ending(reason: StopReason, stop: str | None, usage: MessageUsage) -> str:
    delta = _event(
        "message_delta",
        delta={"stop_reason": reason, "stop_sequence": stop},
        usage=usage.model_dump(),
    )
    return delta + _event("message_stop")


class Blocks:
    """The events of an answer's blocks; one is open at a time."""

    def __init__(self, head: Head) -> None:
        """Starts before the first block."""
        self._shows_thoughts = head.shows_thoughts
        self._index = -1
        self._open: type[Part] | None = None

    def part(self, part: Part) -> str:
        """The events of what is new."""
        match part:
            case Text():
                return self.text(part.text)
            case Reasoning():
                return self._thought(part.text)
            case CallBegun():
                return self._begin(CallBegun, AnswerCall(id=part.id, name=part.name))
            case CallArguments():
                return self._delta("input_json_delta", "partial_json", part.text)

    def text(self, text: str) -> str:
        """The events of text, of which there are thousands."""
        begin = "" if self._open is Text else self._begin(Text, AnswerText())
        return begin + self._delta("text_delta", "text", text)

    def close(self) -> str:
        """The end of the open block, if there is one."""
        if self._open is None:
            return ""
        signed = ""
        if self._open is Reasoning:
            signed = self._delta("signature_delta", "signature", SIGNATURE)
        self._open = None
        return signed + _event("content_block_stop", index=self._index)

    def _thought(self, text: str) -> str:
        begin = "" if self._open is Reasoning else self._begin(Reasoning, AnswerThinking())
        if not self._shows_thoughts:
            return begin
        return begin + self._delta("thinking_delta", "thinking", text)

    def _begin(self, kind: type[Part], block: AnswerBlock) -> str:
        before = self.close()
        self._index += 1
        self._open = kind
        content = block.model_dump()
        start = _event("content_block_start", index=self._index, content_block=content)
        return before + start + (_PING if self._index == 0 else "")

    def _delta(self, type: str, field: str, text: str) -> str:
        said = json.dumps(text, ensure_ascii=False)
        delta = f'{{"type":"{type}","{field}":{said}}}'
        return sse.named(
            "content_block_delta",
            f'{{"type":"content_block_delta","index":{self._index},"delta":{delta}}}',
        )


def _event(type: str, **fields: Any) -> str:
    return sse.named(type, json.dumps({"type": type, **fields}, ensure_ascii=False))
