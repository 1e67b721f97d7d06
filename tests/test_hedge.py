"""A second request when the first token is late."""

from __future__ import annotations

import anyio
import pytest

import council
from council.agents.scripted import Script, ScriptedAgent
from council.errors import StreamError, TransportError
from council.events import Event, ExpertNotice, ExpertToken
from council.expert import Expert

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def run(
    *scripts: Script, hedge_after: float = 0.02
) -> tuple[council.Result, list[Event], ScriptedAgent]:
    agent = ScriptedAgent("a", *scripts)
    panel = [Expert("a", agent, hedge_after=hedge_after)]
    with anyio.fail_after(20):
        async with council.open_council(panel) as opened, opened.stream("?") as stream:
            events = [event async for event in stream]
    return stream.result, events, agent


async def test_a_quick_first_needs_no_second() -> None:
    result, events, agent = await run("quick answer", hedge_after=60)
    assert result.answer == "quick answer"
    assert len(agent.requests) == 1
    assert not any(isinstance(event, ExpertNotice) for event in events)


async def test_a_late_first_is_overtaken_and_cancelled() -> None:
    never = anyio.Event()
    result, events, agent = await run([never.wait, "late"], "second")
    assert (result.answer, result.status) == ("second", "complete")
    assert len(agent.requests) == 2
    (notice,) = (event for event in events if isinstance(event, ExpertNotice))
    assert notice.kind == "hedge"
    assert "".join(e.text for e in events if isinstance(e, ExpertToken)) == "second"


async def test_a_first_that_comes_round_wins_over_a_slow_second() -> None:
    started, never = anyio.Event(), anyio.Event()

    async def start() -> None:
        started.set()
        await never.wait()

    result, _, agent = await run([started.wait, "first after all"], [start, "second"])
    assert result.answer == "first after all"
    assert len(agent.requests) == 2


async def test_a_first_that_fails_early_is_a_failure() -> None:
    agent = ScriptedAgent("a", TransportError("down"))
    others = [Expert(id, ScriptedAgent(id, "yes")) for id in "bc"]
    panel = [Expert("a", agent, hedge_after=60), *others]
    with anyio.fail_after(10):
        result = await council.ask("?", panel=panel)
    assert result.reasons == ("a: down",)


async def test_one_of_two_failing_is_no_failure() -> None:
    started = anyio.Event()

    async def start() -> None:
        started.set()

    result, _, _ = await run([started.wait, TransportError("down")], [start, "second"])
    assert result.answer == "second"


async def test_both_failing_is_the_last_error() -> None:
    started = anyio.Event()

    async def start() -> None:
        started.set()

    agent = ScriptedAgent(
        "a", [started.wait, TransportError("one")], [start, TransportError("two")]
    )
    with anyio.fail_after(10), pytest.raises(council.QuorumLost, match=r"a: (one|two)"):
        await council.ask("?", panel=[Expert("a", agent, hedge_after=0.02)])


async def test_an_error_after_the_first_token_is_final() -> None:
    agent = ScriptedAgent("a", ["half ", StreamError("cut")], "second")
    with anyio.fail_after(10), pytest.raises(council.QuorumLost, match="cut"):
        await council.ask("?", panel=[Expert("a", agent, hedge_after=60)])
    assert len(agent.requests) == 1
