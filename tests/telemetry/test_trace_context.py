"""A server is told which trace a request belongs to, by the header of the W3C."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import baggage, context

import council
from council.agents.openai_http import OpenAIHTTPAgent
from council.testing import raw_server, whole_reply
from tests.support.telemetry import Collected, attributes, collecting

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def collected() -> Iterator[Collected]:
    with collecting() as collected:
        yield collected


async def headers_of_a_call() -> dict[str, str]:
    """The headers that a server gets from an expert."""
    async with raw_server(whole_reply("42")) as server:
        agent = OpenAIHTTPAgent("a", "m", server.url)
        try:
            await council.ask("How many?", panel=[agent])
        finally:
            await agent.aclose()
        (request,) = server.requests
    return {name.lower(): value for name, value in request.headers.items()}


async def test_a_request_names_its_call(collected: Collected) -> None:
    token = context.attach(baggage.set_baggage("user", "ada"))
    try:
        sent = await headers_of_a_call()
    finally:
        context.detach(token)
    (call,) = collected.children(collected.run())
    assert call.context is not None
    trace, span = call.context.trace_id, call.context.span_id
    assert sent["traceparent"].startswith(f"00-{trace:032x}-{span:016x}-")
    assert "baggage" not in sent
    known = attributes(call)
    assert known["server.address"] == "127.0.0.1"
    assert isinstance(known["server.port"], int)
    assert known["gen_ai.provider.name"] == "openai_compatible"


async def test_nothing_is_sent_where_nobody_traces() -> None:
    assert "traceparent" not in await headers_of_a_call()
