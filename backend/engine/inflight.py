"""The requests of one model that are not over yet, and where the worker's answers go."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass

from backend.engine.embed_messages import (
    Embed,
    Embedded,
    EmbedFailed,
    EmbedRefused,
    EmbedTooLong,
)
from backend.engine.generation import Generation
from backend.engine.messages import Accepted, Cancel, Command, Output, Rejected, Sampling, Submit
from backend.engine.totals import Totals
from backend.errors import (
    ApiError,
    ContextExceeded,
    InputTooLong,
    InternalError,
    VectorsFailed,
    VectorsRefused,
)

Answer = Accepted | Rejected | Embedded | EmbedTooLong | EmbedRefused | EmbedFailed
"""What a worker says of one request, besides its text."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to generate: the fields are those of ``messages.Submit``."""

    prompt: str
    sampling: Sampling
    max_tokens: int | None
    stop: tuple[str, ...]
    reuse: bool | None = None


class InFlight:
    """Requests by number; a number is never used twice."""

    def __init__(
        self, name: str, send: Callable[[Command], None], ended: Callable[[], None]
    ) -> None:
        """Starts with none.

        Args:
            name: The model's id, for errors.
            send: Sends a command to the worker, if there is one.
            ended: Called when a request is over.
        """
        self.totals = Totals()
        self.embeddings: dict[int, asyncio.Future[Embedded]] = {}
        self._name = name
        self._send = send
        self._ended = ended
        self._chats: dict[int, Generation] = {}
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        return len(self._chats) + len(self.embeddings)

    def chat(self, job: Job) -> Generation:
        """Starts a chat; whoever reads it closes it."""
        number = next(self._numbers)
        generation = Generation(number, self._cancel)
        # Sent before it is counted: what cannot be sent is not waited for either.
        self._send(Submit(number, job.prompt, job.sampling, job.max_tokens, job.stop, job.reuse))
        self._chats[number] = generation
        return generation

    async def embed(self, inputs: tuple[str | tuple[int, ...], ...]) -> Embedded:
        """The vectors of some texts.

        Raises:
            ApiError: There are none.
        """
        number = next(self._numbers)
        pending: asyncio.Future[Embedded] = asyncio.get_running_loop().create_future()
        self._send(Embed(number, inputs))
        self.embeddings[number] = pending
        try:
            return await pending
        finally:
            self._cancel(number)

    def answer(self, event: Answer) -> None:
        """Passes on what the worker says of one request."""
        match event:
            case Accepted():
                self.totals.requests += 1
                self.totals.prompt_tokens += event.prompt_tokens
                if generation := self._chats.get(event.id):
                    generation.accept(event.prompt_tokens)
            case Rejected():
                self._end(
                    event.id, ContextExceeded(event.prompt_tokens, event.ctx, more=event.more)
                )
            case Embedded():
                self._embedded(event)
            case EmbedTooLong():
                self._end(event.id, InputTooLong(event.index, event.tokens, event.limit))
            case EmbedFailed():
                self._end(event.id, VectorsFailed(self._name, event.reason))
            case EmbedRefused():
                self._end(event.id, VectorsRefused(self._name, event.reason, event.index))

    def deliver(self, output: Output) -> None:
        """Passes on new text."""
        if output.finish == "error":
            self._end(output.id, InternalError("The model could not go on with this request."))
            return
        if generation := self._chats.get(output.id):
            generation.put(output)
        if output.finish:
            self._chats.pop(output.id, None)
            self._ended()

    def fail(self, error: ApiError) -> None:
        """All of them end with this error."""
        for number in [*self._chats, *self.embeddings]:
            self._end(number, error)

    def _embedded(self, event: Embedded) -> None:
        self.totals.requests += 1
        self.totals.embedded_tokens += event.tokens
        pending = self.embeddings.pop(event.id, None)
        if pending is not None and not pending.done():
            pending.set_result(event)
        self._ended()

    def _end(self, number: int, error: ApiError) -> None:
        if generation := self._chats.pop(number, None):
            generation.fail(error)
        pending = self.embeddings.pop(number, None)
        if pending is not None and not pending.done():
            pending.set_exception(error)
        self._ended()

    def _cancel(self, number: int) -> None:
        """Nobody waits for a request; the worker need not know when it was over anyway."""
        if self._chats.pop(number, None) or self.embeddings.pop(number, None):
            self._send(Cancel(number))
            self._ended()
