"""Clients that send too much, or never come to an end."""

from __future__ import annotations

import pytest

from serving.options import Options
from tests.serving.site import Raw, Site, raw, serving

pytestmark = pytest.mark.anyio
HEAD = b"POST /echo HTTP/1.1\r\nHost: localhost\r\n"


async def said(connection: Raw) -> tuple[int, bytes]:
    """A response's status and what follows its first line; the server has closed."""
    found = await connection.rest()
    assert found, "the server said nothing"
    return int(found.split()[1]), found


async def answers(site: Site) -> None:
    """The others are served."""
    async with site.client() as web:
        assert (await web.post("/echo", content=b"1")).json()["bytes"] == 1


async def test_a_body_that_does_not_arrive() -> None:
    async with serving(Options(body_patience=0.05)) as site:
        async with raw(site) as connection:
            await connection.send(HEAD + b"Content-Length: 10\r\n\r\n12345")
            status, text = await said(connection)
            assert status == 408
            assert b"within 0.05 seconds" in text
        await answers(site)


async def test_a_body_that_arrives_byte_by_byte_has_no_more_time() -> None:
    async with serving(Options(body_patience=0.2)) as site:
        async with raw(site) as connection:
            await connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(5):
                await connection.send(b"1\r\nx\r\n")
            assert (await said(connection))[0] == 408
        await answers(site)


async def test_a_head_that_does_not_arrive() -> None:
    async with (
        serving(keep_alive=0.05) as site,
        raw(site) as connection,
        raw(site) as silent,
    ):
        await connection.send(HEAD + b"X-Slow: ")
        assert await connection.rest() == b""
        assert await silent.rest() == b""


@pytest.mark.parametrize(
    "bomb",
    [
        b"X-Large: " + b"x" * (1 << 17),
        b"".join(b"X-%d: y\r\n" % number for number in range(20_000)),
        b"X" * (1 << 17),
    ],
    ids=["long", "many", "no colon"],
)
async def test_heads_without_end(bomb: bytes) -> None:
    async with serving() as site:
        async with raw(site) as connection:
            await connection.send(HEAD + bomb)
            found = await connection.rest()
            assert not found or 400 <= int(found.split()[1]) < 500
        await answers(site)


async def test_a_body_that_is_too_large_is_read_and_refused() -> None:
    async with serving(Options(max_body=1000)) as site, site.client() as web:
        assert (await web.post("/echo", content=b"x" * 1000)).json()["bytes"] == 1000
        response = await web.post("/echo", content=b"x" * 1001)
        assert response.status_code == 413
        assert "more than 1000 bytes" in response.json()["message"]
        await answers(site)


async def test_a_body_without_end_is_not_read_for_ever() -> None:
    async with serving(Options(max_body=1000)) as site:
        async with raw(site) as connection:
            await connection.send(HEAD + b"Content-Length: 1000000000\r\n\r\n" + b"x" * 10_000)
            assert (await said(connection))[0] == 413
        await answers(site)
