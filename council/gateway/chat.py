"""`POST /v1/chat/completions`: a panel as if it were a model, whole and as a stream."""

from __future__ import annotations

from quart import Blueprint, Response

from council.gateway.answering import begin, headers_of, stream, whole
from council.gateway.body import parse_body
from council.gateway.chat_answer import ChatChunks, Head, completion
from council.gateway.chat_request import to_wish
from council.gateway.chat_schema import ChatBody
from council.gateway.replies import object_reply, stream_reply
from council.gateway.state import GatewayState


def routes(state: GatewayState) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("chat", __name__)

    @blueprint.post("/v1/chat/completions")
    async def complete() -> Response:
        request = await parse_body(ChatBody)
        wish = to_wish(request)
        run, teller = await begin(state, wish)
        head = Head.of(request.model, run.id, wish.ignored)
        if request.stream:
            options = request.stream_options
            with_usage = bool(options and options.include_usage)
            chunks = ChatChunks(head, teller, with_usage=with_usage)
            return stream_reply(stream(run, chunks), headers_of(run))
        result, asides = await whole(run, teller)
        return object_reply(completion(head, result, asides), headers_of(run))

    return blueprint
