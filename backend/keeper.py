"""Keeps as many models loaded as there is room for.

A model is loaded when a request names it. When there is no room, the longest unused one that nobody
waits for an answer of is unloaded. When all are in use, the longest unused one takes no further
requests until those it has are answered; then it makes room. Models are loaded in the order in
which they were asked for, so none waits for ever.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from backend.engine.state import State
from backend.engine.supervisor import Supervisor
from backend.errors import ModelInUse
from backend.settings import Room

_MIB = 1 << 20
_log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Kept:
    """A model, and what is known of it; a resident one has been there from the start."""

    model: Supervisor
    size: int
    task: asyncio.Task[None] | None = None
    used_at: int = 0
    resident: bool = False
    closing: bool = False
    leaving: bool = False
    turns: list[asyncio.Future[None]] = field(default_factory=list)
    entering: int = 0

    @property
    def is_loaded(self) -> bool:
        """Whether it takes room."""
        alive = self.task is not None and not self.task.done()
        return alive and self.model.state is not State.FAILED

    @property
    def is_open(self) -> bool:
        """Whether requests may go to it at once."""
        here = self.model.state in (State.READY, State.RESTARTING)
        return self.is_loaded and here and not (self.closing or self.leaving)

    @property
    def is_free(self) -> bool:
        """Whether it can go at once."""
        in_use = self.model.requests or self.entering
        return self.model.state is State.READY and not (in_use or self.leaving)

    @property
    def requests(self) -> int:
        """How many it has, those that wait for it included."""
        return self.model.requests + self.entering + len(self.turns)

    def load(self) -> None:
        """Begins to load it."""
        self.model.begin()
        self.task = asyncio.create_task(self.model.run())

    def let_in(self) -> None:
        """All that wait for it may go on."""
        turns, self.turns = self.turns, []
        self.entering += len(turns)
        for turn in turns:
            if not turn.done():
                turn.set_result(None)


class Keeper:
    """Decides which models are loaded; the `Gate` of all of them."""

    def __init__(self, room: Room, models: Iterable[tuple[Supervisor, int]]) -> None:
        """Takes charge of models, none of which is loaded.

        Args:
            room: What may be loaded.
            models: Each with the bytes of memory it needs.
        """
        self._room = room
        self._kept = {model.name: _Kept(model, size) for model, size in models}
        self._waiting: deque[_Kept] = deque()
        self._clock = itertools.count(1)
        self._departures: set[asyncio.Task[None]] = set()
        self._due = False
        self._ended = False
        for kept in self._kept.values():
            kept.model.wait_at(self)
            if not self._could_fit(kept):
                kept.model.refuse(_too_large(kept.size, room.memory))

    def start(self) -> None:
        """Loads all models, for as long as nobody unloads them."""
        for kept in self._kept.values():
            kept.resident = True
            kept.load()

    async def open(self, model: str) -> None:
        """Returns when a model is there, or cannot be."""
        kept = self._kept[model]
        kept.used_at = next(self._clock)
        if self._ended or kept.resident or kept.is_open or not self._could_fit(kept):
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        kept.turns.append(turn)
        if kept not in self._waiting:
            self._waiting.append(kept)
        self.changed()
        try:
            await turn
        finally:
            if turn in kept.turns:
                kept.turns.remove(turn)
            else:
                kept.entering -= 1
            self.changed()

    def summon(self, model: str) -> None:
        """From now on requests wait until a model is loaded, and try again if that has failed."""
        kept = self._kept[model]
        kept.resident = kept.resident and kept.is_open

    async def unload(self, model: str) -> None:
        """Returns when a model's worker is gone; the next request loads it again.

        Raises:
            ModelInUse: It has requests.
        """
        kept = self._kept[model]
        if kept.requests:
            raise ModelInUse(model, kept.requests)
        if kept.task is not None and not kept.leaving:
            kept.resident = False
            self._dismiss(kept)
        if self._departures:
            # Not gathered: who leaves while waiting must not take the departures along.
            await asyncio.wait(self._departures)

    def changed(self) -> None:
        """A model's state has changed, or a request has ended: soon does what is possible now."""
        if not self._due and (self._waiting or any(kept.turns for kept in self._kept.values())):
            self._due = True
            asyncio.get_running_loop().call_soon(self._settle)

    async def close(self) -> None:
        """Lets those who wait go on, to models that are closed by now, and ends every worker."""
        self._ended = True
        for kept in self._kept.values():
            kept.let_in()
        # Not those that leave already: a second cancel would not wait for their worker's end.
        staying = [kept for kept in self._kept.values() if not kept.leaving]
        tasks = [kept.task for kept in staying if kept.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._departures, return_exceptions=True)

    def _settle(self) -> None:
        self._due = False
        if self._ended:
            return
        for kept in self._kept.values():
            if kept.is_open:
                kept.let_in()
            elif kept.resident:
                continue
            elif kept.task is not None and kept.model.state is State.FAILED:
                _log.warning("%s: cannot be loaded: %s", kept.model.name, kept.model.error)
                kept.task = None  # the next request tries again
                kept.let_in()
        while self._waiting and self._serve(self._waiting[0]):
            self._waiting.popleft()

    def _serve(self, kept: _Kept) -> bool:
        """Loads a model that is waited for, or makes room for it; whether that was all."""
        if not kept.turns:
            return True
        if kept.leaving:
            return False
        if kept.is_loaded:
            kept.closing = False
            if kept.is_open:
                kept.let_in()
            return True
        if self._fits(kept):
            kept.load()
            return True
        self._make_room()
        return False

    def _could_fit(self, kept: _Kept) -> bool:
        return not 0 < self._room.memory < kept.size

    def _fits(self, kept: _Kept) -> bool:
        loaded = [other.size for other in self._kept.values() if other.is_loaded]
        if 0 < self._room.models <= len(loaded):
            return False
        return not 0 < self._room.memory < sum(loaded) + kept.size

    def _make_room(self) -> None:
        others = [kept for kept in self._kept.values() if kept.is_loaded]
        if any(kept.leaving for kept in others):
            return
        if free := [kept for kept in others if kept.is_free]:
            self._dismiss(min(free, key=_age))
        elif not any(kept.closing for kept in others):
            busy = [kept for kept in others if kept.model.state is State.READY]
            if busy:
                min(busy, key=_age).closing = True

    def _dismiss(self, kept: _Kept) -> None:
        kept.leaving = True
        departure = asyncio.create_task(self._depart(kept))
        self._departures.add(departure)
        departure.add_done_callback(self._departures.discard)

    async def _depart(self, kept: _Kept) -> None:
        """Ends a model's worker; the room is free when the process is gone."""
        if kept.task is not None:
            kept.task.cancel()
            await asyncio.gather(kept.task, return_exceptions=True)
        kept.task = None
        kept.leaving = kept.closing = False
        if not self._ended:
            kept.model.rest()
        self.changed()


def _age(kept: _Kept) -> int:
    return kept.used_at


def _too_large(size: int, memory: int) -> str:
    return (
        f"it needs about {size / _MIB:,.0f} MiB of memory, and --models-max-memory allows"
        f" {memory / _MIB:,.0f} MiB: choose a smaller --ctx or a smaller model"
    )
