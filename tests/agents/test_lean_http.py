"""The client that leaves out what no chat API uses: what it still has to do, over real sockets."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest

from council.agents.lean_http import LeanClient, LeanTransport
from council.agents.openai_http import OpenAIHTTPAgent
from council.agents.transport import new_client
from council.limits import Timeouts
from council.messages import ChatMessage, ChatRequest
from council.testing import END, Step, chunked, keep_alive, raw_server, whole_reply

pytestmark = pytest.mark.anyio

PATIENT = Timeouts(connect=20.0, first_token=60.0, idle=60.0, total=90.0)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncGenerator[OpenAIHTTPAgent, None]:
    agent = OpenAIHTTPAgent("ada", "m", url, timeouts=PATIENT, **options)
    try:
        yield agent
    finally:
        await agent.aclose()


async def ask(agent: OpenAIHTTPAgent, request_id: str = "") -> str:
    request = ChatRequest("m", (ChatMessage("user", "hi"),), request_id=request_id)
    async with aclosing(agent.chat(request)) as tokens:
        return "".join([token.text async for token in tokens])


async def test_one_connection_for_one_reply_after_another() -> None:
    reply = [*whole_reply("a", "b"), keep_alive]
    async with raw_server(reply, reply, reply) as server, opened(server.url) as agent:
        assert [await ask(agent) for _ in range(3)] == ["ab"] * 3
        assert server.connections == 1


async def test_each_request_has_its_own_id_and_all_else_alike() -> None:
    reply = [*whole_reply("a"), keep_alive]
    async with (
        raw_server(reply, reply) as server,
        opened(server.url, api_key="k3y", headers={"user-agent": "mine", "X-Team": "a"}) as agent,
    ):
        await ask(agent, "one")
        await ask(agent, "two")
    first, second = (request.headers for request in server.requests)
    assert (first.pop("x-request-id"), second.pop("x-request-id")) == ("one", "two")
    assert first == second
    assert first["content-type"] == "application/json"
    assert int(first["content-length"]) == len(server.requests[0].body)
    assert first["host"] == f"127.0.0.1:{server.port}"
    assert (first["user-agent"], first["x-team"]) == ("mine", "a")
    assert first["authorization"] == "Bearer k3y"
    assert first["accept-encoding"] == "identity"
    assert server.requests[0].json["messages"] == [{"role": "user", "content": "hi"}]


async def test_a_url_goes_out_as_it_was_escaped() -> None:
    path = "/caf%C3%A9/%7Ex%2Fy"
    async with (
        raw_server([*whole_reply("a"), keep_alive]) as server,
        opened(f"{server.url}{path}?version=2024%3A01&sig=a%2Bb%3D") as agent,
    ):
        await ask(agent)
    (request,) = server.requests
    target = f"{path}/chat/completions?version=2024%3A01&sig=a%2Bb%3D"
    assert request.line == f"POST {target} HTTP/1.1"


async def test_cookies_are_not_kept() -> None:
    head, *rest = whole_reply("a")
    assert isinstance(head, bytes)
    cookie = head.replace(b"\r\n\r\n", b"\r\nSet-Cookie: who=ada; Path=/\r\n\r\n", 1)
    reply = [cookie, *rest, keep_alive]
    # By name: no cookies are kept for an address anyway.
    async with (
        raw_server(reply, reply) as server,
        opened(server.url.replace("127.0.0.1", "localhost")) as agent,
    ):
        await ask(agent)
        await ask(agent)
    assert len(server.requests) == 2
    assert all("cookie" not in request.headers for request in server.requests)


async def test_other_methods_and_bodies_go_as_httpx_sends_them() -> None:
    async def body() -> AsyncGenerator[bytes, None]:
        yield b"a"
        yield b"b"

    plain: list[Step] = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", keep_alive]
    async with raw_server(plain, plain, plain) as server, new_client() as client:
        assert (await client.get(server.url, params={"q": "1"})).text == "ok"
        assert (await client.post(server.url, json={"a": 1})).text == "ok"
        request = client.build_request("POST", server.url, content=body())
        assert (await client.send(request)).text == "ok"
    assert server.requests[0].line == "GET /?q=1 HTTP/1.1"
    assert server.requests[1].json == {"a": 1}


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_a_body_lets_go_of_its_connection_at_its_end_only() -> None:
    more = anyio.Event()
    chunks: list[Step] = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        chunked(b"a"),
        more.wait,
        END,
        keep_alive,
    ]
    async with raw_server(chunks) as server, new_client() as client:
        assert isinstance(client, LeanClient)
        request = client.build_request(
            "POST", server.url, json={}, headers=httpx.Headers(), timeout=httpx.Timeout(20.0)
        )
        response = await client.send(request, stream=True)
        stream: Any = response.stream
        data = aiter(stream)
        assert await anext(data) == b"a"
        assert not stream.let_go()
        more.set()
        assert await anext(data, None) is None
        assert stream.let_go()


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_a_client_with_proxies_takes_httpx_own_way() -> None:
    transport = LeanTransport(ssl.create_default_context())
    async with (
        LeanClient(transport, {"all://other.example": None}) as client,
        raw_server([*whole_reply("a"), keep_alive]) as server,
        opened(server.url, client=client) as agent,
    ):
        assert await ask(agent) == "a"
    assert server.requests[0].headers["user-agent"] == "council"
