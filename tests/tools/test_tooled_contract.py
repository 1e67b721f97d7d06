"""An agent with tools around it is an agent like any other."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

import anyio
import pytest

from council.agents.scripted import ScriptedAgent
from council.messages import ChatRequest, ChatToken
from council.testing import AGENT_CHECKS, check_agent, scripted
from council.tools.shown import Shown
from council.tools.tool import Tool
from council.tools.tooled import Tooled

pytestmark = pytest.mark.anyio

TOOL = Tool("wait", "Waits.", {"type": "object"}, lambda given: "waited")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Asked:
    """An agent whose every request offers tools."""

    def __init__(self, agent: ScriptedAgent) -> None:
        self._tooled = Tooled(agent, {"wait": TOOL}, 8, anyio.CapacityLimiter(1), Shown(()))
        self.id = agent.id
        self.model = agent.model

    def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        return self._tooled.chat(replace(request, tools=(TOOL.described,)))

    async def aclose(self) -> None:
        await self._tooled.aclose()


@pytest.mark.parametrize("check", list(AGENT_CHECKS))
async def test_it_keeps_the_contract(check: str) -> None:
    assert await check_agent(scripted(Asked), checks=[check]) == (check,)
