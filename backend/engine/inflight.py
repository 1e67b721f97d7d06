"""The requests of one model that are not over yet, and where the worker's answers go."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass

from backend.chat.constraint import Constraint
from backend.engine.embed_messages import (
    Embed,
    Embedded,
    EmbedFailed,
    EmbedRefused,
    EmbedTooLong,
)
from backend.engine.generation import Generation
from backend.engine.messages import (
    Accepted,
    Cancel,
    Command,
    Output,
    Refused,
    Rejected,
    Submit,
)
from backend.engine.sampling import Sampling
from backend.engine.totals import Totals
from backend.engine.vocabulary_messages import Detokenize, Detokenized, Tokenize, Tokenized
from backend.errors import (
    ApiError,
    ContextExceeded,
    InputTooLong,
    InternalError,
    InvalidRequest,
    VectorsFailed,
    VectorsRefused,
)

Found = Tokenized | Detokenized
Bad = Rejected | Refused | EmbedTooLong | EmbedRefused | EmbedFailed
Answer = Accepted | Embedded | Found | Bad
"""What a worker says of one request, besides its text."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to generate: the fields are those of ``messages.Submit``."""

    prompt: str | tuple[int, ...]
    sampling: Sampling
    max_tokens: int | None
    stop: tuple[str, ...]
    reuse: bool | None = None
    constraint: Constraint | None = None
    logprobs: int | None = None
    ignore_eos: bool = False
    specials: bool = False

    def numbered(self, number: int) -> Submit:
        """The command that asks for it."""
        return Submit(
            number,
            self.prompt,
            self.sampling,
            self.max_tokens,
            self.stop,
            self.reuse,
            self.constraint,
            self.logprobs,
            self.ignore_eos,
            self.specials,
        )


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
        self._lookups: dict[int, asyncio.Future[Found]] = {}
        self._name = name
        self._send = send
        self._ended = ended
        self._chats: dict[int, Generation] = {}
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        return len(self._chats) + len(self.embeddings) + len(self._lookups)

    def chat(self, job: Job) -> Generation:
        """Starts a chat; whoever reads it closes it."""
        number = next(self._numbers)
        generation = Generation(number, self._cancel)
        # Sent before it is counted: what cannot be sent is not waited for either.
        self._send(job.numbered(number))
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

    async def look_up(self, make: Callable[[int], Tokenize | Detokenize]) -> Found:
        """What the vocabulary says; the command is made for the number it gets.

        Raises:
            ApiError: The worker is gone.
        """
        number = next(self._numbers)
        pending: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._send(make(number))
        self._lookups[number] = pending
        try:
            return await pending
        finally:
            if self._lookups.pop(number, None):
                self._ended()

    def answer(self, event: Answer) -> None:
        """Passes on what the worker says of one request."""
        match event:
            case Accepted():
                self.totals.requests += 1
                self.totals.prompt_tokens += event.prompt_tokens
                if generation := self._chats.get(event.id):
                    generation.accept(event.prompt_tokens)
            case Embedded():
                self._embedded(event)
            case Tokenized() | Detokenized():
                if (pending := self._lookups.get(event.id)) and not pending.done():
                    pending.set_result(event)
            case _:
                self._end(event.id, _error(self._name, event))

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
        for number in [*self._chats, *self.embeddings, *self._lookups]:
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
        pending = self.embeddings.pop(number, None) or self._lookups.pop(number, None)
        if pending is not None and not pending.done():
            pending.set_exception(error)
        self._ended()

    def _cancel(self, number: int) -> None:
        """Nobody waits for a request; the worker need not know when it was over anyway."""
        if self._chats.pop(number, None) or self.embeddings.pop(number, None):
            self._send(Cancel(number))
            self._ended()


def _error(model: str, event: Bad) -> ApiError:
    """What a worker's refusal is to a client."""
    match event:
        case Rejected():
            return _misfit(event)
        case Refused():
            return InvalidRequest(event.reason, param=event.field)
        case EmbedTooLong():
            return InputTooLong(event.index, event.tokens, event.limit)
        case EmbedFailed():
            return VectorsFailed(model, event.reason)
        case EmbedRefused():
            return VectorsRefused(model, event.reason, event.index)


def _misfit(event: Rejected) -> ApiError:
    if event.prompt_tokens == 0:
        return InvalidRequest("The prompt is empty: there is nothing to go on.", param="messages")
    return ContextExceeded(event.prompt_tokens, event.ctx, more=event.more)
