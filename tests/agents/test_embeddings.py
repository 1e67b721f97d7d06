"""The embedder over real sockets, and the embeddings API's answers."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

import council
from council.agents.embedder import Embedder
from council.agents.embeddings import EmbeddingsAgent, HTTPEmbedder, build
from council.agents.embeddings_body import EmbeddingsDecoder
from council.agents.endpoints import embeddings_url
from council.agents.shared import Shared
from council.assemble import assemble_panel
from council.config import parse_config
from council.errors import AgentError, AgentTimeout, ConfigError, StrategyError, StreamError
from council.limits import Timeouts
from council.testing import (
    Step,
    keep_alive,
    plain_reply,
    raw_server,
    reset,
    until_closed,
    unused_port,
    whole_reply,
)

pytestmark = pytest.mark.anyio

PATIENT = Timeouts(connect=10.0, first_token=30.0, idle=30.0, total=60.0)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def answer(*vectors: object, **more: object) -> dict[str, Any]:
    data = [{"index": i, "embedding": vector} for i, vector in enumerate(vectors)]
    return {"object": "list", "data": data, **more}


def sent(*vectors: object, **more: object) -> list[Step]:
    return plain_reply("200 OK", json.dumps(answer(*vectors, **more)))


def packed(*parts: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(parts)}f", *parts)).decode()


@asynccontextmanager
async def embedder(url: str, timeouts: Timeouts = PATIENT) -> AsyncGenerator[HTTPEmbedder, None]:
    made = HTTPEmbedder(EmbeddingsAgent("embedder", "m", url, timeouts=timeouts, api_key="sk-1"))
    try:
        yield made
    finally:
        await made.aclose()


async def embed(*texts: str, reply: list[Step], timeouts: Timeouts = PATIENT) -> Any:
    async with raw_server(reply) as server, embedder(server.url, timeouts) as made:
        return await made.embed(texts)


async def test_texts_become_vectors() -> None:
    reply = sent([1, 0.5], [0, 2], usage={"prompt_tokens": 9, "total_tokens": 9})
    async with raw_server(reply) as server, embedder(server.url) as made:
        found = await made.embed(["a", "b\n🙂"])
    assert isinstance(made, Embedder)
    assert found.vectors == ((1.0, 0.5), (0.0, 2.0))
    assert (found.usage.prompt_tokens, found.usage.estimated) == (9, False)
    (request,) = server.requests
    assert request.line == "POST /v1/embeddings HTTP/1.1"
    assert request.json == {"model": "m", "input": ["a", "b\n🙂"]}
    assert request.headers["authorization"] == "Bearer sk-1"
    assert request.headers["accept"] == "application/json"


async def test_base64_and_any_order() -> None:
    body = answer(packed(1.0, 0.5), packed(0.0, 2.0))
    body["data"].reverse()
    found = await embed("a", "b", reply=plain_reply("200 OK", json.dumps(body)))
    assert found.vectors == ((1.0, 0.5), (0.0, 2.0))
    assert found.usage.estimated


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (answer([1.0]), "1 vectors for 2 texts"),
        (answer([1.0], [1.0, 2.0]), "different lengths"),
        (answer([1.0], []), "empty or not finite"),
        (answer([1.0], ["x"]), "cannot be read"),
        (answer([1.0], [None]), "cannot be read"),
        (answer([1.0], 7), "cannot be read"),
        (answer("AAAA!", "AAAA"), "cannot be read"),
        (answer("AAA=", "AAA="), "cannot be read"),
        (answer(packed(float("nan")), packed(1.0)), "empty or not finite"),
        ({"data": ["x"]}, "an entry of `data` is no object"),
        ({"error": {"message": "no such model"}}, "no such model"),
        ({"object": "list"}, "no list `data`"),
    ],
)
async def test_answers_that_hold_no_vectors(body: object, message: str) -> None:
    with pytest.raises(StreamError, match=message) as caught:
        await embed("a", "b", reply=plain_reply("200 OK", json.dumps(body)))
    assert caught.value.agent == "embedder"


@pytest.mark.parametrize(
    "steps",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", reset],
        [b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"data": ['],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", keep_alive],
        [],
    ],
)
async def test_an_answer_that_breaks_off(steps: list[Step]) -> None:
    with pytest.raises(AgentError) as caught:
        await embed("a", reply=steps)
    assert not isinstance(caught.value, AgentTimeout)


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"])
async def test_an_answer_that_stalls(begun: bytes) -> None:
    steps: list[Step] = [begun, until_closed] if begun else [until_closed]
    with pytest.raises(AgentTimeout, match="first_token"):
        await embed("a", reply=steps, timeouts=replace(PATIENT, first_token=0.2))


@given(st.lists(st.floats(allow_nan=False, width=32).filter(lambda x: abs(x) < 1e30), min_size=1))
def test_floats_and_base64_say_the_same(parts: list[float]) -> None:
    plain, short = (vectors_of(answer(v)) for v in (parts, packed(*parts)))
    assert plain == short == (tuple(parts),)


@given(st.binary(max_size=60))
def test_no_bytes_but_vectors_are_vectors(data: bytes) -> None:
    with suppress(StreamError):
        assert not vectors_of_bytes(b'{"data": ' + data)


def vectors_of(body: object) -> tuple[tuple[float, ...], ...]:
    return vectors_of_bytes(json.dumps(body).encode())


def vectors_of_bytes(data: bytes) -> tuple[tuple[float, ...], ...]:
    decoder = EmbeddingsDecoder()
    tokens = [*decoder.feed(data), *decoder.end()]
    (token,) = tokens
    return token.vectors


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://h", "http://h/v1/embeddings"),
        ("http://h/v1/", "http://h/v1/embeddings"),
        ("http://h/v1/embeddings", "http://h/v1/embeddings"),
        ("http://h/v1/chat/completions", "http://h/v1/embeddings"),
        ("http://h/v4?api-version=1", "http://h/v4/embeddings?api-version=1"),
    ],
)
def test_urls(endpoint: str, url: str) -> None:
    assert embeddings_url(endpoint) == url


async def test_it_is_asked_again_like_an_agent() -> None:
    busy = plain_reply("503 Busy", '{"error": {"message": "busy"}}')
    async with raw_server(busy, sent([1.0])) as server:
        made, shared = from_file({"endpoint": server.url})
        found = await made.embed(["a"])
        await shared.aclose()
    assert found.vectors == ((1.0,),)
    assert len(server.requests) == 2


async def test_a_pool_goes_past_an_endpoint_that_is_down() -> None:
    async with raw_server(sent([1.0])) as server:
        down = f"http://127.0.0.1:{unused_port()}"
        made, shared = from_file(
            {"endpoint": [down, server.url], "retries": 0, "extra_body": {"dimensions": 1}}
        )
        assert (await made.embed(["a"])).vectors == ((1.0,),)
        await shared.aclose()
    assert server.requests[0].json == {"model": "m", "input": ["a"], "dimensions": 1}


def from_file(entry: dict[str, Any]) -> tuple[HTTPEmbedder, Shared]:
    expert = {"model": "m", "endpoint": "http://h"}
    config, _ = parse_config({"experts": [expert], "embedder": {"model": "m", **entry}})
    assert config.embedder is not None
    shared = Shared()
    return build(config.embedder, shared), shared


def panel(chat: str, embedder: str) -> dict[str, Any]:
    entry = {"model": "m", "endpoint": chat}
    return {
        "experts": [entry, entry, entry],
        "embedder": {"model": "e", "endpoint": embedder, "retries": 0},
        "strategy": {"name": "vote", "extract": {"kind": "semantic", "threshold": 0.9}},
    }


async def test_a_panel_votes_by_meaning() -> None:
    reply = sent([1, 0], [0, 1], [1, 0.1], usage={"prompt_tokens": 11})
    # A text is embedded once, so three vectors need three texts.
    texts = [whole_reply(f"answer {i}") for i in range(3)]
    async with raw_server(*texts) as chat, raw_server(reply) as server:
        result = await council.ask("Why?", panel=panel(chat.url, server.url))
    assert result.votes is not None
    assert [p.weight for p in result.votes.positions] == [2.0, 1.0]
    assert len(server.requests[0].json["input"]) == 3
    spoken = sum(reply.usage.prompt_tokens for reply in result.experts if reply.usage)
    assert result.usage.prompt_tokens == spoken + 11


@pytest.mark.parametrize("refusal", ["401 No", "500 Oops"])
async def test_a_panel_whose_embedder_fails_says_so(refusal: str) -> None:
    reply = plain_reply(refusal, '{"error": {"message": "no vectors today"}}')
    async with raw_server(whole_reply("yes")) as chat, raw_server(reply) as server:
        with pytest.raises(StrategyError, match=r"could not be embedded.*no vectors today"):
            await council.ask("Why?", panel=panel(chat.url, server.url))


async def test_a_runs_deadline_ends_its_embedding() -> None:
    async with raw_server(whole_reply("yes")) as chat, raw_server([until_closed]) as server:
        with anyio.fail_after(60), pytest.raises(StrategyError, match="before the deadline of 5 s"):
            await council.ask("Why?", panel=panel(chat.url, server.url), deadline=5.0)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"model": "e"}, "embedder.model: no model file at"),
        ({"model": "builtin:e"}, "embedder.model: there is no built-in model"),
        ({"model": "builtin:sage", "retries": 1}, "embedder.retries: is for an `endpoint`"),
        ({"model": "e", "endpoint": "h"}, "embedder.endpoint: the endpoint is not an http"),
        (
            {"model": "e", "endpoint": "http://h", "api_key": "sk 1"},
            "embedder.api_key: the key has",
        ),
        ({"model": "e", "endpoint": "http://h", "kind": "openai"}, "embedder.kind: unknown key"),
    ],
)
async def test_mistakes_name_the_key(entry: dict[str, Any], message: str) -> None:
    values = {**panel("http://h", "http://h"), "embedder": entry}
    with pytest.raises(ConfigError) as caught:
        assemble_panel(values)
    assert message in str(caught.value)
    assert "sk 1" not in str(caught.value)


async def test_a_strategy_that_compares_vectors_needs_an_embedder() -> None:
    values = panel("http://h", "http://h")
    del values["embedder"]
    with pytest.raises(ConfigError, match="strategy: it compares vectors, and the panel has no"):
        assemble_panel(values)
