"""Who decides which models are loaded, over models that end when they are told to."""

from __future__ import annotations

import asyncio

import pytest

from backend.engine.messages import Load, Loaded
from backend.engine.state import State
from backend.engine.supervisor import Supervisor
from backend.errors import ModelInUse
from backend.keeper import Keeper
from backend.settings import Room

pytestmark = pytest.mark.anyio


class Slow(Supervisor):
    """Loads at once; its worker takes its time to write down a cache."""

    def __init__(self, name: str) -> None:
        super().__init__(name, Load("x.gguf", 64, 1, 1, 0), 1)
        self.ending = asyncio.Event()
        self.may_end = asyncio.Event()
        self.ended = False

    async def run(self) -> None:
        self._become(State.READY, None)
        try:
            await asyncio.Event().wait()
        finally:
            self.ending.set()
            await self.may_end.wait()
            self.ended = True


class Crashing(Slow):
    """Crashes when it is told to, and comes back when it is let."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.may_crash = asyncio.Event()
        self.crashed = asyncio.Event()
        self.may_return = asyncio.Event()
        self.asked = asyncio.Event()
        self.may_end.set()

    async def run(self) -> None:
        self.card = Loaded(64, 64, None, "", "", "f")
        self._become(State.READY, None)
        await self.may_crash.wait()
        self._become(State.RESTARTING, "it crashed")
        self.crashed.set()
        try:
            await self.may_return.wait()
            await super().run()
        except asyncio.CancelledError:
            self.close()
            raise

    async def _present(self) -> Loaded:
        self.asked.set()
        return await super()._present()


async def test_a_stop_waits_for_a_model_that_is_being_unloaded() -> None:
    first, second = Slow("first"), Slow("second")
    keeper = Keeper(Room(models=1), [(first, 0), (second, 0)])
    await keeper.open("first")
    waiting = asyncio.create_task(keeper.open("second"))
    await first.ending.wait()
    closing = asyncio.create_task(keeper.close())
    await waiting
    first.may_end.set()
    second.may_end.set()
    await closing
    assert first.ended


async def test_a_request_is_one_also_between_its_choices() -> None:
    model = Slow("model")
    model.may_end.set()
    keeper = Keeper(Room(), [(model, 0)])
    keeper.start()
    await model.settled()
    # Its first choice has ended before the second one is sent.
    with model.held(), pytest.raises(ModelInUse, match="not answered yet: 1"):
        await keeper.unload("model")
    await keeper.unload("model")
    assert (model.ended, model.state) == (True, State.UNLOADED)


async def test_who_leaves_does_not_stop_an_unloading() -> None:
    model = Slow("model")
    keeper = Keeper(Room(), [(model, 0)])
    keeper.start()
    await model.settled()
    leaver = asyncio.create_task(keeper.unload("model"))
    await model.ending.wait()
    leaver.cancel()
    await asyncio.wait([leaver])
    # The next one waits until it is gone, and loads it again.
    waiting = asyncio.create_task(keeper.open("model"))
    model.may_end.set()
    await waiting
    assert (model.ended, model.state) == (True, State.READY)
    await keeper.close()


async def test_a_model_that_crashed_is_not_unloaded_while_requests_wait_for_it() -> None:
    model = Crashing("model")
    keeper = Keeper(Room(), [(model, 0)])
    keeper.start()
    await model.settled()
    model.may_crash.set()
    await model.crashed.wait()
    waiting = asyncio.create_task(model.ready())
    await model.asked.wait()
    with pytest.raises(ModelInUse, match="not answered yet: 1"):
        await keeper.unload("model")
    model.may_return.set()
    assert await waiting is model.card
    await keeper.unload("model")
    assert model.state is State.UNLOADED


async def test_a_model_that_crashed_is_unloaded_when_nobody_waits_for_it() -> None:
    model = Crashing("model")
    keeper = Keeper(Room(), [(model, 0)])
    keeper.start()
    await model.settled()
    model.may_crash.set()
    await model.crashed.wait()
    leaver = asyncio.create_task(model.ready())
    await model.asked.wait()
    leaver.cancel()
    await asyncio.wait([leaver])
    await keeper.unload("model")
    assert model.state is State.UNLOADED
