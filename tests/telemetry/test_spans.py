"""A run's trace: names, parents, times, and what is on the spans."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

import council
from council.agents.fallback import FallbackAgent
from council.agents.scripted import ScriptedAgent
from council.errors import TransportError
from council.expert import Expert
from council.messages import ChatToken, Notice, Sampling, ToolCallDelta
from council.rerun import resumed
from council.store.store import Store
from council.telemetry import listening, names
from council.telemetry.content import VARIABLE
from tests.support.telemetry import Collected, attributes, collecting, is_child

pytestmark = pytest.mark.anyio

REFUSED = "HTTP 429 from http://host.test: we do not like 'how many?'"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collected]:
    monkeypatch.delenv(VARIABLE, raising=False)
    with collecting() as collected:
        yield collected


def panel() -> list[Expert]:
    """Two who answer, one of them twice, and one who is refused."""
    return [
        Expert("ada", ScriptedAgent("ada", "It is 42.", model="m-1"), samples=2),
        Expert("bob", ScriptedAgent("bob", "It is 42."), sampling=Sampling(temperature=0.5)),
        Expert("cyd", ScriptedAgent("cyd", TransportError(REFUSED, status=429), model="m-3")),
    ]


def of(spans: list[ReadableSpan], expert: str, sample: int = 0) -> ReadableSpan:
    (found,) = [
        span
        for span in spans
        if attributes(span)[names.EXPERT] == expert and attributes(span)[names.SAMPLE] == sample
    ]
    return found


async def test_a_run_is_one_trace(collected: Collected) -> None:
    result = await council.ask("How many?", panel=panel(), seed=7)
    run = collected.run()
    calls = collected.children(run)
    assert run.name == "invoke_agent council"
    assert run.kind is SpanKind.INTERNAL
    assert run.parent is None
    assert sorted(call.name for call in calls) == ["chat m-1"] * 2 + ["chat m-3", "chat scripted"]
    assert {call.kind for call in calls} == {SpanKind.CLIENT}
    assert len(collected.spans()) == 5
    known = attributes(run)
    assert known[names.OPERATION] == "invoke_agent"
    assert known[names.RUN] == result.run_id
    assert (known[names.STRATEGY], known[names.SEED], known[names.EXPERTS]) == ("vote", 7, 3)
    assert known[names.STATUS] == "degraded"
    assert known[names.AGREEMENT] == 1.0
    assert known[names.INPUT_TOKENS] == result.usage.prompt_tokens
    assert known[names.OUTPUT_TOKENS] == result.usage.completion_tokens
    assert run.status.status_code is StatusCode.UNSET


async def test_a_call_says_what_was_asked_for_and_what_came(collected: Collected) -> None:
    await council.ask("How many?", panel=panel())
    calls = collected.children(collected.run())
    known = attributes(of(calls, "ada", 1))
    assert known[names.OPERATION] == "chat"
    assert known[names.PROVIDER] == "other"
    assert known[names.REQUEST_MODEL] == "m-1"
    assert known[names.REQUEST_STREAM] is True
    assert known[names.STAGE] == "answer"
    assert known[names.STATUS] == "complete"
    assert known[names.FINISH_REASONS] == ("stop",)
    assert (known[names.INPUT_TOKENS], known[names.OUTPUT_TOKENS]) == (2, 3)
    assert known[names.FIRST_CHUNK] >= 0
    assert attributes(of(calls, "bob"))[names.REQUEST_TEMPERATURE] == 0.5


async def test_a_failure_is_told_without_the_servers_words(collected: Collected) -> None:
    await council.ask("How many?", panel=panel())
    failed = of(collected.children(collected.run()), "cyd")
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.status.description == "HTTP 429 from http://host.test"
    assert attributes(failed)[names.ERROR] == "429"
    assert attributes(failed)[names.FINISH_REASONS] == ("error",)


async def test_a_failed_run_is_an_error(collected: Collected) -> None:
    with pytest.raises(council.QuorumLost):
        await council.ask("How many?", panel=[ScriptedAgent("a", TransportError(REFUSED))])
    run = collected.run()
    assert run.status.status_code is StatusCode.ERROR
    assert run.status.description == "quorum lost: 0 of 1 needed experts answered"
    assert attributes(run)[names.ERROR] == "quorum"
    assert attributes(run)[names.STATUS] == "failed"


async def test_the_run_is_a_child_of_the_callers_span(collected: Collected) -> None:
    tracer = collected.tracers.get_tracer("test")
    with tracer.start_as_current_span("caller") as caller:
        await council.ask("How many?", panel=panel())
        assert trace.get_current_span() is caller
    (outer,) = collected.spans("caller")
    assert is_child(collected.run(), outer)


async def test_runs_at_the_same_time_keep_to_themselves(collected: Collected) -> None:
    tracer = collected.tracers.get_tracer("test")
    both = anyio.Event()
    waiting = 0

    async def together() -> None:
        nonlocal waiting
        waiting += 1
        if waiting == 2:
            both.set()
        await both.wait()

    agents = [ScriptedAgent(id, [together, "It is 42."], model=f"m-{id}") for id in "ab"]

    async def ask(agent: ScriptedAgent) -> None:
        with tracer.start_as_current_span(f"caller {agent.id}"):
            await council.ask("How many?", panel=[agent])

    async with anyio.create_task_group() as group:
        for agent in agents:
            group.start_soon(ask, agent)
    for id in "ab":
        (caller,) = collected.spans(f"caller {id}")
        (run,) = collected.children(caller)
        assert [call.name for call in collected.children(run)] == [f"chat m-{id}"]


async def test_what_an_agent_traces_itself_is_below_its_call(collected: Collected) -> None:
    tracer = collected.tracers.get_tracer("test")

    async def traced() -> None:
        tracer.start_span("POST").end()

    agents = [ScriptedAgent(id, [traced, "It is 42."]) for id in "abc"]
    await council.ask("How many?", panel=agents, strategy="synthesize")
    below = [collected.children(call) for call in collected.spans("chat")]
    # The first expert writes the answer too, in the strategy's own task.
    assert [[span.name for span in spans] for spans in below] == [["POST"]] * 4
    assert attributes(collected.spans("chat")[-1])[names.STAGE] == "synthesis"


async def test_spans_begin_and_end_with_the_events(collected: Collected) -> None:
    async with (
        council.open_council(panel()) as opened,
        opened.stream("How many?") as running,
    ):
        events = [event async for event in running]
    run = collected.run()
    assert run.start_time is not None
    assert run.end_time is not None
    assert (run.end_time - run.start_time) / 1e9 == pytest.approx(events[-1].at - events[0].at)
    for call in collected.children(run):
        assert call.start_time is not None
        assert call.end_time is not None
        assert run.start_time <= call.start_time <= call.end_time <= run.end_time


async def test_leaving_a_run_ends_its_spans(collected: Collected) -> None:
    begun = anyio.Event()

    async def begin() -> None:
        begun.set()

    agent = ScriptedAgent("a", ["It ", begin, anyio.sleep_forever])
    async with council.open_council([agent]) as opened, opened.stream("How many?"):
        await begun.wait()
    run = collected.run()
    (call,) = collected.children(run)
    assert attributes(run)[names.STATUS] == "cancelled"
    assert attributes(call)[names.STATUS] == "cancelled"
    assert run.status.status_code is StatusCode.UNSET


async def test_a_cancelled_expert_is_no_error(collected: Collected) -> None:
    agents = [ScriptedAgent("a", "It is 42."), ScriptedAgent("b", ["It ", anyio.sleep_forever])]
    await council.ask("How many?", panel=agents, strategy="first")
    cancelled = of(collected.children(collected.run()), "b")
    assert attributes(cancelled)[names.STATUS] == "cancelled"
    assert cancelled.status.status_code is StatusCode.UNSET


def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


def calling(name: str, arguments: str) -> list[ChatToken]:
    """A reply that asks for a tool."""
    return [ChatToken(tool_calls=(ToolCallDelta(0, "call-1", name, arguments),))]


async def test_tools_are_below_the_call_that_asked_for_them(collected: Collected) -> None:
    agent = ScriptedAgent("a", calling("add", '{"a": 1, "b": 2}'), calling("no", "{}"), "It is 3.")
    await council.ask("How many?", panel=[agent], tools=[add])
    (call,) = collected.children(collected.run())
    good, bad = collected.children(call)
    assert (good.name, bad.name) == ("execute_tool add", "execute_tool no")
    assert good.kind is SpanKind.INTERNAL
    known = attributes(good)
    assert (known[names.OPERATION], known[names.TOOL_NAME]) == ("execute_tool", "add")
    assert (known[names.TOOL_TYPE], known[names.TOOL_CALL]) == ("function", "call-1")
    assert good.status.status_code is StatusCode.UNSET
    assert bad.status.status_code is StatusCode.ERROR
    assert attributes(bad)[names.ERROR] == "tool"


async def test_a_tool_that_is_cut_off_ends_with_its_run(collected: Collected) -> None:
    begun = anyio.Event()

    async def wait() -> str:
        """Waits."""
        begun.set()
        await anyio.sleep_forever()
        return ""

    agent = ScriptedAgent("a", calling("wait", "{}"))
    async with (
        council.open_council([agent]) as opened,
        opened.stream("How many?", tools=[wait]),
    ):
        await begun.wait()
    (call,) = collected.children(collected.run())
    (tool,) = collected.children(call)
    assert attributes(tool)[names.STATUS] == "cancelled"


async def test_notices_and_stand_ins_are_events(collected: Collected) -> None:
    broken = ScriptedAgent("x", TransportError("down"))
    ada = FallbackAgent("ada", [broken, ScriptedAgent("y", "It is 42.")])
    await council.ask("How many?", panel=[ada, ScriptedAgent("b", "It is 42.")])
    call = of(collected.children(collected.run()), "ada")
    (event,) = call.events
    assert event.name == names.EVENT_NOTICE
    assert dict(event.attributes or {}) == {names.NOTICE: "fallback"}


async def test_a_debates_rounds_are_events(collected: Collected) -> None:
    agents = [ScriptedAgent("a", "It is 42."), ScriptedAgent("b", "It is 41.", "It is 42.")]
    await council.ask("How many is it?", panel=agents, strategy="debate")
    found = {event.name: dict(event.attributes or {}) for event in collected.run().events}
    assert found[names.EVENT_ROUND] == {names.ROUND: 1, names.FLIPS: 1}
    assert found[names.EVENT_CONVERGENCE] == {names.ROUND: 1}


async def test_a_conversation_is_named(collected: Collected) -> None:
    async with council.open_council([ScriptedAgent("a", "It is 42.")]) as opened:
        talk = opened.conversation()
        await talk.ask("How many?")
        await talk.ask("And now?")
    first, second = collected.spans("invoke_agent")
    assert attributes(first)[names.CONVERSATION] == attributes(second)[names.CONVERSATION]
    assert [attributes(span)[names.TURN] for span in (first, second)] == [1, 2]


async def test_a_reply_from_the_record_says_so(collected: Collected, tmp_path: Path) -> None:
    agents = [
        ScriptedAgent("a", "It is 42."),
        ScriptedAgent("b", TransportError("down"), "It is 42."),
        ScriptedAgent("c", "It is 42."),
    ]
    with Store(tmp_path / "runs.sqlite3") as store:
        first = await council.ask("How many?", panel=agents, store=store)
        async with resumed(store, first.run_id, panel=agents) as again:
            async for _ in again:
                pass
    later = collected.children(collected.spans("invoke_agent")[-1])
    assert attributes(of(later, "a"))[names.RECORDED] is True
    assert names.RECORDED not in attributes(of(later, "b"))


async def test_neither_prompts_nor_answers_are_told(collected: Collected) -> None:
    agent = ScriptedAgent("a", calling("add", '{"a": 1, "b": 2}'), "Forty-two.")
    await council.ask("How many secrets?", panel=[agent, *panel()], tools=[add])
    told = " ".join(span.to_json() for span in collected.spans())
    for text in ("secrets", "Forty", "It is 42", "we do not like", '"a": 1', '\\"a\\": 1'):
        assert text not in told


async def test_they_are_told_where_the_environment_asks(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "true")
    agent = ScriptedAgent(
        "a", calling("add", '{"a": 1, "b": 2}'), [ChatToken(reasoning="Hm."), "Three."]
    )
    await council.ask("How many?", panel=[agent], tools=[add])
    run = collected.run()
    (call,) = collected.children(run)
    (tool,) = collected.children(call)
    asked = [{"role": "user", "parts": [{"type": "text", "content": "How many?"}]}]
    assert json.loads(attributes(run)[names.INPUT_MESSAGES]) == asked
    (answer,) = json.loads(attributes(run)[names.OUTPUT_MESSAGES])
    assert answer["parts"] == [{"type": "text", "content": "Three."}]
    assert json.loads(attributes(call)[names.INPUT_MESSAGES]) == asked
    (reply,) = json.loads(attributes(call)[names.OUTPUT_MESSAGES])
    assert [part["type"] for part in reply["parts"]] == ["reasoning", "text"]
    assert attributes(tool)[names.TOOL_ARGUMENTS] == '{"a": 1, "b": 2}'
    assert attributes(tool)[names.TOOL_RESULT] == "3"


async def test_whatever_fails_there_costs_no_answer(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no spans today")

    monkeypatch.setattr("opentelemetry.sdk.trace.Tracer.start_span", fail)
    assert (await council.ask("How many?", panel=panel())).answer == "It is 42."
    assert collected.spans() == []
    assert collected.points(names.RUN_DURATION)


async def test_nobody_listens_without_an_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []

    def noted(*arguments: object) -> None:
        found.append(real(*arguments))  # type: ignore[arg-type]
        return None

    real = listening.listening
    monkeypatch.setattr("council.council.listening", noted)
    await council.ask("How many?", panel=[ScriptedAgent("a", "It is 42.")])
    assert found == [None]
    with listening.heard_by(None, None) as watch:
        assert watch is None


async def test_loading_notices_come_through(collected: Collected) -> None:
    agent = ScriptedAgent("a", [ChatToken(notice=Notice("loading", "a model")), "It is 42."])
    await council.ask("How many?", panel=[agent])
    (call,) = collected.children(collected.run())
    assert [dict(event.attributes or {}) for event in call.events] == [{names.NOTICE: "loading"}]
