"""The HTTP agent: the shape of its requests and its reading of statuses (respx)."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx
import pytest
import respx

from council.agents.openai_body import request_body
from council.agents.openai_http import OpenAIHTTPAgent
from council.errors import AgentTimeout, StreamError, TransportError
from council.messages import ChatMessage, ChatRequest, ChatToken, Sampling
from council.testing import DONE, FINISH, delta

pytestmark = pytest.mark.anyio

URL = "https://api.test/v1/chat/completions"
KEY = "sk-secret-0123456789"
REQUEST = ChatRequest("m", (ChatMessage("user", "hi"),), request_id="r-1")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def agent() -> AsyncGenerator[OpenAIHTTPAgent, None]:
    # respx stands in for httpcore, so the client is httpx's own.
    async with httpx.AsyncClient() as client:
        yield OpenAIHTTPAgent("ada", "m", "https://api.test", api_key=KEY, client=client)


async def collect(agent: OpenAIHTTPAgent, request: ChatRequest = REQUEST) -> list[ChatToken]:
    async with aclosing(agent.chat(request)) as tokens:
        return [token async for token in tokens]


def stream(*events: bytes) -> httpx.Response:
    return httpx.Response(
        200, headers={"content-type": "text/event-stream"}, content=b"".join(events)
    )


@respx.mock
async def test_the_shape_of_a_request(agent: OpenAIHTTPAgent) -> None:
    route = respx.post(URL).mock(return_value=stream(delta("hi"), FINISH, DONE))
    request = ChatRequest(
        "m",
        (ChatMessage("system", "s"), ChatMessage("user", "q")),
        Sampling(temperature=0.5, seed=0, stop=("\n",)),
        "r-1",
    )
    tokens = await collect(agent, request)
    assert [token.text for token in tokens] == ["hi", ""]
    assert tokens[-1].finish_reason == "stop"
    sent = route.calls.last.request
    assert json.loads(sent.content) == {
        "model": "m",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "seed": 0,
        "stop": ["\n"],
    }
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["accept-encoding"] == "identity"
    assert sent.headers["accept"] == "text/event-stream"
    assert sent.headers["x-request-id"] == "r-1"


def test_knobs_that_are_not_set_are_left_out() -> None:
    assert request_body(REQUEST).keys() == {"model", "messages", "stream", "stream_options"}


@respx.mock
async def test_no_key_no_authorization() -> None:
    route = respx.post(URL).mock(return_value=stream(DONE))
    async with httpx.AsyncClient() as client:
        await collect(OpenAIHTTPAgent("ada", "m", "https://api.test", client=client))
    assert "authorization" not in route.calls.last.request.headers


@respx.mock
@pytest.mark.parametrize("status", [301, 400, 401, 404, 408, 429, 500, 503])
async def test_every_status_but_2xx_is_a_transport_error(
    agent: OpenAIHTTPAgent, status: int
) -> None:
    body = {"error": {"message": "the reason"}}
    respx.post(URL).mock(return_value=httpx.Response(status, json=body))
    with pytest.raises(TransportError, match="the reason") as caught:
        await collect(agent)
    error = caught.value
    assert error.status == status
    assert str(status) in str(error)
    assert "the reason" in error.excerpt
    assert (error.agent, error.endpoint, error.request_id) == ("ada", URL, "r-1")


@respx.mock
@pytest.mark.parametrize(("status", "advice"), [(401, "api_key"), (403, "api_key"), (404, "model")])
async def test_errors_name_the_way_out(agent: OpenAIHTTPAgent, status: int, advice: str) -> None:
    respx.post(URL).mock(return_value=httpx.Response(status))
    with pytest.raises(TransportError, match=advice):
        await collect(agent)


@respx.mock
async def test_a_long_body_is_cut(agent: OpenAIHTTPAgent) -> None:
    respx.post(URL).mock(return_value=httpx.Response(500, text="x" * 100_000))
    with pytest.raises(TransportError) as caught:
        await collect(agent)
    assert len(caught.value.excerpt) == 512
    assert len(str(caught.value)) < 1000


@respx.mock
@pytest.mark.parametrize(
    "body", [f"bad key {KEY}", '{"error": "Incorrect API key: sk-other-9876543210"}']
)
async def test_keys_in_bodies_are_not_repeated(agent: OpenAIHTTPAgent, body: str) -> None:
    respx.post(URL).mock(return_value=httpx.Response(401, text=body))
    with pytest.raises(TransportError) as caught:
        await collect(agent)
    shown = f"{caught.value}{caught.value.excerpt}{caught.value!r}{agent!r}"
    assert KEY not in shown
    assert "9876543210" not in shown
    assert "[redacted]" in shown


@respx.mock
async def test_a_page_instead_of_a_stream(agent: OpenAIHTTPAgent) -> None:
    page = httpx.Response(200, html="<html>Log in</html>")
    respx.post(URL).mock(return_value=page)
    with pytest.raises(StreamError, match="text/html"):
        await collect(agent)


@respx.mock
async def test_a_refused_connection(agent: OpenAIHTTPAgent) -> None:
    respx.post(URL).mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(TransportError, match=r"could not connect.*api\.test") as caught:
        await collect(agent)
    assert caught.value.status is None


@respx.mock
async def test_a_connection_that_takes_too_long(agent: OpenAIHTTPAgent) -> None:
    respx.post(URL).mock(side_effect=httpx.ConnectTimeout(""))
    with pytest.raises(AgentTimeout) as caught:
        await collect(agent)
    assert caught.value.limit == "connect"
