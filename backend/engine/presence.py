"""Whether a model is there, and the wait of requests until it is."""

from __future__ import annotations

import asyncio

from backend.engine.messages import Loaded
from backend.engine.state import Gate, State
from backend.errors import ModelFailed, ModelLoading, QueueFull, ShuttingDown


class Presence:
    """A model in its life, as all see it who want something of it.

    Attributes:
        name: The id clients know it by.
        state: Where it is in its life.
        progress: How much of its file has been read, from 0 to 1.
        error: Why it is not ready, where there is a reason.
        card: What its worker said of it when it had loaded.
    """

    def __init__(self, name: str, most_requests: int, patience: float) -> None:
        """Begins with a model that is being loaded.

        Args:
            name: The id clients know it by.
            most_requests: Requests that may wait for it to be loaded before more are refused.
            patience: Seconds a request waits for it to be restarted.
        """
        self.name = name
        self.state = State.LOADING
        self.progress = 0.0
        self.error: str | None = None
        self.card: Loaded | None = None
        self._most = most_requests
        self._patience = patience
        self._settled = asyncio.Event()
        self._closing = False
        self._gate: Gate | None = None
        self._outside = 0  # requests that wait at the gate
        self._returning = 0  # requests that wait until it is back after a crash

    def wait_at(self, gate: Gate) -> None:
        """The model is loaded on demand, by somebody who lets requests through when it is there."""
        self._gate = gate
        self._become(State.UNLOADED, None)

    def begin(self) -> None:
        """It is about to be loaded."""
        self.progress = 0.0
        self._closing = False
        self._become(State.LOADING, None)

    def rest(self) -> None:
        """It has been unloaded."""
        self.card = None
        self.progress = 0.0
        self._closing = False
        self._become(State.UNLOADED, None)

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
            await self._return()
        if self._closing:
            raise ShuttingDown
        if self.state is State.FAILED:
            raise ModelFailed(self.name, self.error or "it could not be loaded")
        if self.state is not State.READY or self.card is None:
            raise ModelLoading(self.name)
        return self.card

    async def _return(self) -> None:
        """Waits until it is back; whoever waits counts, so that nobody unloads it meanwhile.

        Raises:
            ModelLoading: That takes too long.
        """
        self._returning += 1
        try:
            async with asyncio.timeout(self._patience):
                # Until then it may have crashed again.
                while self.state is State.RESTARTING and not self._closing:
                    await self._settled.wait()
        except TimeoutError as error:
            raise ModelLoading(self.name, "being restarted") from error
        finally:
            self._returning -= 1
            self._tell_gate()

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
