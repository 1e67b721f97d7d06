"""ScriptedAgent and FallbackAgent."""

from __future__ import annotations

from contextlib import aclosing

import anyio
import pytest

from council.agents.base import Agent
from council.agents.fallback import FallbackAgent
from council.agents.scripted import ScriptedAgent
from council.errors import AgentTimeout, StreamError, TransportError
from council.messages import ChatMessage, ChatRequest, ChatToken, Usage

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest("m", (ChatMessage("user", "one two"),))


async def collect(agent: Agent) -> list[ChatToken]:
    async with aclosing(agent.chat(REQUEST)) as tokens:
        return [token async for token in tokens]


def text(tokens: list[ChatToken]) -> str:
    return "".join(token.text for token in tokens)


async def test_a_script_is_streamed_by_words() -> None:
    tokens = await collect(ScriptedAgent("a", "It is  42.\n"))
    assert [token.text for token in tokens] == ["It", " is", "  42.", "\n", ""]
    assert tokens[-1] == ChatToken(finish_reason="stop", usage=Usage(2, 3))


async def test_scripts_are_used_in_turn_and_the_last_repeats() -> None:
    agent = ScriptedAgent("a", "one", "two")
    assert [text(await collect(agent)) for _ in range(3)] == ["one", "two", "two"]
    assert agent.requests == [REQUEST] * 3


async def test_a_script_of_steps() -> None:
    gate = anyio.Event()
    agent = ScriptedAgent("a", ["now ", gate.wait, ChatToken(reasoning="hm"), StreamError("cut")])
    async with aclosing(agent.chat(REQUEST)) as tokens:
        assert (await anext(tokens)).text == "now"
        assert (await anext(tokens)).text == " "
        gate.set()
        assert (await anext(tokens)).reasoning == "hm"
        with pytest.raises(StreamError):
            await anext(tokens)


async def test_a_script_that_is_a_function() -> None:
    agent = ScriptedAgent("a", lambda request: request.messages[-1].text.upper())
    assert text(await collect(agent)) == "ONE TWO"


def test_a_scripted_agent_needs_a_script() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ScriptedAgent("a")


async def test_a_fallback_asks_the_next_one() -> None:
    first = ScriptedAgent("a", TransportError("down"), model="big")
    second = ScriptedAgent("b", "hello", model="small")
    agent = FallbackAgent("both", [first, second])
    notice, *tokens = await collect(agent)
    assert notice.notice is not None
    assert notice.notice.kind == "fallback"
    assert notice.notice.message == "a failed (down); asking b"
    assert text(tokens) == "hello"
    # Each is asked for its own model.
    assert [agent.requests[0].model for agent in (first, second)] == ["big", "small"]


async def test_a_fallback_does_not_go_on_in_mid_sentence() -> None:
    first = ScriptedAgent("a", ["half a ", StreamError("cut")])
    second = ScriptedAgent("b", "hello")
    with pytest.raises(StreamError):
        await collect(FallbackAgent("both", [first, second]))
    assert second.requests == []


async def test_a_fallback_raises_the_last_error() -> None:
    agents = [ScriptedAgent("a", StreamError("x")), ScriptedAgent("b", AgentTimeout("idle", 1))]
    with pytest.raises(AgentTimeout):
        await collect(FallbackAgent("both", agents))


async def test_closing_a_fallback_closes_all() -> None:
    agents = [ScriptedAgent("a", "x"), ScriptedAgent("b", "y")]
    await FallbackAgent("both", agents).aclose()
    assert [agent.closed for agent in agents] == [True, True]
