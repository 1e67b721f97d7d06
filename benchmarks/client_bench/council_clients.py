"""council: its agent alone, and a whole run with events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from benchmarks.client_bench.clients import Run, each
from benchmarks.client_bench.receipts import Receipt
from council.agents.openai_http import OpenAIHTTPAgent
from council.agents.transport import new_client
from council.assemble import by_hand
from council.council import Council
from council.events import ExpertToken
from council.limits import RunLimits, Timeouts
from council.messages import ChatMessage, ChatRequest

_PATIENT = Timeouts(connect=60.0, first_token=3600.0, idle=3600.0, total=3600.0)


@asynccontextmanager
async def council_agent(url: str) -> AsyncGenerator[Run, None]:
    """One `OpenAIHTTPAgent`, asked many times at once."""
    agent = OpenAIHTTPAgent("agent", "benchmark", url, timeouts=_PATIENT)

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


@asynccontextmanager
async def council_run(url: str) -> AsyncGenerator[Run, None]:
    """One run of a panel with an expert for each stream, watched event by event."""
    async with new_client() as client:

        async def run(model: str, receipts: list[Receipt]) -> None:
            by_expert = {str(number): receipt for number, receipt in enumerate(receipts)}
            agents = [
                OpenAIHTTPAgent(id, model, url, timeouts=_PATIENT, client=client)
                for id in by_expert
            ]
            limits = RunLimits(deadline=3600.0, quorum=len(agents), concurrency=len(agents))
            council = Council(replace(by_hand(agents), limits=limits))
            async with council.stream("?", strategy="concat") as running:
                async for event in running:
                    if isinstance(event, ExpertToken) and event.text:
                        by_expert[event.expert].take(event.text)
            if running.error:
                raise running.error

        yield run
