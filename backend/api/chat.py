"""``POST /v1/chat/completions``, whole and as a stream."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field

from quart import Blueprint, Response

from backend import sse
from backend.api import failures
from backend.api.body import parse_body
from backend.api.prompts import to_jobs
from backend.engine.generation import Generation
from backend.engine.inflight import Job
from backend.engine.messages import Output
from backend.engine.supervisor import Supervisor
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
    opening: str = field(init=False)
    """A chunk's JSON up to its choices."""

    def __post_init__(self) -> None:
        empty = _chunk_of(self, []).model_dump_json(exclude_unset=True)
        object.__setattr__(self, "opening", empty.removesuffix("]}"))


def routes(registry: Registry) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("chat", __name__)

    @blueprint.post("/v1/chat/completions")
    async def complete() -> Response:
        request = await parse_body(ChatRequest)
        model = registry.find(request.model)
        card = await model.supervisor.ready()
        jobs = to_jobs(request, card)
        generation = await _submit(model.supervisor, jobs)
        number = "chatcmpl-" + secrets.token_hex(12)
        head = Head(number, int(time.time()), model.id, card.fingerprint)
        if not request.stream:
            completion = await _whole(generation, head, len(jobs))
            return Response(completion.model_dump_json(), content_type="application/json")
        options = request.stream_options
        response = Response(
            _events(generation, head, bool(options and options.include_usage), len(jobs)),
            content_type=sse.CONTENT_TYPE,
            headers={"Cache-Control": "no-cache"},
        )
        response.timeout = None
        return response

    return blueprint


async def _submit(supervisor: Supervisor, jobs: Sequence[Job]) -> Generation:
    """Starts the choices of one request; the first one's reader gets the outputs of all.

    Raises:
        ApiError: One of them cannot be had; none is left behind.
    """
    started: list[Generation] = []
    for choice, job in enumerate(jobs):
        generation = await supervisor.submit(job)
        close_with_request(generation)
        started.append(generation)
        if choice:
            generation.join(started[0], choice)
    return started[0]


def close_with_request(generation: Generation) -> None:
    """Ends a generation with the task that serves its request.

    Quart cancels that task when the client goes away, at any point: also between the handler's
    return and the first event, where no ``finally`` in the stream would run.
    """
    task = asyncio.current_task()
    assert task is not None
    task.add_done_callback(lambda _: generation.close())


async def _whole(generation: Generation, head: Head, count: int = 1) -> Completion:
    pieces: list[list[str]] = [[] for _ in range(count)]
    last: dict[int, Output] = {}
    while len(last) < count:
        choice, output = await generation.next_choice()
        pieces[choice].append(output.text)
        if _finish(output):
            last[choice] = output
    return Completion(
        id=head.id,
        created=head.created,
        model=head.model,
        system_fingerprint=head.fingerprint,
        choices=[_choice(number, text, last[number]) for number, text in enumerate(pieces)],
        usage=_usage(generation, last.values()),
    )


def _choice(number: int, pieces: Sequence[str], last: Output) -> Choice:
    message = AnswerMessage(content="".join(pieces))
    return Choice(index=number, message=message, finish_reason=_finish(last) or "stop")


async def _events(
    generation: Generation, head: Head, with_usage: bool, count: int = 1
) -> AsyncIterator[str]:
    """The stream; an error ends it with an error event and without ``[DONE]``."""
    try:
        for choice in range(count):
            yield _chunk(head, choice, Delta(role="assistant", content=""))
        last: dict[int, Output] = {}
        while len(last) < count:
            arrived = await _next_or_silence(generation)
            if arrived is None:
                yield sse.KEEP_ALIVE
                continue
            choice, output = arrived
            if output.text:
                yield _text_event(head, choice, output.text)
            if reason := _finish(output):
                last[choice] = output
                yield _chunk(head, choice, Delta(), reason)
        if with_usage:
            yield _event(head, [], _usage(generation, last.values()))
        yield sse.DONE
    except ApiError as error:
        yield sse.data(failures.body(error))
    except Exception:
        _log.exception("a stream failed")
        yield sse.data(failures.body(InternalError()))


async def _next_or_silence(generation: Generation) -> tuple[int, Output] | None:
    try:
        async with asyncio.timeout(_KEEP_ALIVE):
            return await generation.next_choice()
    except TimeoutError:
        return None


def _finish(output: Output) -> FinishReason | None:
    """Why the answer ended; the supervisor has turned "error" into an exception before."""
    return output.finish if output.finish in ("stop", "length") else None


def _usage(generation: Generation, last: Collection[Output]) -> Usage:
    """Tokens of all choices; their prompt, which is computed once, counts once."""
    generated = sum(output.generated for output in last)
    return Usage(
        prompt_tokens=generation.prompt_tokens,
        completion_tokens=generated,
        total_tokens=generation.prompt_tokens + generated,
        prompt_tokens_details=PromptTokensDetails(
            cached_tokens=min(output.cached for output in last)
        ),
    )


def _text_event(head: Head, choice: int, text: str) -> str:
    """The event of one token, of which there are thousands: what `_chunk` says, for less."""
    said = json.dumps(text, ensure_ascii=False)
    delta = f'{{"index":{choice},"delta":{{"content":{said}}},"finish_reason":null}}'
    return sse.data(f"{head.opening}{delta}]}}")


def _chunk(head: Head, choice: int, delta: Delta, reason: FinishReason | None = None) -> str:
    return _event(head, [ChunkChoice(index=choice, delta=delta, finish_reason=reason)])


def _event(head: Head, choices: list[ChunkChoice], usage: Usage | None = None) -> str:
    chunk = _chunk_of(head, choices)
    if usage is not None:
        chunk.usage = usage
    return sse.data(chunk.model_dump_json(exclude_unset=True))


def _chunk_of(head: Head, choices: list[ChunkChoice]) -> Chunk:
    return Chunk(
        id=head.id,
        object="chat.completion.chunk",
        created=head.created,
        model=head.model,
        system_fingerprint=head.fingerprint,
        choices=choices,
    )
