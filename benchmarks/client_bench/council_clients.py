"""council as a panel file makes it: one agent alone, and a whole run with its events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from benchmarks.client_bench.clients import Run, each
from benchmarks.client_bench.receipts import Receipt
from council.agents.kinds import build_agent
from council.agents.shared import Shared
from council.config import ExpertConfig
from council.council import open_council
from council.events import ExpertToken
from council.messages import ChatMessage, ChatRequest

_LIMITS = {"connect": 60.0, "first_token": 3600.0, "idle": 3600.0, "total": 3600.0}


def _expert(url: str, model: str) -> dict[str, Any]:
    return {"model": model, "endpoint": url, "timeouts": _LIMITS}


@asynccontextmanager
async def council_agent(url: str) -> AsyncGenerator[Run, None]:
    """One agent with its retries and its breaker, asked many times at once."""
    shared = Shared()
    agent = build_agent("agent", ExpertConfig(**_expert(url, "benchmark")), shared)

    async def run(model: str, receipts: list[Receipt]) -> None:
        request = ChatRequest(model, (ChatMessage("user", "?"),))

        async def one(receipt: Receipt) -> None:
            async with aclosing(agent.chat(request)) as tokens:
                async for token in tokens:
                    if token.text:
                        receipt.take(token.text)

        await each(one, receipts)

    try:
        yield run
    finally:
        await agent.aclose()
        await shared.aclose()


@asynccontextmanager
async def council_run(url: str) -> AsyncGenerator[Run, None]:
    """One run of a panel with an expert for each stream, watched event by event."""

    async def run(model: str, receipts: list[Receipt]) -> None:
        count = len(receipts)
        panel = {
            "experts": [{"id": str(i), **_expert(url, model)} for i in range(count)],
            "strategy": "concat",
            "limits": {"deadline": 3600.0, "quorum": count, "concurrency": count},
        }
        async with open_council(panel) as council, council.stream("?") as running:
            async for event in running:
                if isinstance(event, ExpertToken) and event.text:
                    receipts[int(event.expert)].take(event.text)
        if running.error:
            raise running.error

    yield run
