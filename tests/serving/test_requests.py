"""What each request is known by, noted as, and ended for, over real sockets."""

from __future__ import annotations

import json

import httpx
import pytest

from serving.keys import parse_keys
from serving.options import Options
from tests.serving.site import raw, serving

pytestmark = pytest.mark.anyio
ANN = "secret-of-ann"
KEYS = parse_keys([f"ann:{ANN}"], "")


@pytest.mark.parametrize("id", ["abc", "a" * 128, "~!/:-"])
async def test_an_id_is_echoed(id: str) -> None:
    async with serving() as site, site.client() as web:
        response = await web.post("/echo", headers={"x-request-id": id})
        assert response.headers["x-request-id"] == response.json()["id"] == id


@pytest.mark.parametrize("id", ["", "a" * 129, "a b", "a\tb", "\xe4"])
async def test_an_id_that_is_none_is_replaced(id: str) -> None:
    async with serving() as site, site.client() as web:
        ids = set()
        for _ in range(2):
            response = await web.post("/echo", headers={b"x-request-id": id.encode("latin-1")})
            ids.add(response.headers["x-request-id"])
            assert response.json()["id"] == response.headers["x-request-id"]
    assert len(ids) == 2
    assert all(found.startswith("req_") for found in ids)


async def test_websockets_pass_nobody() -> None:
    async with serving() as site, raw(site) as connection:
        await connection.send(
            b"GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        head = (await connection.rest()).split(b"\r\n")[0]
        assert head.split()[1] == b"403"


async def log_of(options: Options, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What is noted of a whole answer, a wrong key, an odd path and a stream that was left."""
    async with serving(options) as site, site.client(**{"x-request-id": "me"}) as web:
        right = {"x-api-key": ANN}
        await web.post("/tokens/1/5?secret=in-query", headers=right)
        await web.post("/echo", headers={"x-api-key": "wrong-key"})
        await web.post("/echo", headers=right, content=b"a prompt\nof two lines")
        await web.get("/%0a%22fake line%22", headers=right)
        async with web.stream("GET", "/stream/rude", headers=right) as response:
            await anext(response.aiter_lines())
        await site.cancelled.wait()
    return capsys.readouterr().err.splitlines()


async def test_the_log_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    lines = await log_of(Options(keys=KEYS, access_log="json"), capsys)
    facts = [json.loads(line) for line in lines]
    assert [fact["path"] for fact in facts] == [
        *("/tokens/1/5", "/echo", "/echo", '/\n"fake line"', "/stream/rude"),
    ]
    assert [fact["status"] for fact in facts] == [200, 401, 200, 404, 200]
    assert [fact["key"] for fact in facts] == ["ann", None, "ann", "ann", "ann"]
    assert [fact["tokens"] for fact in facts] == [5, None, None, None, 7]
    assert [fact["cut"] for fact in facts] == [False, False, False, False, True]
    assert {fact["id"] for fact in facts} == {"me"}
    assert all(fact["ms"] >= 0 and fact["peer"] == "127.0.0.1" for fact in facts)
    assert not [line for line in lines if "secret" in line or "prompt" in line or "wrong" in line]


async def test_the_log_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    lines = await log_of(Options(keys=KEYS, access_log="plain"), capsys)
    assert len(lines) == 5
    words = [line.split() for line in lines]
    assert words[0][1:6] == ["127.0.0.1", "ann", "POST", "/tokens/1/5", "200"]
    assert words[0][7:] == ["5tok", "id=me"]
    assert words[1][2] == "-"
    assert words[3][4] == '/\\n\\"fake%20line\\"'
    assert words[4][-1] == "cut"
    assert not [line for line in lines if "secret" in line or "prompt" in line]


async def test_prompts_are_noted_when_they_are_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    options = Options(keys=KEYS, access_log="json", log_prompts=True)
    facts = [json.loads(line) for line in await log_of(options, capsys)]
    assert facts[2]["body"] == "a prompt\nof two lines"


async def test_an_answer_that_takes_too_long() -> None:
    async with serving(Options(request_timeout=0.05)) as site, site.client() as web:
        response = await web.post("/wait")
        assert response.status_code == 504
        assert response.json()["refused"] == "request_timeout"
        assert response.headers["x-should-retry"] == "false"
        await site.cancelled.wait()


async def test_a_stream_that_takes_too_long_ends_as_its_route_likes() -> None:
    async with serving(Options(request_timeout=0.05)) as site, site.client() as web:
        response = await web.get("/stream/polite")
        assert response.text.splitlines() == ["one", "request_timeout"]


async def test_a_stream_whose_route_knows_no_end_is_cut_off() -> None:
    async with serving(Options(request_timeout=0.05)) as site, site.client() as web:
        with pytest.raises(httpx.RemoteProtocolError):
            await web.get("/stream/rude")
        await site.cancelled.wait()
