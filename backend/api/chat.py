"""``POST /v1/chat/completions``, whole and as a stream."""

from __future__ import annotations

from quart import Blueprint, Response

from backend.api.answers import Answering, WholeCall, WholeChoice, start
from backend.api.body import parse_body
from backend.api.chat_events import ChatChunks
from backend.api.chunks import Head
from backend.api.logprobs import logprobs
from backend.api.prompts import to_ask
from backend.api.replies import json_reply, stream_reply
from backend.api.sessions import take
from backend.api.streams import events
from backend.api.usage import usage
from backend.registry import Registry
from backend.schema.chat import ChatRequest
from backend.schema.completion import (
    AnswerMessage,
    CalledFunction,
    Choice,
    Completion,
    ToolCall,
)


def routes(registry: Registry) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("chat", __name__)

    @blueprint.post("/v1/chat/completions")
    async def complete() -> Response:
        request = await parse_body(ChatRequest)
        model = registry.find(request.model)
        with take(registry, request.session_id, to_ask(request)) as taken:
            answering = await start(model, taken.ask)
            head = Head.of(answering, "chatcmpl")
            if request.stream:
                options = request.stream_options
                with_usage = bool(options and options.include_usage)
                chunks = ChatChunks(answering, head, with_usage=with_usage)
                return stream_reply(taken.follow(events(answering, chunks)))
            completion = await _whole(answering, head)
            taken.keep(completion.choices[0].message)
            return json_reply(completion, sparse=True)

    return blueprint


async def _whole(answering: Answering, head: Head) -> Completion:
    choices = [_choice(*numbered) for numbered in enumerate(await answering.whole())]
    return Completion(**head.fields("chat.completion"), choices=choices, usage=usage(answering))


def _choice(index: int, whole: WholeChoice) -> Choice:
    return Choice(
        index=index,
        message=_message(whole),
        logprobs=logprobs(whole.tokens) if whole.tokens else None,
        finish_reason=whole.finish,
    )


def _message(whole: WholeChoice) -> AnswerMessage:
    content = None if whole.calls and not whole.content else whole.content
    message = AnswerMessage(role="assistant", content=content)
    if whole.reasoning:
        message.reasoning_content = whole.reasoning
    if whole.calls:
        message.tool_calls = [_call(call) for call in whole.calls]
    return message


def _call(call: WholeCall) -> ToolCall:
    function = CalledFunction(name=call.name, arguments=call.arguments)
    return ToolCall(id=call.id, type="function", function=function)
