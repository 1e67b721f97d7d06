"""``POST /v1/messages``, whole and as a stream, and ``POST /v1/messages/count_tokens``."""

from __future__ import annotations

from quart import Blueprint, Response

from backend.api import answers, failures
from backend.api.body import parse_body
from backend.api.messages_answer import Head, MessageTelling, whole
from backend.api.messages_request import to_ask, to_wanted
from backend.api.renaming import renamed
from backend.api.replies import json_reply, stream_reply
from backend.api.streams import events
from backend.api.tokens import count
from backend.registry import Registry
from backend.schema.messages import CountRequest, MessagesRequest, TokenCount

FIELDS = {
    ".function.parameters": ".input_schema",
    ".function.": ".",
    "json_schema": "output_config.format.schema",
    "enable_thinking": "thinking",
    "reasoning_effort": "output_config.effort",
}
"""What fields are called here that chat requests have too."""


def routes(registry: Registry) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("messages", __name__)

    @blueprint.after_request
    async def identify(response: Response) -> Response:
        response.headers["request-id"] = failures.request_id()
        return response

    @blueprint.post("/v1/messages")
    async def create() -> Response:
        request = await parse_body(MessagesRequest)
        model = registry.find(request.model)
        head = Head.of(request)
        with renamed(FIELDS):
            answering = await answers.start(model, to_ask(request))
        if not request.stream:
            return json_reply(await whole(answering, head))
        return stream_reply(events(answering, MessageTelling(answering, head)))

    @blueprint.post("/v1/messages/count_tokens")
    async def count_tokens() -> Response:
        request = await parse_body(CountRequest)
        model = registry.find(request.model)
        with renamed(FIELDS):
            tokens = await count(model, to_wanted(request))
        return json_reply(TokenCount(input_tokens=tokens))

    return blueprint
