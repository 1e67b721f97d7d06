"""What a run adds to OpenTelemetry's metrics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from opentelemetry.sdk.metrics.export import HistogramDataPoint, NumberDataPoint

import council
from council.agents.scripted import ScriptedAgent
from council.errors import AgentTimeout
from council.rerun import resumed
from council.store.store import Store
from council.telemetry import names
from tests.support.telemetry import Collected, attributes, collecting

pytestmark = pytest.mark.anyio


@pytest.fixture
def collected() -> Iterator[Collected]:
    with collecting() as collected:
        yield collected


def histograms(collected: Collected, name: str) -> list[HistogramDataPoint]:
    return [point for point in collected.points(name) if isinstance(point, HistogramDataPoint)]


async def test_calls_are_measured(collected: Collected) -> None:
    agents = [
        ScriptedAgent("a", "It is 42.", model="m"),
        ScriptedAgent("b", "Forty-two", model="m"),
        ScriptedAgent("c", AgentTimeout("idle", 20.0), model="n"),
    ]
    await council.ask("How many?", panel=agents)
    durations = {
        attributes(p).get(names.ERROR): p for p in histograms(collected, names.OPERATION_DURATION)
    }
    assert {error: point.count for error, point in durations.items()} == {None: 2, "timeout": 1}
    common = {names.OPERATION: "chat", names.PROVIDER: "other", names.REQUEST_MODEL: "m"}
    assert attributes(durations[None]) == common
    tokens = {attributes(p)[names.TOKEN_TYPE]: p for p in histograms(collected, names.TOKEN_USAGE)}
    assert (tokens["input"].sum, tokens["output"].sum) == (4, 4)
    assert attributes(tokens["input"]) == {**common, names.TOKEN_TYPE: "input"}
    (first,) = histograms(collected, names.TIME_TO_FIRST_CHUNK)
    assert first.count == 2
    (failures,) = collected.points(names.EXPERT_FAILURES)
    assert isinstance(failures, NumberDataPoint)
    assert failures.value == 1
    assert attributes(failures) == {
        **common,
        names.REQUEST_MODEL: "n",
        names.ERROR: "timeout",
        names.EXPERT: "c",
        names.STAGE: "answer",
    }


async def test_runs_are_measured_by_how_they_ended(collected: Collected) -> None:
    broken = ScriptedAgent("a", AgentTimeout("idle", 20.0))
    await council.ask("How many?", panel=[ScriptedAgent("a", "It is 42.")])
    with pytest.raises(council.QuorumLost):
        await council.ask("How many?", panel=[broken])
    waiting = ScriptedAgent("a", ["It", anyio.sleep_forever])
    async with council.open_council([waiting]) as opened, opened.stream("How many?") as run:
        async for event in run:
            if event.type == "expert.token":
                break
    found = {attributes(p)[names.STATUS]: p for p in histograms(collected, names.RUN_DURATION)}
    assert {status: point.count for status, point in found.items()} == {
        "complete": 1,
        "failed": 1,
        "cancelled": 1,
    }
    assert attributes(found["failed"])[names.ERROR] == "quorum"
    assert attributes(found["complete"])[names.STRATEGY] == "vote"
    # The call that was cancelled with its run says nothing about its model's speed.
    assert sum(p.count for p in histograms(collected, names.OPERATION_DURATION)) == 2


async def test_what_comes_from_the_record_is_not_counted_again(
    collected: Collected, tmp_path: Path
) -> None:
    agents = [
        ScriptedAgent("a", "It is 42."),
        ScriptedAgent("b", AgentTimeout("idle", 20.0), "It is 42."),
        ScriptedAgent("c", "It is 42."),
    ]
    with Store(tmp_path / "runs.sqlite3") as store:
        first = await council.ask("How many?", panel=agents, store=store)
        async with resumed(store, first.run_id, panel=agents) as again:
            async for _ in again:
                pass
    assert again.result.status == "complete"
    tokens = {attributes(p)[names.TOKEN_TYPE]: p for p in histograms(collected, names.TOKEN_USAGE)}
    assert tokens["output"].count == 3


async def test_tokens_that_nobody_counted_are_not_told(collected: Collected) -> None:
    waiting = ScriptedAgent("b", ["It is ", anyio.sleep_forever])
    await council.ask("How many?", panel=[ScriptedAgent("a", "42"), waiting], strategy="first")
    counted = histograms(collected, names.TOKEN_USAGE)
    assert {point.count for point in counted} == {1}
