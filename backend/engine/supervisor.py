"""Keeps one model alive: starts its worker process, and starts it again when native code dies.

Requests go in by ``submit`` and come back as ``Generation``; ``run`` is the one task that reads
what the worker says.
"""

from __future__ import annotations

import asyncio
import enum
import itertools
import logging
from dataclasses import dataclass

from pydantic import ValidationError

from backend.engine.child import Child
from backend.engine.generation import Generation
from backend.engine.messages import (
    Accepted,
    Cancel,
    Event,
    Load,
    Loaded,
    LoadFailed,
    Progress,
    Rejected,
    Sampling,
    Stats,
    Step,
    Submit,
)
from backend.errors import (
    ApiError,
    ContextExceeded,
    InternalError,
    ModelCrashed,
    ModelFailed,
    ModelLoading,
    QueueFull,
    ShuttingDown,
)

_log = logging.getLogger(__name__)


class State(enum.StrEnum):
    """Where a model is in its life."""

    LOADING = "loading"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Resilience:
    """How a model is brought back.

    Attributes:
        first_delay: Seconds before the first restart; doubles with each crash in a row.
        longest_delay: Seconds it never exceeds.
        crashes: Crashes without an answer in between after which the model is given up.
        patience: Seconds a request waits for a model that is being restarted.
    """

    first_delay: float = 0.1
    longest_delay: float = 10.0
    crashes: int = 5
    patience: float = 15.0

    def delay(self, crashes: int) -> float:
        """Seconds to wait after this many crashes in a row."""
        return min(self.longest_delay, self.first_delay * 2.0 ** max(0, crashes - 1))


@dataclass(frozen=True, slots=True)
class Job:
    """What to generate: the fields are those of ``messages.Submit``."""

    prompt: str
    sampling: Sampling
    max_tokens: int | None
    stop: tuple[str, ...]
    reuse: bool | None = None


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
        self._requests: dict[int, Generation] = {}
        self._numbers = itertools.count(1)
        self._crashes = 0
        self._refusal = ""
        self._settled = asyncio.Event()
        self._closing = False

    @property
    def pid(self) -> int | None:
        """The worker's process id, while there is one."""
        return self._child.pid if self._child else None

    async def settled(self) -> None:
        """Waits until the model is ready or has failed."""
        await self._settled.wait()

    async def ready(self) -> Loaded:
        """What the worker said of the model; waits a while for one that is being restarted.

        Raises:
            ModelLoading: It is loaded for the first time, or is not back in time.
            ModelFailed: It cannot be loaded.
            ShuttingDown: The server is being stopped.
        """
        if self._closing:
            raise ShuttingDown
        if self.state is State.RESTARTING:
            try:
                async with asyncio.timeout(self._resilience.patience):
                    await self._settled.wait()
            except TimeoutError as error:
                raise ModelLoading(self.name, "being restarted") from error
        if self.state is State.FAILED:
            raise ModelFailed(self.name, self.error or "it could not be loaded")
        if self.state is not State.READY or self.card is None:
            raise ModelLoading(self.name)
        return self.card

    async def submit(self, job: Job) -> Generation:
        """Starts a request; returns once the worker has taken it. The caller closes it.

        Raises:
            ApiError: The model is not there, has too many requests, or the prompt does not fit.
        """
        await self.ready()
        if self._child is None:
            raise ModelLoading(self.name)
        if len(self._requests) >= self._most:
            raise QueueFull(self.name, len(self._requests))
        number = next(self._numbers)
        generation = self._requests[number] = Generation(number, self._cancel)
        self._child.send(
            Submit(number, job.prompt, job.sampling, job.max_tokens, job.stop, job.reuse)
        )
        try:
            await generation.accepted()
        except BaseException:
            generation.close()
            raise
        return generation

    async def run(self) -> None:
        """Keeps the model alive until it fails for good or the task is cancelled."""
        try:
            while self.state is not State.FAILED:
                await self._live()
        except asyncio.CancelledError:
            self._closing = True
            self._fail_requests(ShuttingDown())
            raise

    async def _live(self) -> None:
        """One life of a worker, and what follows from its end."""
        reason = await self._attempt()
        self._fail_requests(ModelCrashed(self.name, reason))
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
            self.stats = Stats()
            if self.state is State.READY:
                # At once: it takes a moment until the process is gone and its end is known.
                self._become(State.RESTARTING, "its worker process ended")
            await asyncio.shield(child.close())
        return self._refusal or child.epitaph()

    def _handle(self, event: Event) -> None:
        match event:
            case Step():
                self._deliver(event)
            case Accepted():
                if generation := self._requests.get(event.id):
                    generation.accept(event.prompt_tokens)
            case Rejected():
                self._end(event.id, ContextExceeded(event.prompt_tokens, event.ctx))
            case Progress():
                self.progress = event.fraction
            case Loaded():
                self.card, self.progress = event, 1.0
                self._become(State.READY, None)
            case LoadFailed():
                self._refusal = event.reason

    def _deliver(self, step: Step) -> None:
        self.stats = step.stats
        for output in step.outputs:
            if output.finish == "error":
                self._end(output.id, InternalError("The model could not go on with this request."))
                continue
            if generation := self._requests.get(output.id):
                generation.put(output)
            if output.finish:
                self._requests.pop(output.id, None)
                self._crashes = 0

    def _end(self, number: int, error: ApiError) -> None:
        if generation := self._requests.pop(number, None):
            generation.fail(error)

    def _fail_requests(self, error: ApiError) -> None:
        requests, self._requests = self._requests, {}
        for generation in requests.values():
            generation.fail(error)

    def _cancel(self, number: int) -> None:
        """A route has closed its generation; the worker need not know when it was over anyway."""
        if self._requests.pop(number, None) and self._child:
            self._child.send(Cancel(number))

    def _become(self, state: State, error: str | None) -> None:
        self.state, self.error = state, error
        if state in (State.READY, State.FAILED):
            self._settled.set()
        else:
            self._settled.clear()
