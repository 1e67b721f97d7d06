"""What errors show of the things a call carries, and what they do not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from council.agents.anthropic import AnthropicAgent
from council.agents.http_agent import HTTPAgent
from council.agents.openai_http import OpenAIHTTPAgent
from council.agents.proxies import authorization, secrets
from council.agents.secrecy import forms, header_secrets, names_secret, query_secrets
from council.errors import AgentError
from council.messages import ChatMessage, ChatRequest
from council.testing import (
    STREAM_HEAD,
    Step,
    chunked,
    plain_reply,
    raw_server,
)
from tests.support.collect import collect

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest("m", (ChatMessage("user", "hi"),))

KEY = "k3y-" + "7d1f9a2b" * 12  # as long as keys of today's services

LIMIT = 512


async def failure(
    script: list[Step], *, kind: type[HTTPAgent] = OpenAIHTTPAgent, query: str = "", **more: Any
) -> AgentError:
    """How one call fails at a server that plays the script."""
    async with raw_server(script) as server:
        agent = kind("a", "m", f"{server.url}/v1{query}", **more)
        try:
            with pytest.raises(AgentError) as caught:
                await collect(agent, REQUEST)
        finally:
            await agent.aclose()
        assert server.requests
    return caught.value


def refusal(message: str) -> list[Step]:
    return plain_reply("400 Bad Request", json.dumps({"error": {"message": message}}))


def page(text: str) -> list[Step]:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(text)}\r\n\r\n"
    return [(head + text).encode()]


def stream(data: str) -> list[Step]:
    return [STREAM_HEAD, chunked(data.encode())]


@pytest.mark.parametrize("before", range(120, 520, 20))
@pytest.mark.parametrize("form", ["frame", "page", "status", "report"])
async def test_no_part_of_a_key_is_shown_wherever_the_cut_falls(form: str, before: int) -> None:
    text = f"{'x' * before}{KEY} and more {'y' * 2000}"
    script = {
        "frame": stream(f"data: {text}\n\n"),
        "page": page(text),
        "status": plain_reply("500 Oh", text),
        "report": stream(f"event: error\ndata: {text}\n\n"),
    }[form]
    kind = AnthropicAgent if form == "report" else OpenAIHTTPAgent
    error = await failure(script, kind=kind, api_key=KEY)
    said = f"{error}{getattr(error, 'excerpt', '')}"
    assert "x" * 100 in said
    assert "k3y-" not in said
    assert len(str(error)) < 2 * LIMIT


async def test_a_long_report_of_the_server_is_cut() -> None:
    report = stream("data: " + json.dumps({"error": {"message": "x" * 100_000}}) + "\n\n")
    assert len(str(await failure(report))) == LIMIT
    assert "(check `endpoint` and `model`)" in str(
        await failure(plain_reply("404 No", json.dumps({"error": "x" * 4000})))
    )


@pytest.mark.parametrize("said", ["s3cr%2Ft-0123+4", "s3cr/t-0123+4", "s3cr/t-0123 4"])
async def test_values_of_the_query_are_not_repeated(said: str) -> None:
    query = "?api-version=1&key=s3cr%2Ft-0123+4"
    error = await failure(refusal(f"no route /v1 with {said}, line 1"), query=query)
    assert "s3cr" not in str(error)
    assert "0123" not in str(error)
    assert "with [redacted], line 1" in str(error)


async def test_short_values_of_headers_garble_nothing() -> None:
    headers = {"X-Beta": "1", "X-Title": "a"}
    error = await failure(refusal("a limit of 100 at 10:11"), headers=headers)
    assert "HTTP 400" in str(error)
    assert "a limit of 100 at 10:11" in str(error)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"X-Api-Key": "ab"}, "ab"),
        ({"Authorization": "Token 0123456789"}, "0123456789"),
        ({"X-Tenant": "tenant-0123"}, "tenant-0123"),
    ],
)
async def test_secret_headers_are_hidden(headers: dict[str, str], said: str) -> None:
    error = await failure(refusal(f"<{said}> refused"), headers=headers)
    assert "<[redacted]> refused" in str(error)


async def test_a_short_key_is_hidden_all_the_same() -> None:
    assert "<[redacted]>" in str(await failure(refusal("<k9>"), api_key="k9"))


async def test_a_key_within_another_secret_leaves_nothing_of_it() -> None:
    error = await failure(
        refusal("<abcd-efgh-ijkl>"), api_key="efgh", headers={"X-Token": "abcd-efgh-ijkl"}
    )
    assert "<[redacted]>" in str(error)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("Authorization", True),
        ("Proxy-Authorization", True),
        ("x-api-key", True),
        ("Cookie", True),
        ("X-Auth-Token", True),
        ("X-Title", False),
        ("max_tokens", False),
        ("monkey", False),
    ],
)
def test_names_of_secrets(name: str, is_one: bool) -> None:
    assert names_secret(name) is is_one


def test_words_are_no_secrets() -> None:
    assert list(header_secrets({"X-Beta": "1", "X-Site": "council", "X-Token": ""})) == []
    assert list(query_secrets("http://h/v1?v=1&beta&key=")) == []
    assert set(query_secrets("http://h/v1?v=1&key=ab")) == {"ab"}


def test_a_proxys_short_password_is_hidden_only_as_it_is_sent() -> None:
    for password, bare in (("ab", ()), ("abcd", ("abcd",)), ("a%62cd", ("abcd", "a%62cd"))):
        url = f"http://me:{password}@h:1"
        sent = (authorization(url) or "").removeprefix("Basic ")
        assert secrets({"all://": url}) == (sent, *bare)


@pytest.mark.parametrize("echo", ["KEY111+/x", "KEY111%2B/x", "KEY111%2B%2Fx"])
def test_escaped_forms_of_a_key_are_secret_too(echo: str) -> None:
    assert echo in forms("KEY111+/x")


def test_forms_of_a_value_with_quotes() -> None:
    assert {'a"b&c<d', 'a\\"b&c<d', "a&quot;b&amp;c&lt;d", "a%22b%26c%3Cd"} <= forms('a"b&c<d')
