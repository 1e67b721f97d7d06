"""Keeps one model alive: starts its worker process, and starts it again when native code dies.

Requests go in by ``submit`` and come back as ``Generation``; ``run`` is the one task that reads
what the worker says.
"""

from __future__ import annotations

import asyncio
import logging

from pydantic import ValidationError

from backend.engine.child import Child
from backend.engine.embed_messages import Embedded, EmbedFailed, EmbedRefused, EmbedTooLong
from backend.engine.generation import Generation
from backend.engine.inflight import InFlight, Job
from backend.engine.messages import (
    Accepted,
    Command,
    Event,
    Load,
    Loaded,
    LoadFailed,
    Note,
    Progress,
    Rejected,
    Stats,
    Step,
)
from backend.engine.state import Gate, Resilience, State
from backend.engine.totals import Totals
from backend.errors import (
    ModelCrashed,
    ModelFailed,
    ModelLoading,
    QueueFull,
    ShuttingDown,
)

_ENDING, _KEEPING = 1.0, 12.0
"""Seconds a worker has to end, without and with a cache to write down."""
_log = logging.getLogger(__name__)


class Supervisor:
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
        self.name = name
        self.state = State.LOADING
        self.progress = 0.0
        self.error: str | None = None
        self.restarts = 0
        self.stats = Stats()
        self.card: Loaded | None = None
        self._load = load
        self._most = most_requests
        self._resilience = resilience or Resilience()
        self._child: Child | None = None
        self._inflight = InFlight(name, self._send, self._tell_gate)
        self._crashes = 0
        self._refusal = ""
        self._settled = asyncio.Event()
        self._closing = False
        self._gate: Gate | None = None
        self._outside = 0  # requests that wait at the gate

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
    def in_use(self) -> bool:
        """Whether somebody waits for an answer of it."""
        return len(self._inflight) > 0

    def wait_at(self, gate: Gate) -> None:
        """The model is loaded on demand, by somebody who lets requests through when it is there."""
        self._gate = gate
        self._become(State.UNLOADED, None)

    def begin(self) -> None:
        """It is about to be loaded: ``run`` follows."""
        self.progress = 0.0
        self._crashes = 0
        self._become(State.LOADING, None)

    def rest(self) -> None:
        """It has been unloaded: ``run`` has ended."""
        self.card = None
        self.progress = 0.0
        self._closing = False
        self._become(State.UNLOADED, None)

    def close(self) -> None:
        """The server is being stopped: all requests end now, and none is taken any more.

        ``run`` may go on for a while until the worker has written down its cache.
        """
        self._closing = True
        self._settled.set()
        self._inflight.fail(ShuttingDown())

    def refuse(self, reason: str) -> None:
        """It can never be loaded here."""
        self._become(State.FAILED, reason)

    async def settled(self) -> None:
        """Waits until the model is ready, has failed, or is not wanted."""
        await self._settled.wait()

    async def ready(self) -> Loaded:
        """What the worker said of the model; waits for one on demand, or a while for a restart.

        Raises:
            ModelLoading: It is loaded for the first time, or is not back in time.
            ModelFailed: It cannot be loaded.
            QueueFull: Too many wait for it to be loaded.
            ShuttingDown: The server is being stopped.
        """
        if self._gate is not None:
            await self._pass(self._gate)
        return await self._present()

    async def _pass(self, gate: Gate) -> None:
        if self._outside >= self._most:
            raise QueueFull(self.name, self._outside)
        self._outside += 1
        try:
            await gate.open(self.name)
        finally:
            self._outside -= 1

    async def _present(self) -> Loaded:
        """As ``ready``, but for a model that is loaded already or on its way back."""
        if self.state is State.RESTARTING:
            try:
                async with asyncio.timeout(self._resilience.patience):
                    await self._settled.wait()
            except TimeoutError as error:
                raise ModelLoading(self.name, "being restarted") from error
        if self._closing:
            raise ShuttingDown
        if self.state is State.FAILED:
            raise ModelFailed(self.name, self.error or "it could not be loaded")
        if self.state is not State.READY or self.card is None:
            raise ModelLoading(self.name)
        return self.card

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
            case Accepted() | Rejected() | EmbedTooLong() | EmbedRefused() | EmbedFailed():
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

    def _deliver(self, step: Step) -> None:
        self.stats = step.stats
        for output in step.outputs:
            self._inflight.deliver(output)
            if output.finish not in (None, "error"):
                self._crashes = 0

    def _send(self, command: Command) -> None:
        if self._child is not None:
            self._child.send(command)

    def _become(self, state: State, error: str | None) -> None:
        self.state, self.error = state, error
        if state in (State.READY, State.FAILED, State.UNLOADED):
            self._settled.set()
        elif not self._closing:
            self._settled.clear()
        self._tell_gate()

    def _tell_gate(self) -> None:
        if self._gate is not None:
            self._gate.changed()
