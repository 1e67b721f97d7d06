"""Two hundred runs at the same time: none is lost, and the next two hundred cost no memory."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import tracemalloc
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from council.agents.scripted import ScriptedAgent
from council.gateway.runs import RunLimits
from council.gateway.state import GatewayOptions
from council.store.store import Store
from tests.gateway.serving import Site, gateway

pytestmark = pytest.mark.anyio
MANY = 200
WORDS = "well " * 10 + "42"
GROWTH = 512 << 10
"""Bytes that may differ between the end of one crowd and that of the next, whose events take about
ten million."""


async def ask(site: Site, number: int) -> str:
    """Asks, and watches to the end; returns the question that the result names.

    A connection of our own, closed at the end: what a client library keeps is not measured.
    """
    body = json.dumps({"question": f"question {number}?", "stream": True}).encode()
    head = (
        "POST /v1/council/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(head.encode() + body)
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith("HTTP/1.1 200"), answer[:200]
    numbers = [int(found) for found in re.findall(r"^id: (\d+)$", answer, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    (last,) = re.findall(r"^event: run\.finished\ndata: (.*)$", answer, re.MULTILINE)
    result = json.loads(last)["result"]
    assert (result["status"], result["answer"]) == ("complete", WORDS)
    question: str = result["question"]
    return question


async def crowd(site: Site, store: Store) -> int:
    """Many ask at once; returns the bytes in use when the record has caught up."""
    asked = await asyncio.gather(*(ask(site, number) for number in range(MANY)))
    assert asked == [f"question {number}?" for number in range(MANY)]
    for expert in site.state.panels.all[0].council.experts:
        assert isinstance(expert.agent, ScriptedAgent)
        expert.agent.requests.clear()
    await anyio.to_thread.run_sync(store.flush)
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.timeout(300)
async def test_many_runs_at_once_are_all_answered_and_leave_nothing(tmp_path: Path) -> None:
    options = GatewayOptions(RunLimits(running=64, waiting=256, kept=10))
    seats = [ScriptedAgent(id, WORDS) for id in ("ada", "bob", "eve")]
    async with gateway({"panel": seats}, store=tmp_path / "runs", options=options) as site:
        store = site.state.store
        assert store is not None
        await crowd(site, store)
        tracemalloc.start()
        try:
            before = await crowd(site, store)
            assert await crowd(site, store) - before < GROWTH
        finally:
            tracemalloc.stop()
        runs = site.state.runs
        assert (runs.active, runs.waiting, len(runs.in_memory(""))) == (0, 0, 10)
        kept = await anyio.to_thread.run_sync(store.runs)
        assert [run.status for run in kept] == ["complete"] * 3 * MANY
