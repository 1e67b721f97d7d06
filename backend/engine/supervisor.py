"""Keeps one model alive: starts its worker process, and starts it again when native code dies.

Requests go in by ``submit`` and come back as ``Generation``; ``run`` is the one task that reads
what the worker says.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator

from pydantic import ValidationError

from backend.engine.child import Child
from backend.engine.embed_messages import Embedded
from backend.engine.generation import Generation
from backend.engine.inflight import Found, InFlight, Job
from backend.engine.messages import (
    Command,
    Event,
    Load,
    Loaded,
    LoadFailed,
    Note,
    Progress,
    Stats,
    Step,
)
from backend.engine.presence import Presence
from backend.engine.state import Resilience, State
from backend.engine.totals import Totals
from backend.engine.vocabulary_messages import Detokenize, Tokenize
from backend.errors import ModelCrashed, ModelLoading, QueueFull, ShuttingDown

_ENDING, _KEEPING = 1.0, 12.0
"""Seconds a worker has to end, without and with a cache to write down."""
_log = logging.getLogger(__name__)


class Supervisor(Presence):
    """One model: its worker process, its state, and its requests in flight."""

    def __init__(
        self, name: str, load: Load, most_requests: int, resilience: Resilience | None = None
    ) -> None:
        """Prepares a model; ``run`` brings it to life.

        Args:
            name: The id clients know it by.
            load: What the worker is to load.
            most_requests: Requests in flight, waiting ones included, before more are refused.
            resilience: How it is brought back after a crash.
        """
        self._resilience = resilience or Resilience()
        super().__init__(name, most_requests, self._resilience.patience)
        self.restarts = 0
        self.stats = Stats()
        self._load = load
        self._child: Child | None = None
        self._inflight = InFlight(name, self._send, self._tell_gate)
        self._crashes = 0
        self._refusal = ""
        self._held = 0

    @property
    def pid(self) -> int | None:
        """The worker's process id, while there is one."""
        return self._child.pid if self._child else None

    @property
    def embedding(self) -> int:
        """Requests for vectors that are waited for."""
        return len(self._inflight.embeddings)

    @property
    def totals(self) -> Totals:
        """What it has done so far."""
        return self._inflight.totals

    @property
    def queued(self) -> int:
        """Chats that wait for their turn, and requests that wait for the model to be loaded."""
        return self.stats.queued + self._outside

    @property
    def requests(self) -> int:
        """How many it has: somebody waits for an answer of each."""
        return len(self._inflight) + self._held + self._returning

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Within, straight after ``ready``, one request counts, also between its choices."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            self._tell_gate()

    def begin(self) -> None:
        """It is about to be loaded: ``run`` follows."""
        self._crashes = 0
        super().begin()

    def close(self) -> None:
        """The server is being stopped: all requests end now, and none is taken any more.

        ``run`` may go on for a while until the worker has written down its cache.
        """
        self._closing = True
        self._settled.set()
        self._inflight.fail(ShuttingDown())

    async def submit(self, job: Job) -> Generation:
        """Starts a request, straight after ``ready``; returns once the worker has taken it.

        The caller closes it.

        Raises:
            ApiError: The model is not there, has too many requests, or the prompt does not fit.
        """
        await self._admit()
        generation = self._inflight.chat(job)
        try:
            await generation.accepted()
        except BaseException:
            generation.close()
            raise
        return generation

    async def embed(self, inputs: tuple[str | tuple[int, ...], ...]) -> Embedded:
        """The vectors of some texts, at least one; straight after ``ready``.

        Raises:
            ApiError: The model is not there, has too many requests, or cannot take an input.
        """
        await self._admit()
        return await self._inflight.embed(inputs)

    async def look_up(self, make: Callable[[int], Tokenize | Detokenize]) -> Found:
        """What the vocabulary says, straight after ``ready``.

        Raises:
            ApiError: The model is not there, or has too many requests.
        """
        await self._admit()
        return await self._inflight.look_up(make)

    async def _admit(self) -> None:
        """Returns when one more request can be sent; whoever asks has been let in by ``ready``."""
        await self._present()
        if self._child is None:
            raise ModelLoading(self.name)
        if len(self._inflight) >= self._most:
            raise QueueFull(self.name, len(self._inflight))

    async def run(self) -> None:
        """Keeps the model alive until it fails for good or the task is cancelled."""
        try:
            while self.state is not State.FAILED:
                await self._live()
        except asyncio.CancelledError:
            self.close()
            raise

    async def _live(self) -> None:
        """One life of a worker, and what follows from its end."""
        reason = await self._attempt()
        self._inflight.fail(ModelCrashed(self.name, reason))
        self._crashes += 1
        if self._refusal and self.card is None:
            self._become(State.FAILED, reason)
        elif self._crashes >= self._resilience.crashes:
            self._become(State.FAILED, f"it crashed too often: {reason}")
        else:
            self._become(State.RESTARTING, reason)
            self.restarts += 1
            _log.warning("%s: %s; starting it again", self.name, reason)
            await asyncio.sleep(self._resilience.delay(self._crashes))

    async def _attempt(self) -> str:
        """Runs one worker to its end; returns how it ended."""
        self._refusal = ""
        try:
            child = self._child = await Child.spawn()
        except OSError as error:
            return f"no worker process could be started: {error.strerror}"
        try:
            child.send(self._load)
            while (event := await child.read()) is not None:
                self._handle(event)
        except ValidationError:
            _log.exception("%s: its worker sent something unknown", self.name)
        finally:
            self._child = None
            self.totals.retire(self.stats)
            self.stats = Stats()
            if self.state is State.READY:
                # At once: it takes a moment until the process is gone and its end is known.
                self._become(State.RESTARTING, "its worker process ended")
            keeps = bool(self._load.options.cache_dir)
            await asyncio.shield(child.close(_KEEPING if keeps else _ENDING))
        return self._refusal or child.epitaph()

    def _handle(self, event: Event) -> None:
        match event:
            case Step():
                self._deliver(event)
            case Embedded():
                self._crashes = 0
                self._inflight.answer(event)
            case Progress():
                self.progress = event.fraction
            case Loaded():
                self.card, self.progress = event, 1.0
                self._become(State.READY, None)
            case LoadFailed():
                self._refusal = event.reason
            case Note():
                _log.warning("%s: %s", self.name, event.text)
            case _:
                self._inflight.answer(event)

    def _deliver(self, step: Step) -> None:
        self.stats = step.stats
        for output in step.outputs:
            self._inflight.deliver(output)
            if output.finish not in (None, "error"):
                self._crashes = 0

    def _send(self, command: Command) -> None:
        if self._child is not None:
            self._child.send(command)
