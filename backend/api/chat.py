"""``POST /v1/chat/completions``, whole and as a stream."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from quart import Blueprint, Response

from backend import sse
from backend.api import failures
from backend.api.body import parse_body
from backend.api.prompts import to_job
from backend.engine.generation import Generation
from backend.engine.messages import Output
from backend.errors import ApiError, InternalError
from backend.registry import Registry
from backend.schema.chat import ChatRequest
from backend.schema.completion import (
    AnswerMessage,
    Choice,
    Chunk,
    ChunkChoice,
    Completion,
    Delta,
    FinishReason,
    PromptTokensDetails,
    Usage,
)

_KEEP_ALIVE = 12.0
"""Seconds of silence after which a stream gets a comment, so that nobody takes it for dead."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Head:
    """What all parts of one answer have in common."""

    id: str
    created: int
    model: str
    fingerprint: str


def routes(registry: Registry) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("chat", __name__)

    @blueprint.post("/v1/chat/completions")
    async def complete() -> Response:
        request = await parse_body(ChatRequest)
        model = registry.find(request.model)
        card = await model.supervisor.ready()
        generation = await model.supervisor.submit(to_job(request, card))
        close_with_request(generation)
        number = "chatcmpl-" + secrets.token_hex(12)
        head = Head(number, int(time.time()), model.id, card.fingerprint)
        if not request.stream:
            completion = await _whole(generation, head)
            return Response(completion.model_dump_json(), content_type="application/json")
        options = request.stream_options
        response = Response(
            _events(generation, head, bool(options and options.include_usage)),
            content_type=sse.CONTENT_TYPE,
            headers={"Cache-Control": "no-cache"},
        )
        response.timeout = None
        return response

    return blueprint


def close_with_request(generation: Generation) -> None:
    """Ends a generation with the task that serves its request.

    Quart cancels that task when the client goes away, at any point: also between the handler's
    return and the first event, where no ``finally`` in the stream would run.
    """
    task = asyncio.current_task()
    assert task is not None
    task.add_done_callback(lambda _: generation.close())


async def _whole(generation: Generation, head: Head) -> Completion:
    pieces = []
    while True:
        output = await generation.next()
        pieces.append(output.text)
        if reason := _finish(output):
            break
    return Completion(
        id=head.id,
        created=head.created,
        model=head.model,
        system_fingerprint=head.fingerprint,
        choices=[Choice(message=AnswerMessage(content="".join(pieces)), finish_reason=reason)],
        usage=_usage(generation, output),
    )


async def _events(generation: Generation, head: Head, with_usage: bool) -> AsyncIterator[str]:
    """The stream; an error ends it with an error event and without ``[DONE]``."""
    try:
        yield _chunk(head, Delta(role="assistant", content=""))
        reason: FinishReason | None = None
        while reason is None:
            output = await _next_or_silence(generation)
            if output is None:
                yield sse.KEEP_ALIVE
                continue
            if output.text:
                yield _chunk(head, Delta(content=output.text))
            reason = _finish(output)
            if reason is not None:
                yield _chunk(head, Delta(), reason)
                if with_usage:
                    yield _usage_chunk(head, _usage(generation, output))
        yield sse.DONE
    except ApiError as error:
        yield sse.data(failures.body(error))
    except Exception:
        _log.exception("a stream failed")
        yield sse.data(failures.body(InternalError()))


async def _next_or_silence(generation: Generation) -> Output | None:
    try:
        async with asyncio.timeout(_KEEP_ALIVE):
            return await generation.next()
    except TimeoutError:
        return None


def _finish(output: Output) -> FinishReason | None:
    """Why the answer ended; the supervisor has turned "error" into an exception before."""
    return output.finish if output.finish in ("stop", "length") else None


def _usage(generation: Generation, last: Output) -> Usage:
    return Usage(
        prompt_tokens=generation.prompt_tokens,
        completion_tokens=last.generated,
        total_tokens=generation.prompt_tokens + last.generated,
        prompt_tokens_details=PromptTokensDetails(cached_tokens=last.cached),
    )


def _chunk(head: Head, delta: Delta, reason: FinishReason | None = None) -> str:
    return _event(head, [ChunkChoice(index=0, delta=delta, finish_reason=reason)])


def _usage_chunk(head: Head, usage: Usage) -> str:
    return _event(head, [], usage)


def _event(head: Head, choices: list[ChunkChoice], usage: Usage | None = None) -> str:
    chunk = Chunk(
        id=head.id,
        object="chat.completion.chunk",
        created=head.created,
        model=head.model,
        system_fingerprint=head.fingerprint,
        choices=choices,
    )
    if usage is not None:
        chunk.usage = usage
    return sse.data(chunk.model_dump_json(exclude_unset=True))
