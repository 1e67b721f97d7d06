"""Requests at the gate, over real sockets."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx
import pytest

from serving.accounts import Rates
from serving.keys import Keys, digest_of, make_key, parse_keys
from serving.options import Options
from serving.origins import parse_origins
from serving.window import MINUTE, SECOND
from tests.serving.site import Site, raw, serving

pytestmark = pytest.mark.anyio
ANN, BOB = "secret-of-ann", "secret-of-bob"
KEYS = parse_keys([f"ann:{ANN}", f"bob:{BOB}"], "")


@asynccontextmanager
async def keyed() -> AsyncIterator[tuple[Site, httpx.AsyncClient]]:
    async with serving(Options(keys=KEYS)) as site, site.client() as web:
        yield site, web


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {BOB}"},
        {"Authorization": f"bearer  {BOB}"},
        {"x-api-key": BOB},
        {"x-api-key": BOB, "Authorization": "Bearer unused"},
    ],
    ids=str,
)
async def test_a_key_in_either_place(headers: dict[str, str]) -> None:
    async with keyed() as (_, web):
        response = await web.post("/echo", headers=headers, content=b"12345")
        assert response.status_code == 200
        facts = response.json()
        assert (facts["owner"], facts["bytes"]) == ("bob", 5)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({}, "missing"),
        ({"Authorization": f"Basic {BOB}"}, "missing"),
        ({"Authorization": BOB}, "missing"),
        ({"Authorization": "Bearer"}, "missing"),
        ({"Authorization": "Bearer wrong"}, "not known"),
        ({"x-api-key": BOB[:-1]}, "not known"),
        ({"x-api-key": digest_of(BOB).hex()}, "not known"),
    ],
    ids=[
        "none",
        "basic",
        "bare",
        "empty",
        "wrong",
        "shortened",
        "digest",
    ],  # a digest is never twice the same
)
async def test_without_a_right_key_nothing_is_served(headers: dict[str, str], said: str) -> None:
    async with keyed() as (_, web):
        for method, path in (("POST", "/echo"), ("GET", "/no/such/route"), ("DELETE", "/echo")):
            response = await web.request(method, path, headers=headers)
            assert response.status_code == 401
            assert response.headers["www-authenticate"].startswith("Bearer ")
            assert response.json()["refused"] == "invalid_api_key"
            assert said in response.json()["message"]
        assert (await web.get("/health")).status_code == 200


async def test_whoever_sends_much_sees_the_refusal_too() -> None:
    async with keyed() as (_, web):
        for _ in range(3):
            response = await web.post("/echo", content=b"x" * (6 << 20))
            assert response.status_code == 401


async def test_a_wrong_key_is_compared_as_often_as_a_right_one() -> None:
    compared: list[int] = []

    def same(one: bytes, other: bytes) -> bool:
        compared.append(len(one) + len(other))
        return one == other

    keys = Keys([make_key(f"k{n}", f"secret-number-{n}", "") for n in range(9)], same)
    async with serving(keys=keys) as site, site.client() as web:
        counts = []
        for secret in ("secret-number-0", "secret-number-8", "wrong", "w" * 5000):
            await web.post("/echo", headers={"x-api-key": secret})
            counts.append(list(compared))
            compared.clear()
    assert counts == [[64] * 9] * 4


async def test_metrics_are_open_when_they_are_to_be() -> None:
    for is_open, status in ((False, 401), (True, 404)):
        async with serving(Options(keys=KEYS, open_metrics=is_open)) as site, site.client() as web:
            assert (await web.get("/metrics")).status_code == status


async def test_keys_are_read_again(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"ann: {ANN}")
    file.chmod(0o600)
    async with serving(Options(keys_file=file)) as site, site.client() as web:
        file.write_text(f"bob: {BOB}")
        assert (await web.post("/echo", headers={"x-api-key": BOB})).status_code == 401
        site.gate.reload()
        assert (await web.post("/echo", headers={"x-api-key": BOB})).status_code == 200
        assert (await web.post("/echo", headers={"x-api-key": ANN})).status_code == 401


async def statuses(site: Site, count: int, path: str = "/echo") -> Counter[int]:
    """What so many clients at the same time are told, each on a connection of its own."""
    found: Counter[int] = Counter()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()

    async def ask() -> None:
        async with raw(site) as connection:
            await connection.send(head)
            found[int((await connection.rest()).split()[1])] += 1

    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(ask)
    return found


async def test_200_parallel_clients_get_what_the_rate_allows_and_no_more() -> None:
    async with serving(Options(rates=Rates(requests=50))) as site:
        assert await statuses(site, 200) == {200: 50, 429: 150}
        site.now += MINUTE - 1
        assert await statuses(site, 10) == {429: 10}
        site.now += 1
        assert await statuses(site, 200) == {200: 50, 429: 150}


async def test_200_parallel_clients_get_the_tokens_there_are() -> None:
    async with serving(Options(rates=Rates(tokens=1000))) as site, site.client() as web:
        # Each sets 40 aside and uses 20: those that come later find what was given back.
        found = await statuses(site, 200, "/tokens/40/20")
        assert found[200] + found[429] == 200
        assert 25 <= found[200] <= 50
        left = (await web.post("/tokens/0/0")).headers["x-ratelimit-remaining-tokens"]
        assert int(left) == 1000 - 20 * found[200]


async def test_what_is_left_is_told() -> None:
    async with serving(Options(rates=Rates(requests=2, tokens=100))) as site, site.client() as web:
        first = await web.post("/tokens/60/90")
        assert first.headers["x-ratelimit-limit-requests"] == "2"
        assert first.headers["x-ratelimit-remaining-requests"] == "1"
        assert first.headers["x-ratelimit-remaining-tokens"] == "40"
        site.now += 10 * SECOND
        refused = await web.post("/tokens/60/1")
        assert refused.status_code == 429
        assert refused.json()["type"] == "rate_limit_error"
        assert "100 tokens a minute" in refused.json()["message"]
        assert refused.headers["retry-after"] == "50"
        assert refused.headers["x-ratelimit-remaining-tokens"] == "10"
        assert refused.headers["x-ratelimit-reset-tokens"] == "50s"
        refused = await web.post("/echo")
        assert "2 requests a minute" in refused.json()["message"]
        assert refused.headers["retry-after"] == "50"
        assert (await web.get("/health")).headers.keys().isdisjoint(first.headers.keys() - {
            "content-type", "content-length", "date", "x-request-id"
        })  # fmt: skip


async def test_a_prompt_is_taken_for_tokens_before_it_is_read() -> None:
    async with serving(Options(rates=Rates(tokens=100))) as site, site.client() as web:
        assert (await web.post("/tokens/0/70")).status_code == 200
        refused = await web.post("/echo", content=b"x" * 400)
        assert refused.status_code == 429
        assert (await web.post("/echo", content=b"x" * 40)).status_code == 200


async def test_an_answer_that_is_cut_off_is_paid_for() -> None:
    async with serving(Options(rates=Rates(tokens=100))) as site, site.client() as web:
        async with web.stream("GET", "/stream/rude") as response:
            await anext(response.aiter_lines())
        await site.cancelled.wait()
        response = await web.post("/tokens/0/0")
        assert response.headers["x-ratelimit-remaining-tokens"] == "93"


async def test_each_key_has_rates_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"ann: {ANN} requests-per-minute=1\nbob: {BOB}")
    file.chmod(0o600)
    options = Options(keys_file=file, rates=Rates(requests=2))
    async with serving(options) as site, site.client() as web:
        found = {
            key: [(await web.post("/echo", headers={"x-api-key": key})).status_code for _ in "123"]
            for key in (ANN, BOB)
        }
    assert found == {ANN: [200, 429, 429], BOB: [200, 200, 429]}


async def test_whoever_has_no_key_takes_from_nobody() -> None:
    async with serving(Options(keys=KEYS, rates=Rates(requests=1))) as site, site.client() as web:
        for _ in range(5):
            assert (await web.post("/echo")).status_code == 401
        assert (await web.post("/echo", headers={"x-api-key": ANN})).status_code == 200


PAGE = "https://chat.example"


async def test_a_browser_may_ask_first() -> None:
    options = Options(keys=KEYS, origins=parse_origins([PAGE]))
    async with serving(options) as site, site.client() as web:
        asked = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        response = await web.options("/echo", headers={"Origin": PAGE, **asked})
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["access-control-allow-origin"] == PAGE
        assert response.headers["access-control-allow-headers"] == "authorization,content-type"
        assert "POST" in response.headers["access-control-allow-methods"]
        response = await web.options("/echo", headers={"Origin": "https://b.example", **asked})
        assert response.status_code == 401
        assert "access-control-allow-origin" not in response.headers


async def test_a_page_reads_answers_and_refusals() -> None:
    options = Options(keys=KEYS, origins=parse_origins([PAGE]))
    async with serving(options) as site, site.client(Origin=PAGE) as web:
        for key, status in ((ANN, 200), ("wrong", 401)):
            response = await web.post("/echo", headers={"x-api-key": key})
            assert response.status_code == status
            assert response.headers["access-control-allow-origin"] == PAGE
            assert "x-request-id" in response.headers["access-control-expose-headers"]


async def test_without_the_option_no_page_reads_anything() -> None:
    async with serving() as site, site.client(Origin=PAGE) as web:
        response = await web.post("/echo")
        assert not [name for name in response.headers if name.startswith("access-control")]


async def test_names_that_were_rebound_lead_nowhere() -> None:
    async with serving(loopback=True) as site, site.client() as web:
        assert (await web.get("/health")).status_code == 200
        response = await web.get("/health", headers={"Host": "evil.example"})
        assert response.status_code == 403
        assert "--allow-host" in response.json()["message"]
        response = await web.post("/echo", headers={"Origin": "https://evil.example"})
        assert response.status_code == 403
    hosts = Options(hosts=frozenset({"box.lan"}))
    for options, loopback in ((hosts, True), (Options(keys=KEYS), True), (Options(), False)):
        async with serving(options, loopback=loopback) as site, site.client() as web:
            response = await web.get("/health", headers={"Host": "box.lan"})
            assert response.status_code == 200
