"""Experts that call tools over real sockets, of both kinds of API."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

import council
from council.agents.base import Agent
from council.agents.openai_http import OpenAIHTTPAgent
from council.agents.scripted import ScriptedAgent
from council.errors import ConfigError
from council.events import Event, ExpertFinished, ExpertToken, ToolCalled, ToolReturned
from council.expert import Expert
from council.messages import ChatToken, Sampling, ToolCallDelta
from council.result import Result
from council.run import Run
from council.testing import Request, Step, raw_server
from council.testing.raw_server import serving
from tests.support.tool_apis import APIS, Api, OpenAI

pytestmark = pytest.mark.anyio

ADD = ("call-1", "add", '{"a": 17, "b": 25}')


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=APIS, ids=lambda api: api.kind)
def api(request: pytest.FixtureRequest) -> Api:
    found: Api = request.param
    return found


def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


async def ask(seat: Agent | Expert, *tools: Any, **arguments: Any) -> tuple[Result, list[Event]]:
    """One run of one expert, and its events."""
    async with watching(seat, *tools, **arguments) as run:
        events = [event async for event in run]
    return run.result, events


@asynccontextmanager
async def watching(
    seat: Agent | Expert, *tools: Any, **arguments: Any
) -> AsyncGenerator[Run, None]:
    """One run of one expert, whose agent is closed at its end."""
    try:
        async with (
            council.open_council([seat]) as panel,
            panel.stream("What is 17 + 25?", tools=tools, **arguments) as run,
        ):
            yield run
    finally:
        await (seat.agent if isinstance(seat, Expert) else seat).aclose()


async def test_a_tool_is_run_and_the_expert_asked_again(api: Api) -> None:
    async with raw_server(api.calls(ADD), api.answers("It is 42.")) as server:
        result, events = await ask(api.agent(server.url), add)
    (reply,) = result.experts
    assert (result.answer, result.status) == ("It is 42.", "complete")
    assert (reply.text, reply.finish_reason, reply.tool_calls) == ("It is 42.", "stop", ())
    (used,) = reply.tools
    assert (used.name, used.arguments, used.result, used.failed) == ("add", ADD[2], "42", False)
    first, second = server.requests
    assert api.offered(first) == api.offered(second) == ["add"]
    ((id, name, arguments),) = api.called(second)
    assert (id, name) == ("call-1", "add")
    assert arguments in (ADD[2], json.loads(ADD[2]))
    assert api.told(second) == {"call-1": "42"}
    types = [event.type for event in events]
    assert types.index("tool.called") < types.index("tool.returned") < types.index("expert.token")


async def test_the_usage_of_all_turns_is_summed(api: Api) -> None:
    replies = (api.calls(ADD), api.calls(("call-2", *ADD[1:])), api.answers("42"))
    async with raw_server(*replies) as server:
        # What three requests wrote together is more than one may.
        seat = Expert("ada", api.agent(server.url), sampling=Sampling(max_tokens=5))
        result, _ = await ask(seat, add)
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (30, 15)
    assert not result.usage.estimated
    assert not [warning for warning in result.warnings if "max_tokens" in warning]


async def test_words_before_a_call_are_no_part_of_the_answer(api: Api) -> None:
    replies = (api.calls(ADD, text="I look it up."), api.answers("42"))
    async with raw_server(*replies) as server:
        result, events = await ask(api.agent(server.url), add)
    (reply,) = result.experts
    assert (reply.text, reply.reasoning) == ("42", "I look it up.\n\n")
    told = [e.text if isinstance(e, ExpertToken) else e.type for e in events]
    assert told[2:6] == ["I look it up.", "tool.called", "tool.returned", "42"]
    assert "I look it up." in server.requests[1].body.decode()


async def test_calls_of_one_turn_run_at_the_same_time(api: Api) -> None:
    met = {"left": anyio.Event(), "right": anyio.Event()}

    async def left() -> str:
        met["left"].set()
        await met["right"].wait()
        return "from the left"

    async def right() -> str:
        met["right"].set()
        await met["left"].wait()
        return "from the right"

    replies = (api.calls(("c1", "left", ""), ("c2", "right", "{}")), api.answers("both"))
    async with raw_server(*replies) as server:
        result, _ = await ask(api.agent(server.url), left, right)
    assert api.told(server.requests[1]) == {"c1": "from the left", "c2": "from the right"}
    assert [used.result for used in result.experts[0].tools] == ["from the left", "from the right"]


async def test_plain_functions_run_in_threads_beside_each_other(api: Api) -> None:
    barrier = threading.Barrier(2, timeout=60)
    seen: list[int] = []

    def meet(who: str) -> str:
        barrier.wait()
        seen.append(threading.get_ident())
        return who

    calls = (("c1", "meet", '{"who": "a"}'), ("c2", "meet", '{"who": "b"}'))
    async with raw_server(api.calls(*calls), api.answers("met")) as server:
        await ask(api.agent(server.url), meet)
    assert api.told(server.requests[1]) == {"c1": "a", "c2": "b"}
    assert len(set(seen)) == 2
    assert threading.get_ident() not in seen


def broken(x: int) -> int:
    """Always fails."""
    raise ZeroDivisionError(f"{x} by nothing")


def leaving() -> None:
    """Ends the process, or tries to."""
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("c", "broken", '{"x": 3}'), "broken failed: ZeroDivisionError: 3 by nothing"),
        (("c", "leaving", "{}"), "leaving failed: SystemExit: 3"),
        (("c", "broken", '{"x": 3'), "the arguments of broken are wrong: Invalid JSON: "),
        (("c", "broken", '{"y": 3}'), "the arguments of broken are wrong: x: Field required"),
        (("c", "broken", "[3]"), "the arguments of broken are wrong: Input should be an object"),
        (("c", "add", "{}"), "add failed: LookupError: there is no such tool: there are broken, "),
    ],
    ids=["raises", "exits", "no JSON", "another name", "no object", "unknown"],
)
async def test_what_goes_wrong_is_told_and_the_run_goes_on(
    api: Api, call: tuple[str, str, str], told: str
) -> None:
    async with raw_server(api.calls(call), api.answers("I give up.")) as server:
        result, events = await ask(api.agent(server.url), broken, leaving)
    assert result.answer == "I give up."
    assert api.told(server.requests[1])["c"].startswith(told)
    (returned,) = [event for event in events if isinstance(event, ToolReturned)]
    assert (returned.failed, returned.result[: len(told)]) == (True, told)
    assert result.experts[0].tools[0].failed


async def test_malformed_arguments_go_back_as_json(api: Api) -> None:
    async with raw_server(api.calls(("c", "add", '{"a": 1')), api.answers("?")) as server:
        await ask(api.agent(server.url), add)
    ((_, _, arguments),) = api.called(server.requests[1])
    given = json.loads(arguments) if isinstance(arguments, str) else arguments
    assert given == {"arguments": '{"a": 1'}


@pytest.mark.parametrize(
    ("gives", "told"),
    [
        (lambda: {"sum": 42, "é": [1.5, None]}, '{"sum":42,"é":[1.5,null]}'),
        (lambda: None, "null"),
        (lambda: "as it is\n", "as it is\n"),
        (lambda: {1}, "[1]"),
        (lambda: "caf\udce9", "caf?"),
    ],
)
async def test_a_result_that_is_no_text_is_told_as_json(
    api: Api, gives: Callable[[], object], told: str
) -> None:
    tool = council.Tool("give", "", {"type": "object"}, lambda given: gives())
    async with raw_server(api.calls(("c", "give", "{}")), api.answers("thanks")) as server:
        await ask(api.agent(server.url), tool)
    assert api.told(server.requests[1]) == {"c": told}


async def test_a_long_result_is_cut_and_says_so(api: Api) -> None:
    tool = council.Tool("give", "", {"type": "object"}, lambda given: "x" * 70_000)
    async with raw_server(api.calls(("c", "give", "{}")), api.answers("thanks")) as server:
        result, _ = await ask(api.agent(server.url), tool)
    told = api.told(server.requests[1])["c"]
    assert told == "x" * 50_000 + "\n[cut off here: it has 70000 characters]"
    assert result.experts[0].tools[0].result == "x" * 2000 + "…"


async def test_who_calls_tools_for_ever_has_failed(api: Api) -> None:
    async with raw_server(api.calls(ADD, text="Once more.")) as server:
        result, events = await ask(api.agent(server.url), add, max_tool_turns=2)
    (reply,) = result.experts
    assert (result.status, reply.status, len(server.requests)) == ("failed", "failed", 3)
    assert reply.error is not None
    assert reply.error.message.startswith("no answer: it still calls tools (add) after 2 turns")
    assert reply.error.kind == "limit"
    assert len([event for event in events if isinstance(event, ToolCalled)]) == 2
    assert len(reply.tools) == 2
    # What each turn cost is known all the same.
    assert reply.usage is not None
    assert reply.usage.total_tokens == 45


async def test_arguments_without_end_are_no_reply() -> None:
    pieces = [ToolCallDelta(0, "c", "add", "")] + [ToolCallDelta(0, arguments="1" * 2**20)] * 5
    agent = ScriptedAgent("ada", [ChatToken(tool_calls=(piece,)) for piece in pieces])
    result, _ = await ask(agent, add)
    (reply,) = result.experts
    assert reply.error is not None
    assert reply.error.message.startswith("the reply is longer than")


async def test_a_call_that_was_cut_off_is_not_run(api: Api) -> None:
    ran: list[int] = []
    cut = api.calls(("c", "note", '{"n": 1}'), reason="length")
    async with raw_server(cut) as server:
        result, _ = await ask(api.agent(server.url), _noting(ran))
    (reply,) = result.experts
    assert (ran, reply.status, reply.finish_reason) == ([], "failed", "length")
    assert reply.error is not None
    assert reply.error.message == "cut off at its token limit while it called a tool (note)"


def _noting(ran: list[int]) -> Callable[..., None]:
    def note(n: int) -> None:
        ran.append(n)

    return note


async def test_ids_that_are_missing_or_used_twice_are_replaced() -> None:
    api = OpenAI()
    replies = (
        api.calls(("", "add", ADD[2]), ("", "add", '{"a": 1, "b": 1}')),
        api.calls(("call00000", "add", '{"a": 2, "b": 2}')),
        api.answers("done"),
    )
    async with raw_server(*replies) as server:
        result, _ = await ask(api.agent(server.url), add)
    assert api.told(server.requests[2]) == {"call00000": "42", "call00001": "2", "call01000": "4"}
    assert [used.result for used in result.experts[0].tools] == ["42", "2", "4"]


async def watched_until(run: Run, type: str) -> list[Event]:
    seen: list[Event] = []
    async for event in run:
        seen.append(event)
        if event.type == type:
            return seen
    raise AssertionError(f"no {type} in {[event.type for event in seen]}")


async def test_leaving_a_run_does_not_wait_for_a_plain_function(api: Api) -> None:
    begun, release = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        release.wait(60)
        return "late"

    try:
        async with raw_server(api.calls(("c", "slow", "{}"))) as server:
            async with watching(api.agent(server.url), slow) as run:
                await watched_until(run, "tool.called")
                await anyio.to_thread.run_sync(begun.wait, 60)
            assert not release.is_set()
            assert len(server.requests) == 1
    finally:
        release.set()
    assert run.snapshot().experts[0].tools[0].result is None


async def test_cancelling_ends_an_async_function(api: Api) -> None:
    begun, ended = anyio.Event(), anyio.Event()

    async def endless() -> None:
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    async with raw_server(api.calls(("c", "endless", "{}"))) as server:
        agent = api.agent(server.url)
        async with anyio.create_task_group() as group:
            group.start_soon(partial(council.ask, "?", panel=[agent], tools=[endless]))
            await begun.wait()
            group.cancel_scope.cancel()
        assert ended.is_set()
        assert len(server.requests) == 1
        await agent.aclose()


async def test_the_deadline_ends_a_tool(api: Api) -> None:
    ended = anyio.Event()

    async def endless() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    async with raw_server(api.calls(("c", "endless", "{}"))) as server:
        result, _ = await ask(api.agent(server.url), endless, deadline=1.0)
    assert ended.is_set()
    (reply,) = result.experts
    assert reply.error is not None
    assert (reply.error.kind, result.status) == ("timeout", "failed")
    assert [(used.name, used.result) for used in reply.tools] == [("endless", None)]
    # The turn that had called the tool has been paid.
    assert reply.usage is not None
    assert reply.usage.total_tokens == 15


async def test_the_deadline_leaves_a_plain_function_to_itself(api: Api) -> None:
    release = threading.Event()

    def slow() -> None:
        release.wait(60)

    try:
        async with raw_server(api.calls(("c", "slow", "{}"))) as server:
            result, _ = await ask(api.agent(server.url), slow, deadline=1.0)
        assert not release.is_set()
    finally:
        release.set()
    assert result.experts[0].error is not None
    assert result.experts[0].error.kind == "timeout"


async def test_the_budget_holds_between_turns(api: Api) -> None:
    """The second request would hold the tool's long result, for which too little is left."""
    tool = council.Tool("give", "", {"type": "object"}, lambda given: "x" * 3000)
    async with raw_server(api.calls(("c", "give", "{}")), api.answers("never")) as server:
        seat = Expert("ada", api.agent(server.url), sampling=Sampling(max_tokens=20))
        result, events = await ask(seat, tool, max_total_tokens=2000)
    (reply,) = result.experts
    assert len(server.requests) == 1
    assert reply.error is not None
    assert (reply.error.kind, result.limits_hit) == ("limit", ("tokens",))
    assert reply.error.message.startswith("not asked: the run's limit of 2000 tokens has 1985 left")
    assert [event.type for event in events].count("tool.returned") == 1
    assert reply.usage is not None
    assert reply.usage.total_tokens == 15


async def test_a_turn_that_breaks_off_fails_the_reply_and_keeps_the_count(api: Api) -> None:
    async with raw_server(api.calls(ADD), api.breaks_off("It is ")) as server:
        result, _ = await ask(api.agent(server.url), add)
    (reply,) = result.experts
    assert (reply.status, reply.tools[0].result) == ("failed", "42")
    assert reply.usage is not None
    assert reply.usage.total_tokens > 15
    assert reply.usage.estimated


async def test_only_the_stages_that_answer_get_tools() -> None:
    api = OpenAI()

    def answer(request: Request) -> list[Step]:
        return api.answers(f"It is {request.json['model']}.")

    async with serving(answer) as server:
        agents = [OpenAIHTTPAgent(id, id, server.url) for id in ("41", "42", "43")]
        async with council.open_council(agents) as panel:
            for strategy in ("rank", "judge", "synthesize", {"name": "debate", "max_rounds": 1}):
                async with panel.stream("?", strategy=strategy, tools=[add]) as run:
                    async for _ in run:
                        pass
                stages = {reply.stage for reply in run.snapshot().others}
                asked = [bool(api.offered(request)) for request in server.requests]
                server.requests.clear()
                assert asked[:3] == [True] * 3, strategy
                assert len(asked) > 3, strategy
                in_rounds = strategy not in ("rank", "judge", "synthesize")
                assert all(offered is in_rounds for offered in asked[3:]), (strategy, stages)
        for agent in agents:
            await agent.aclose()


async def test_an_expert_can_do_without() -> None:
    api = OpenAI()
    async with raw_server(api.answers("42")) as server:
        panel = {
            "experts": [
                {"id": "with", "model": "with", "endpoint": server.url},
                {"id": "without", "model": "without", "endpoint": server.url, "tools": False},
            ]
        }
        await council.ask("?", panel=panel, tools=[add])
        offered = {request.json["model"]: api.offered(request) for request in server.requests}
        assert offered == {"with": ["add"], "without": []}
        panel["experts"] = panel["experts"][1:]
        with pytest.raises(ConfigError, match="nobody on this panel takes any"):
            await council.ask("?", panel=panel, tools=[add])
    with pytest.raises(ConfigError, match="bundled server"):
        await council.ask("?", panel={"experts": [{"model": "builtin:sage"}]}, tools=[add])


async def test_the_panel_file_limits_the_turns() -> None:
    api = OpenAI()
    async with raw_server(api.calls(ADD)) as server:
        panel = {
            "experts": [{"model": "m", "endpoint": server.url}],
            "limits": {"tool_turns": 1},
        }
        with pytest.raises(council.QuorumLost, match="after 1 turn with tools"):
            await council.ask("?", panel=panel, tools=[add])
        assert len(server.requests) == 2
        with pytest.raises(council.QuorumLost, match="after 3 turns with tools"):
            await council.ask("?", panel=panel, tools=[add], max_tool_turns=3)


async def test_tools_of_the_panel_files_own_are_not_replaced_in_silence() -> None:
    search = [{"type": "web_search"}]
    experts = [{"model": "m", "endpoint": "http://h", "extra_body": {"tools": search}}]
    with pytest.raises(ConfigError, match="`extra_body` has `tools` of its own"):
        await council.ask("?", panel={"experts": experts}, tools=[add])


async def test_a_second_request_runs_no_tool_twice() -> None:
    """Both requests come to call the tool: the one that begins first has won, the other is left."""
    api = OpenAI()
    ran: list[int] = []
    hedged = anyio.Event()

    async def meet() -> None:
        hedged.set()

    async def note(n: int) -> str:
        ran.append(n)
        await anyio.lowlevel.checkpoint()
        return "noted"

    calls = api.calls(("c", "note", '{"n": 1}'))
    replies = ([hedged, *calls], [meet, *calls], api.answers("done"))
    async with raw_server(*replies) as server:
        seat = Expert("ada", api.agent(server.url), hedge_after=0.05)
        result, _ = await ask(seat, note)
    assert (result.answer, ran) == ("done", [1])
    assert isinstance(result.experts[0].tools[0].result, str)


async def test_without_tools_nothing_stands_around_an_agent() -> None:
    async with raw_server(OpenAI().answers("42")) as server:
        _, events = await ask(OpenAI().agent(server.url))
    (finished,) = [event for event in events if isinstance(event, ExpertFinished)]
    assert finished.reply.tools == ()
    assert "tools" not in server.requests[0].json
