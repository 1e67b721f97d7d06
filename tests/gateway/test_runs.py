"""Runs without HTTP: the queue, holders, watchers, what stays in memory and for whom."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from council.agents.base import Agent
from council.agents.scripted import ScriptedAgent
from council.council import open_council
from council.errors import ConfigError, TransportError
from council.events import RunFinished
from council.gateway.errors import InvalidRequest, QueueFull, UnknownPanel, UnknownRun
from council.gateway.kept_run import KeptRun
from council.gateway.live_run import LiveRun
from council.gateway.panels import OpenPanel, Panels, PanelSpec, open_panel
from council.gateway.runs import RunLimits, Runs, open_runs
from council.store.store import Store
from serving.drain import Drain
from tests.gateway.seats import Moment, three, waiting, wordy

pytestmark = pytest.mark.anyio
PATIENCE = 60.0


@asynccontextmanager
async def running(
    seats: Sequence[Agent],
    limits: RunLimits | None = None,
    store: Store | None = None,
    drain: Drain | None = None,
) -> AsyncIterator[tuple[Runs, OpenPanel]]:
    async with (
        open_council(seats, store=store) as council,
        open_runs("here", limits, store=store, drain=drain) as runs,
    ):
        with anyio.fail_after(PATIENCE):
            yield runs, open_panel("panel", council)


async def events_of(run: LiveRun | KeptRun, after: int = 0) -> list[str]:
    return [numbered.line async for numbered in run.watch(after)]


async def test_two_watchers_see_the_same_each_at_its_own_pace() -> None:
    moment = Moment()
    async with running([waiting(moment)]) as (runs, panel):
        run = await runs.start(panel, "6 * 7?", owner="")
        slow = run.watch()
        assert (await anext(slow)).number == 1
        await moment.reached.wait()
        moment.go_on.set()
        quick = await events_of(run)
        rest = [numbered async for numbered in slow]
        assert [numbered.line for numbered in rest] == quick[1:]
        assert [numbered.number for numbered in rest] == list(range(2, len(quick) + 1))
        assert isinstance(rest[-1].event, RunFinished)
        assert await events_of(run, len(quick)) == []


async def test_a_long_run_comes_in_batches() -> None:
    async with running([wordy("ada", 1000)]) as (runs, panel):
        run = await runs.start(panel, "6 * 7?", owner="")
        await run.over.wait()
        batches = [batch async for batch in run.batches()]
        assert len(batches) > 3
        numbers = [numbered.number for batch in batches for numbered in batch]
        assert numbers == list(range(1, run.count + 1))


async def test_what_cannot_be_asked_is_refused_before_anybody_is() -> None:
    seats = three()
    async with running(seats) as (runs, panel):
        with pytest.raises(ConfigError, match="question is empty"):
            await runs.start(panel, " ", owner="")
        with pytest.raises(ConfigError, match=r"unknown strategy 'vot'.*did you mean 'vote'"):
            await runs.start(panel, "6 * 7?", {"strategy": "vot"}, owner="")
        with pytest.raises(ConfigError, match=r"limit of \$1"):
            await runs.start(panel, "6 * 7?", {"max_cost": 1.0}, owner="")
        with pytest.raises(ConfigError, match="deadline"):
            await runs.start(panel, "6 * 7?", {"deadline": -1.0}, owner="")
        assert (runs.active, runs.waiting) == (0, 0)
    assert not any(seat.requests for seat in seats)


async def test_runs_wait_for_their_turn_and_the_queue_has_an_end() -> None:
    moment, refused = Moment(), list[LiveRun | None]()
    async with running([waiting(moment)], RunLimits(running=1, waiting=1)) as (runs, panel):
        runs.watchers.append(refused.append)
        first = await runs.start(panel, "first?", owner="")
        await moment.reached.wait()
        second = await runs.start(panel, "second?", owner="")
        assert (runs.active, runs.waiting) == (1, 1)
        with pytest.raises(QueueFull, match="1 runs are under way and 1 wait") as full:
            await runs.start(panel, "third?", owner="")
        assert 1 <= int(full.value.headers["Retry-After"]) <= 60
        assert refused == [None]
        moment.go_on.set()
        await second.over.wait()
        assert first.result is not None
        assert second.result is not None
        assert second.result.answer == "It is 42."
        assert (runs.active, runs.waiting) == (0, 0)


async def test_a_run_is_cancelled_while_it_waits_for_its_turn() -> None:
    moment = Moment()
    drain = Drain()
    async with running([waiting(moment)], RunLimits(running=1), drain=drain) as (runs, panel):
        await runs.start(panel, "first?", owner="")
        await moment.reached.wait()
        second = await runs.start(panel, "second?", owner="")
        assert drain.told() == "2 runs"
        second.cancel()
        await second.over.wait()
        result = second.result
        assert result is not None
        assert (result.question, result.strategy, result.status) == ("second?", "vote", "failed")
        assert second.status == "interrupted"
        assert (runs.active, runs.waiting, drain.active) == (1, 0, 1)
        moment.go_on.set()


async def test_a_run_ends_when_its_last_holder_leaves() -> None:
    moment = Moment()
    seat = waiting(moment)
    async with running([seat]) as (runs, panel):
        run = await runs.start(panel, "6 * 7?", owner="")
        first, second = run.hold(), run.hold()
        await moment.reached.wait()
        first.leave()
        first.leave()
        assert not run.scope.cancel_called
        with second:
            pass
        await run.over.wait()
        assert run.status == "interrupted"
        assert seat.open == 0


async def test_leaving_a_run_that_is_over_changes_nothing() -> None:
    async with running(three()) as (runs, panel):
        run = await runs.start(panel, "6 * 7?", owner="")
        with run.hold():
            await run.over.wait()
        assert run.status == "complete"


async def test_a_failure_is_the_runs_own(tmp_path: Path) -> None:
    seats = [ScriptedAgent("ada", TransportError("no connection")), *three()[1:]]
    async with running(seats) as (runs, panel):
        run = await runs.start(panel, "6 * 7?", owner="")
        await run.over.wait()
        assert run.status == "degraded"
    seats = [ScriptedAgent("ada", TransportError("no connection"))]
    async with running(seats) as (runs, panel):
        run = await runs.start(panel, "6 * 7?", owner="")
        await run.over.wait()
        assert run.result is not None
        assert run.result.error is not None
        assert run.result.error.kind == "quorum"


async def test_old_runs_leave_memory_and_come_from_the_record(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.sqlite3") as store:
        async with running(three(), RunLimits(kept=1), store) as (runs, panel):
            first = await runs.start(panel, "first?", owner="")
            await first.over.wait()
            lines = await events_of(first)
            await (await runs.start(panel, "second?", owner="")).over.wait()
            found = await runs.get(first.id, "")
            assert isinstance(found, KeptRun)
            assert await events_of(found) == lines
            assert await events_of(found, 3) == lines[3:]
            assert found.result is not None
            assert found.result.answer == "It is 42."


async def test_bytes_are_limited_too_and_without_a_record_old_runs_are_gone() -> None:
    limits = RunLimits(kept_bytes=1000)
    async with running([wordy("ada", 300)], limits) as (runs, panel):
        ids = []
        for _ in range(5):
            run = await runs.start(panel, "6 * 7?", owner="")
            await run.over.wait()
            ids.append(run.id)
        assert [run.id for run in runs.in_memory("")] == [ids[-1]]
        with pytest.raises(UnknownRun):
            await runs.get(ids[0], "")


async def test_a_run_belongs_to_whom_it_was_started_for(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.sqlite3") as store:
        async with running(three(), RunLimits(kept=0), store) as (runs, panel):
            run = await runs.start(panel, "6 * 7?", owner="ann")
            with pytest.raises(UnknownRun):
                await runs.get(run.id, "ben")
            await run.over.wait()
            assert isinstance(await runs.get(run.id, "ann"), KeptRun)
            assert isinstance(await runs.get(run.id, ""), KeptRun)
            for id in (run.id[:8], "last", "", "\ud800", "%"):
                with pytest.raises(UnknownRun):
                    await runs.get(id, "ann")
            with pytest.raises(UnknownRun):
                await runs.get(run.id, "ben")
            with pytest.raises(UnknownRun):
                await runs.delete(run.id, "ben")
            with pytest.raises(UnknownRun):
                await runs.start(panel, "and 7 * 7?", owner="ben", after=run.id)
        assert store.run(run.id).owner == "ann"


@pytest.mark.parametrize("kept", [True, False])
async def test_a_question_goes_on_with_a_conversation(kept: bool, tmp_path: Path) -> None:
    seats = three()
    store = Store(tmp_path / "runs.sqlite3") if kept else None
    async with running(seats, store=store) as (runs, panel):
        first = await runs.start(panel, "6 * 7?", owner="")
        await first.over.wait()
        second = await runs.start(panel, "And 7 * 7?", owner="", after=first.id)
        await second.over.wait()
        asked = [message.text for message in seats[0].requests[-1].messages]
        assert asked == ["6 * 7?", "It is 42.", "And 7 * 7?"]
        talk = [{"role": "user", "content": text} for text in ("a", "b")]
        with pytest.raises(InvalidRequest, match="one question"):
            await runs.start(panel, talk, owner="", after=first.id)
        if store is not None:
            place = store.run(second.id).place
            assert place is not None
            assert (place.conversation, place.turn) == (first.id, 2)
            store.close()


async def test_a_run_without_an_answer_is_nothing_to_go_on_with() -> None:
    moment = Moment()
    async with running([waiting(moment)]) as (runs, panel):
        first = await runs.start(panel, "6 * 7?", owner="")
        await moment.reached.wait()
        with pytest.raises(InvalidRequest, match="is running and has no answer"):
            await runs.start(panel, "And 7 * 7?", owner="", after=first.id)


async def test_runs_still_going_at_the_end_keep_what_they_have(tmp_path: Path) -> None:
    moment = Moment()
    with Store(tmp_path / "runs.sqlite3") as store:
        async with running([waiting(moment)], store=store) as (runs, panel):
            run = await runs.start(panel, "6 * 7?", owner="")
            await moment.reached.wait()
        assert run.status == "interrupted"
        assert run.result is not None
        assert run.result.experts[0].text == "It"
        assert store.run(run.id).status == "interrupted"


async def test_a_panel_may_be_asked_with_another_strategy() -> None:
    async with running(three()) as (runs, panel):
        panels = Panels([panel, replace(panel, name="other")])
        assert panels.names == ("panel", "other")
        run = await runs.start(panels.find("panel:concat"), "6 * 7?", owner="")
        await run.over.wait()
        assert run.result is not None
        assert (run.panel, run.strategy, run.result.strategy) == ("panel", "concat", "concat")
        with pytest.raises(UnknownPanel, match="did you mean 'panel'"):
            panels.find("panl")
        with pytest.raises(UnknownPanel, match="did you mean 'concat'"):
            panels.find("panel:concatt")
        with pytest.raises(ConfigError, match="two panels are called 'panel'"):
            Panels([panel, panel])


async def test_names_of_panels() -> None:
    assert PanelSpec.parse("configs/panel.yaml").name == "panel"
    spec = PanelSpec.parse("careful=configs/debate.yaml")
    assert (spec.name, spec.path) == ("careful", Path("configs/debate.yaml"))
    for wrong in ("a:b=configs/panel.yaml", "=configs/panel.yaml", "a b=configs/panel.yaml"):
        with pytest.raises(ConfigError, match="cannot be a panel's name"):
            PanelSpec.parse(wrong)
