"""`POST /v1/messages`: a panel as if it were one of Anthropic's models."""

from __future__ import annotations

import math

from quart import Blueprint, Response

from council.gateway.answering import begin, headers_of, stream, whole
from council.gateway.body import parse_body
from council.gateway.messages_answer import Head, MessageEvents, message
from council.gateway.messages_request import to_messages, to_wish
from council.gateway.messages_schema import CountBody, MessagesBody
from council.gateway.replies import object_reply, stream_reply
from council.gateway.state import GatewayState
from council.messages import CHARACTERS_PER_TOKEN
from serving.exchange import request_id


def routes(state: GatewayState) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("messages", __name__)

    @blueprint.post("/v1/messages")
    async def create() -> Response:
        request = await parse_body(MessagesBody)
        wish = to_wish(request)
        run, teller = await begin(state, wish)
        head = Head.of(request.model, run.id, wish.ignored, request_id())
        if request.stream:
            events = stream(run, MessageEvents(head, teller))
            return stream_reply(events, {**headers_of(run), **_request()})
        result, asides = await whole(run, teller)
        return object_reply(message(head, result, asides), {**headers_of(run), **_request()})

    @blueprint.post("/v1/messages/count_tokens")
    async def count() -> Response:
        request = await parse_body(CountBody)
        state.panels.find(request.model)
        counted = {"input_tokens": _estimate(request), "council": {"estimated": True}}
        return object_reply(counted, _request())

    return blueprint


def _request() -> dict[str, str]:
    return {"request-id": request_id()}


def _estimate(request: CountBody) -> int:
    """Tokens of the prompt by its length: each expert has a tokenizer of its own."""
    characters = sum(len(message.text) for message in to_messages(request))
    return math.ceil(characters / CHARACTERS_PER_TOKEN)
