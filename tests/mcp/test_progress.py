"""What a run's events tell whoever waits for a tool."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from council.agents.base import Agent
from council.agents.scripted import ScriptedAgent
from council.council import open_council
from council.errors import BackendError
from council.mcp.progress import Progress, Report
from council.sources import StrategySource
from tests.support.panels import agents, picks

pytestmark = pytest.mark.anyio


async def reports(seats: Sequence[Agent], strategy: StrategySource = "vote") -> list[Report]:
    progress = Progress()
    async with open_council(seats) as panel, panel.stream("?", strategy=strategy) as run:
        found = [progress.take(event) async for event in run]
    return [report for report in found if report is not None]


def check_order(told: Sequence[Report]) -> None:
    """The protocol's rule: each notification is further than the one before."""
    assert all(a.value < b.value for a, b in pairwise(told))
    assert all(report.value <= report.total for report in told)
    assert told[-1].value == told[-1].total


async def test_each_expert_is_a_step_and_the_decision_the_last() -> None:
    told = await reports(agents("Tokyo", "Tokyo", "Kyoto"))
    check_order(told)
    answered = [report for report in told if "has answered" in report.message]
    assert [(report.value, report.total) for report in answered] == [(1, 4), (2, 4), (3, 4)]
    assert [report.message[1:] for report in answered] == [
        f" has answered ({n} of 3)" for n in (1, 2, 3)
    ]
    assert told[0].message == "asking a, b, c (vote)"
    assert told[-2].message == "the votes: tokyo by a, b; kyoto by c"
    assert told[-1] == Report(4, 4, "complete")


async def test_a_dead_expert_is_said() -> None:
    seats = [*agents("Tokyo", "Tokyo"), ScriptedAgent("dead", BackendError("no memory"))]
    told = await reports(seats)
    check_order(told)
    assert "failed: dead: no memory" in [report.message for report in told]
    assert told[-1].message == "degraded"


async def test_what_is_asked_besides_makes_the_way_longer() -> None:
    seats = agents(("Tokyo", picks("Tokyo")), ("Kyoto", picks("Tokyo")), ("Nara", picks("Tokyo")))
    told = await reports(seats, {"name": "debate", "when": "always", "max_rounds": 1})
    check_order(told)
    assert "round 1 begins" in [report.message for report in told]
    assert told[-1].total == 7
    assert sum("is done (round-1)" in report.message for report in told) == 3


async def test_whoever_writes_is_said() -> None:
    told = await reports(agents(("Tokyo", "It is Tokyo."), "Tokyo"), "synthesize")
    check_order(told)
    assert "a writes the answer" in [report.message for report in told]
