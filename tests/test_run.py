"""Runs: the order of events, limits, cancellation, and what is left behind."""

from __future__ import annotations

import json
from collections.abc import Sequence

import anyio
import pytest

import council
from council.agents.scripted import Script, ScriptedAgent
from council.errors import (
    ConfigError,
    LimitExceeded,
    QuorumLost,
    StrategyError,
    TransportError,
)
from council.events import Event, ExpertToken, RunFinished, from_json, to_json
from council.expert import Expert
from council.messages import ChatMessage, ChatToken, Notice, Sampling
from council.panel import Panel
from council.replies import Reply
from council.strategies import Decision, Vote
from council.tasks import close_all
from council.testing import (
    STREAM_HEAD,
    Step,
    chunked,
    delta,
    raw_server,
    until_closed,
    whole_reply,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def events_of(*panel: ScriptedAgent | Expert, question: str = "?") -> list[Event]:
    async with council.open_council(list(panel)) as opened, opened.stream(question) as run:
        return [event async for event in run]


async def test_the_order_of_events() -> None:
    events = await events_of(
        ScriptedAgent("a", "yes"),
        ScriptedAgent("b", TransportError("x")),
        ScriptedAgent("c", "yes"),
    )
    types = [event.type for event in events]
    assert types[0] == "run.started"
    assert types[-3:] == ["strategy.tallied", "answer.token", "run.finished"]
    for id, last in (("a", "expert.finished"), ("b", "expert.failed"), ("c", "expert.finished")):
        own = [e.type for e in events if getattr(e, "expert", None) == id]
        assert own[0] == "expert.started"
        assert own[-1] == last
        assert own.count("expert.started") == 1
    times = [event.at for event in events]
    assert times == sorted(times)


async def test_tokens_of_experts_interleave() -> None:
    # Each waits for the other's first token, so neither can be streamed to its end alone.
    left, right = anyio.Event(), anyio.Event()

    async def signal(mine: anyio.Event, other: anyio.Event) -> None:
        mine.set()
        await other.wait()

    a = ScriptedAgent("a", ["one ", lambda: signal(left, right), "two"])
    b = ScriptedAgent("b", ["one ", lambda: signal(right, left), "two"])
    with anyio.fail_after(10):
        events = await events_of(a, b)
    order = [e.expert for e in events if isinstance(e, ExpertToken) and e.text.strip()]
    assert sorted(order[:2]) == ["a", "b"]
    assert sorted(order[2:]) == ["a", "b"]


async def test_events_survive_json() -> None:
    notice = ChatToken(notice=Notice("loading", "50%"))
    for event in await events_of(ScriptedAgent("a", [notice, "yes"]), ScriptedAgent("b", "no")):
        line = to_json(event)
        assert "\n" not in line
        assert json.loads(line)["type"] == event.type
        assert from_json(line) == event


async def test_the_result_is_the_last_event() -> None:
    async with (
        council.open_council([ScriptedAgent("a", "yes")]) as opened,
        opened.stream("?") as run,
    ):
        with pytest.raises(RuntimeError, match="not finished"):
            _ = run.result
        events = [event async for event in run]
    assert isinstance(events[-1], RunFinished)
    assert events[-1].result is run.result
    assert json.loads(run.result.to_json()) == run.result.to_dict()
    assert run.result.to_dict().keys() >= {
        "run_id", "question", "answer", "status", "strategy", "experts", "votes", "agreement",
        "dissent", "usage", "warnings",
    }  # fmt: skip


async def test_a_failed_run_ends_its_stream_and_raises_from_ask() -> None:
    panel = [ScriptedAgent(id, TransportError("down")) for id in "ab"]
    async with council.open_council(panel) as opened:
        async with opened.stream("?") as run:
            events = [event async for event in run]
        assert isinstance(events[-1], RunFinished)
        assert run.result.status == "failed"
        assert run.result.answer is None
        assert run.result.error is not None
        assert run.result.error.kind == "quorum"
        with pytest.raises(QuorumLost, match=r"0 of 2 .*a: down; b: down"):
            await opened.ask("?")


async def test_an_agents_defect_is_its_own_failure() -> None:
    def broken(request: object) -> str:
        raise ZeroDivisionError("oops")

    panel = [ScriptedAgent("a", broken), ScriptedAgent("b", "yes"), ScriptedAgent("c", "yes")]
    result = await council.ask("?", panel=panel)
    assert (result.answer, result.status) == ("yes", "degraded")
    assert result.reasons == ("a: ZeroDivisionError: oops",)


async def test_the_deadline_cuts_off_the_late_and_keeps_the_rest() -> None:
    never = anyio.Event()
    panel = [
        ScriptedAgent("a", "yes"),
        ScriptedAgent("b", "yes"),
        ScriptedAgent("c", ["ye", never.wait]),
    ]
    result = await council.ask("?", panel=panel, deadline=3.0)
    assert (result.answer, result.status) == ("yes", "degraded")
    late = result.experts[2]
    assert late.error is not None
    assert (late.text, late.error.kind) == ("ye", "timeout")
    assert "deadline" in late.error.message


async def test_a_deadline_that_leaves_no_quorum() -> None:
    never = anyio.Event()
    panel = [ScriptedAgent(id, [never.wait]) for id in "ab"]
    with pytest.raises(LimitExceeded, match=r"deadline of 0\.1 s .* 0 of 2"):
        await council.ask("?", panel=panel, deadline=0.1)


async def test_the_deadline_holds_for_those_who_wait_their_turn() -> None:
    async with raw_server([STREAM_HEAD, until_closed]) as server:
        config = {
            "experts": [{"model": "m", "endpoint": server.url}] * 3,
            "limits": {"concurrency": 1, "deadline": 0.2},
        }
        with anyio.fail_after(5), pytest.raises(LimitExceeded):
            await council.ask("?", panel=config)
        assert len(server.requests) == 1


async def test_concurrency_is_bounded() -> None:
    under_way, most = 0, 0

    async def work() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await anyio.lowlevel.checkpoint()
        under_way -= 1

    panel = [ScriptedAgent(str(i), [work, "yes"]) for i in range(20)]
    await council.ask("?", panel=panel)
    assert 1 < most <= 8


async def test_leaving_the_stream_cancels_the_run_and_closes_sockets() -> None:
    reply: list[Step] = [STREAM_HEAD, chunked(delta("a")), until_closed]
    async with raw_server(reply) as server:
        config = {"experts": [{"model": "m", "endpoint": server.url}] * 3}
        async with council.open_council(config) as opened:
            async with opened.stream("?") as run:
                seen = 0
                async for event in run:
                    seen += event.type == "expert.token"
                    if seen == 3:
                        break
            partial = run.snapshot()
            with anyio.fail_after(5):
                for closed in server.closed:
                    await closed.wait()
    assert [(reply.text, reply.status) for reply in partial.experts] == [("a", "cancelled")] * 3
    assert partial.error is not None
    assert partial.error.kind == "interrupted"


async def test_an_exception_in_the_callers_block_comes_out_as_itself() -> None:
    never = anyio.Event()
    async with council.open_council([ScriptedAgent("a", [never.wait])]) as opened:
        with pytest.raises(KeyError, match="mine"):
            async with opened.stream("?"):
                raise KeyError("mine")


async def test_a_reader_that_pauses_loses_no_event_and_holds_up_nobody() -> None:
    words = " ".join(str(i) for i in range(5000))
    async with council.open_council([ScriptedAgent("a", words)]) as opened:
        opened._limiter.total_tokens = 1
        async with opened.stream("?") as paused:
            # Nobody reads the first run's events while the second one is asked.
            with anyio.fail_after(20):
                assert (await opened.ask("?")).answer == words
            events = [event async for event in paused]
    assert "".join(e.text for e in events if isinstance(e, ExpertToken)) == words
    assert [event.type for event in events].count("expert.finished") == 1


async def test_a_strategys_defect_ends_its_run() -> None:
    class Broken(council.Strategy):
        name = "broken"

        async def decide(self, panel: object) -> Decision:
            raise ZeroDivisionError("oops")

    with pytest.raises(StrategyError, match="broken: ZeroDivisionError: oops") as caught:
        await council.ask("?", panel=[ScriptedAgent("a", "x")], strategy=Broken())
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


async def test_a_reply_that_is_whole_when_the_deadline_passes_is_not_lost() -> None:
    never = anyio.Event()
    done: Script = ["yes", ChatToken(finish_reason="stop"), never.wait]
    result = await council.ask("?", panel=[ScriptedAgent("a", done)], deadline=2.0)
    assert (result.answer, result.status) == ("yes", "complete")


async def test_closing_goes_on_past_an_error() -> None:
    closed = []

    async def fail() -> None:
        closed.append("first")
        raise OSError("stuck")

    async def close() -> None:
        closed.append("second")

    with pytest.raises(OSError, match="stuck"):
        await close_all([fail, close])
    assert closed == ["first", "second"]


async def test_an_argument_that_was_not_utf_8_can_be_asked() -> None:
    agent = ScriptedAgent("a", "yes")
    result = await council.ask("caf\udce9?", panel=[agent])
    assert "caf??" in result.to_json()


@pytest.mark.parametrize(("weight", "samples"), [(0.0, 1), (-1.0, 1), (float("inf"), 1), (1.0, 0)])
def test_experts_made_by_hand_are_checked(weight: float, samples: int) -> None:
    with pytest.raises(ConfigError, match="expert 'a'"):
        Expert("a", ScriptedAgent("a", "x"), weight=weight, samples=samples)


async def test_a_panel_can_be_asked_many_questions_at_once() -> None:
    agent = ScriptedAgent("a", lambda request: request.messages[-1].text)
    answers: dict[int, str | None] = {}
    async with council.open_council([agent]) as opened:

        async def one(i: int) -> None:
            answers[i] = (await opened.ask(f"q{i}")).answer

        async with anyio.create_task_group() as group:
            for i in range(10):
                group.start_soon(one, i)
    assert answers == {i: f"q{i}" for i in range(10)}


async def test_personas_come_after_the_question() -> None:
    agent = ScriptedAgent("a", "yes")
    plain = ScriptedAgent("b", "yes")
    panel = [Expert("a", agent, persona="You doubt."), Expert("b", plain)]
    await council.ask("The question?", panel=panel)
    (with_persona,), (without,) = agent.requests[0].messages, plain.requests[0].messages
    assert with_persona.content == "The question?\n\nYour part on this panel: You doubt."
    assert without.content == "The question?"


async def test_samples_ask_again_with_another_seed() -> None:
    agent = ScriptedAgent("a", "1", "1", "2")
    expert = Expert("a", agent, samples=3, sampling=Sampling(seed=5, temperature=1.0))
    result = await council.ask("How many?", panel=[expert])
    assert sorted(request.sampling.seed or 0 for request in agent.requests) == [5, 6, 7]
    assert [(reply.label, reply.sample) for reply in result.experts] == [
        ("a", 0),
        ("a#2", 1),
        ("a#3", 2),
    ]
    assert result.answer == "1"
    assert len({request.request_id for request in agent.requests}) == 3


async def test_a_conversation_goes_along() -> None:
    agent = ScriptedAgent("a", "yes")
    history = [
        ChatMessage("user", "hi"),
        ChatMessage("assistant", "hello"),
        ChatMessage("user", "so?"),
    ]
    result = await council.ask(history, panel=[agent])
    assert agent.requests[0].messages == tuple(history)
    assert result.question == "so?"


@pytest.mark.parametrize("question", ["", "  ", [], [ChatMessage("assistant", "x")]])
async def test_nothing_to_answer(question: str) -> None:
    with pytest.raises(ConfigError, match="question is empty"):
        await council.ask(question, panel=[ScriptedAgent("a", "x")])


async def test_panels_made_by_hand_are_checked() -> None:
    with pytest.raises(ConfigError, match="at least one expert"):
        await council.ask("?", panel=[])
    with pytest.raises(ConfigError, match="two experts are called 'a'"):
        await council.ask("?", panel=[ScriptedAgent("a", "x"), ScriptedAgent("a", "y")])
    with pytest.raises(ConfigError, match=r"unknown strategy 'vot': did you mean 'vote'\?"):
        await council.ask("?", panel=[ScriptedAgent("a", "x")], strategy="vot")
    with pytest.raises(ConfigError, match="deadline"):
        await council.ask("?", panel=[ScriptedAgent("a", "x")], deadline=-1)


async def test_agents_made_by_hand_stay_the_callers() -> None:
    agent = ScriptedAgent("a", "x")
    await council.ask("?", panel=[agent], strategy=Vote())
    assert not agent.closed


async def test_one_client_serves_all_experts_and_is_closed_with_the_panel() -> None:
    async with raw_server(whole_reply("yes")) as server:
        config = {"experts": [{"model": "m", "endpoint": server.url}] * 2}
        async with council.open_council(config) as opened:
            for _ in range(3):
                assert (await opened.ask("?")).answer == "yes"
            assert server.connections == 2
        with anyio.fail_after(5):
            for closed in server.closed:
                await closed.wait()


class Doubtful(Vote):
    """Raises where it is asked whether there is enough."""

    async def decide(self, panel: Panel) -> Decision:
        def enough(replies: Sequence[Reply]) -> bool:
            raise StrategyError("no such thing")

        await panel.ask_all(enough=enough)
        raise AssertionError


async def test_an_error_while_replies_come_in_keeps_its_name() -> None:
    with pytest.raises(StrategyError, match=r"^no such thing$"):
        await council.ask("?", panel=[ScriptedAgent("a", "yes")], strategy=Doubtful())


@pytest.mark.parametrize("id", ["embedder", "synthesizer", "synthesizer-2"])
async def test_names_of_other_parts_are_taken(id: str) -> None:
    with pytest.raises(ConfigError, match=f"'{id}'"):
        await council.ask("?", panel=[ScriptedAgent(id, "yes")])
    with pytest.raises(ConfigError, match=rf"experts\[0\]\.id: '{id}' is what council calls"):
        await council.ask(
            "?", panel={"experts": [{"id": id, "model": "m", "endpoint": "http://h"}]}
        )
