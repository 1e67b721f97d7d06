"""Thousands of hostile requests over real sockets: each is answered in order, and nothing breaks.

``COUNCIL_FUZZ`` says how many (10,000 take a minute or two), ``COUNCIL_FUZZ_SEED`` which. What
fails names its seed and number, with which ``hostile_requests.draw`` makes it again.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.backend.api.test_failures import CHAT
from tests.backend.hostile_requests import Hostile, draw
from tests.backend.serving import PATIENCE, Server, ask, client, health, running

pytestmark = pytest.mark.anyio
COUNT = int(os.environ.get("COUNCIL_FUZZ", "1500"))
SEED = int(os.environ.get("COUNCIL_FUZZ_SEED", "1"))
_CLIENTS = 12


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Two built-in models; requests may unload "spare"."""
    arguments = ["--model", "builtin:sage=main", "--model", "builtin:abacus=spare"]
    with running(*arguments, "--ctx", "256", "--sessions", "3") as found:
        yield found


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it came; without one, status 0."""

    status: int = 0
    headers: dict[str, str] | None = None
    body: bytes = b""

    def header(self, name: str) -> str:
        return (self.headers or {}).get(name, "")


async def send(server: Server, hostile: Hostile) -> Answer:
    """Writes a request to a connection of its own and reads what comes back, to the end."""
    url = httpx.URL(server.url)
    reader, writer = await asyncio.open_connection(url.host, url.port, limit=1 << 24)
    try:
        writer.write(hostile.raw)
        if not hostile.http:
            # It may promise more than it has.
            writer.write_eof()
        return await _read(reader, hostile.method)
    except (ConnectionError, asyncio.IncompleteReadError):
        return Answer()
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader, method: str) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").strip().split("\r\n")
    named = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in named}
    status = int(status_line.split()[1])
    if status == 100:
        return await _read(reader, method)
    if method == "HEAD" or status in (204, 304):
        return Answer(status, headers)
    if headers.get("transfer-encoding") == "chunked":
        return Answer(status, headers, await _chunks(reader))
    if "content-length" in headers:
        return Answer(status, headers, await reader.readexactly(int(headers["content-length"])))
    return Answer(status, headers, await reader.read())


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    return body


def problem(hostile: Hostile, answer: Answer) -> str:
    """What is wrong with an answer; "" when it is as it should be."""
    if not hostile.http and answer.status in (0, 400, 431):
        return ""
    if answer.status == 0:
        return "no answer"
    if not (200 <= answer.status < 300 or 400 <= answer.status < 500):
        return f"status {answer.status}: {answer.body[:300]!r}"
    if hostile.method == "HEAD" or answer.status == 204:
        return ""
    kind = answer.header("content-type")
    if answer.status >= 400:
        return _envelope(hostile, answer, kind)
    return _success(answer, kind)


def _envelope(hostile: Hostile, answer: Answer, kind: str) -> str:
    if kind != "application/json":
        return f"an error that is {kind!r}"
    body = json.loads(answer.body)
    if "Traceback" in answer.body.decode():
        return "a traceback"
    if f"{hostile.route}/".startswith("/v1/messages/"):
        right = set(body) == {"type", "error", "request_id"} and body["type"] == "error"
        right = right and set(body["error"]) == {"type", "message"}
    else:
        right = set(body) == {"error"}
        right = right and set(body["error"]) == {"message", "type", "param", "code"}
    if not right:
        return f"another envelope: {answer.body[:300]!r}"
    if not body["error"]["message"] or len(body["error"]["message"]) > 2000:
        return f"a message of {len(body['error']['message'])} characters"
    if answer.status == 405 and not answer.header("allow"):
        return "405 without Allow"
    return ""


def _success(answer: Answer, kind: str) -> str:
    if kind.startswith("text/event-stream"):
        events = [line[6:] for line in answer.body.decode().split("\n") if line[:6] == "data: "]
        failed = [event for event in events if event != "[DONE]" and "error" in _loaded(event)]
        return f"a stream that failed: {failed[0]}" if failed else ""
    if kind == "application/json":
        json.loads(answer.body)
        return ""
    return "" if kind.startswith("text/plain") or not answer.body else f"it is {kind!r}"


def _loaded(event: str) -> Any:
    found = json.loads(event)
    # A response that ended well has a field for its error, too.
    return {name for name, value in found.items() if value}


async def routes(web: httpx.AsyncClient) -> list[tuple[str, str]]:
    """The methods and paths of all routes there are."""
    paths = (await web.get("/openapi.json")).json()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


async def greedy(web: httpx.AsyncClient) -> str:
    body = ask("What is the capital of Japan?", model="main", temperature=0, max_tokens=12)
    response = await web.post(CHAT, json=body)
    assert response.status_code == 200, response.text
    text: str = response.json()["choices"][0]["message"]["content"]
    return text


@pytest.mark.timeout(900)
async def test_nothing_that_is_sent_does_harm(server: Server) -> None:
    numbers = iter(range(COUNT))
    statuses: Counter[int] = Counter()
    problems: list[str] = []
    async with client(server) as web:
        there = await routes(web)
        before, pid = await greedy(web), (await health(web))["pid"]

        async def attack() -> None:
            for number in numbers:
                hostile = draw(SEED, number, there)
                try:
                    async with asyncio.timeout(PATIENCE):
                        answer = await send(server, hostile)
                    wrong = problem(hostile, answer)
                    statuses[answer.status] += 1
                except TimeoutError:
                    wrong = "no answer in time"
                except ValueError as error:
                    wrong = f"an answer that cannot be read: {error}"
                if wrong:
                    problems.append(f"draw({SEED}, {number}): {wrong}\n    {hostile.raw[:600]!r}")

        await asyncio.gather(*(attack() for _ in range(_CLIENTS)))
        print(f"seed {SEED}: {dict(statuses)}")  # noqa: T201
        assert not problems, f"{len(problems)} of {COUNT}:\n" + "\n".join(problems[:20])
        assert await greedy(web) == before
        found = await health(web)
        assert (found["status"], found["pid"], found["restarts"]) == ("ready", pid, 0)
    assert len(server.lines) == 2, server.lines[2:12]
