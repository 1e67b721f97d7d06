"""What replies with tools cost: each request by itself, since a price may rise with its length."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

import council
from council.agents.scripted import ScriptedAgent
from council.expert import Expert
from council.messages import ChatToken, ToolCallDelta, Usage
from council.prices import Price
from council.rerun import resumed
from council.store.store import Store

pytestmark = pytest.mark.anyio

# A dollar for a million tokens of a prompt, ten for those of a prompt of more than 100 tokens.
PRICE = Price(1.0, 0.0, steps=((100, Price(10.0, 0.0)),))


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def now() -> str:
    return "noon"


async def test_three_short_requests_are_no_long_one(tmp_path: Path) -> None:
    def call(id: str) -> list[ChatToken]:
        calls = tuple(ToolCallDelta(place, f"{id}{place}", "now", "{}") for place in (0, 1))
        return [ChatToken(tool_calls=calls), ChatToken(usage=Usage(80, 5))]

    answer = [ChatToken("At noon."), ChatToken(finish_reason="stop", usage=Usage(90, 5))]
    agent = ScriptedAgent("ada", call("a"), call("b"), [*answer])
    # The usage that a script ends with counts words: what is asked for here is the agents' own.
    seats = [Expert("ada", _Counting(agent), price=PRICE)]
    with Store(tmp_path / "runs.sqlite3") as store:
        async with council.open_council(seats, store=store) as panel:
            result = await panel.ask("When?", tools=[now])
        assert result.usage == Usage(250, 15)
        assert result.cost.amount == pytest.approx(250e-6)
        async with resumed(store, result.run_id, panel=seats, tools=[now]) as run:
            async for _ in run:
                pass
    assert len(agent.requests) == 3
    assert run.result.cost == result.cost
    assert run.result.usage == result.usage


class _Counting:
    """A scripted agent without the usage that it adds at the end."""

    def __init__(self, agent: ScriptedAgent) -> None:
        self._agent = agent
        self.id = agent.id
        self.model = agent.model

    async def chat(self, request: council.ChatRequest) -> AsyncGenerator[ChatToken, None]:
        counted = False
        async with aclosing(self._agent.chat(request)) as tokens:
            async for token in tokens:
                if not counted:
                    yield token
                counted = counted or token.usage is not None

    async def aclose(self) -> None:
        await self._agent.aclose()
