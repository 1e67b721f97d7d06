"""``POST /v1/responses``, whole and as a stream; nothing is kept afterwards."""

from __future__ import annotations

from quart import Blueprint, Response

from backend import sse
from backend.api import answers
from backend.api.answers import Answering, WholeChoice
from backend.api.body import parse_body
from backend.api.renaming import renamed
from backend.api.replies import json_reply, stream_reply
from backend.api.responses_answer import Writing, opening
from backend.api.responses_request import to_ask
from backend.api.streams import events
from backend.chat.parts import CallArguments, CallBegun, Part, Reasoning, Text
from backend.engine.messages import Output
from backend.errors import ApiError
from backend.registry import Registry
from backend.schema.response import ResponseObject
from backend.schema.responses import ResponsesRequest

FIELDS = {".function.": ".", "messages": "input", "reasoning_effort": "reasoning.effort"}
"""What fields are called here that chat requests have too."""


def routes(registry: Registry) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("responses", __name__)

    @blueprint.post("/v1/responses")
    async def respond() -> Response:
        request = await parse_body(ResponsesRequest)
        model = registry.find(request.model)
        with renamed(FIELDS):
            ask = to_ask(request)
            answering = await answers.start(model, ask)
        writing = Writing(opening(request, ask, answering.model))
        if not request.stream:
            written = await _whole(answering, writing, with_tokens=ask.logprobs is not None)
            return json_reply(written)
        return stream_reply(events(answering, ResponseTelling(answering, writing)))

    return blueprint


async def _whole(answering: Answering, writing: Writing, *, with_tokens: bool) -> ResponseObject:
    """The response from beginning to end.

    Raises:
        ApiError: It cannot go on.
    """
    cut = False
    if with_tokens:
        # Read one by one: only then it is known which of them are text.
        async for step in answering.steps():
            if step is not None:
                writing.step(step.parts, step.tokens)
                cut = step.finish == "length"
    else:
        [choice] = await answering.whole()
        writing.step(_parts(choice))
        cut = choice.finish == "length"
    writing.finish(answering, cut=cut)
    return writing.response


def _parts(choice: WholeChoice) -> list[Part]:
    parts: list[Part] = [Reasoning(choice.reasoning)] if choice.reasoning else []
    parts += [Text(choice.content)] if choice.content else []
    for index, call in enumerate(choice.calls):
        parts += [CallBegun(index, call.id, call.name), CallArguments(index, call.arguments)]
    return parts


class ResponseTelling:
    """The events of a response, as ``streams.Telling`` wants them."""

    alive = sse.KEEP_ALIVE

    def __init__(self, answering: Answering, writing: Writing) -> None:
        """Takes an answer, and the response that it becomes."""
        self._answering = answering
        self._writing = writing
        self._cut = False

    def begin(self) -> str:
        """The response without its items."""
        return self._writing.begin()

    def output(self, choice: int, output: Output) -> str:
        """What is new."""
        self._cut = output.finish == "length"
        if self._answering.plain:
            return self._writing.text(output.text) if output.text else ""
        step = self._answering.read(choice, output)
        return self._writing.step(step.parts, step.tokens)

    def end(self) -> str:
        """What closes the last item, and the whole response."""
        return self._writing.finish(self._answering, cut=self._cut)

    def fail(self, error: ApiError) -> str:
        """The response as it is, failed."""
        return self._writing.fail(error)
