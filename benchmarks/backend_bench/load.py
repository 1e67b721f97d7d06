"""The client: sends all requests at once and notes when each token came; a process of its own.

It reads bytes and the clock while the answers come, and looks into the bytes when all is over, so
that it takes next to nothing from the server it shares the machine with.
"""

from __future__ import annotations

import asyncio
import bisect
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import Any
from urllib.parse import urlsplit

from benchmarks.backend_bench.cell import Answer, Outcome, summary

_READ = 1 << 16
_LIMIT = 600.0


class BadAnswer(Exception):
    """The server refused, or broke off."""


@dataclass(frozen=True, slots=True)
class Work:
    """What to send: the body of each request, as JSON, and where to."""

    url: str
    bodies: list[str]
    tokens: int


@dataclass(slots=True)
class Received:
    """The bytes of one response, and when each piece of them came."""

    pieces: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def answer(self) -> Answer:
        """What was in the response.

        Raises:
            BadAnswer: It is no complete event stream.
        """
        head, _, body = b"".join(self.pieces).partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            status = head.partition(b"\r\n")[0][:40]
            raise BadAnswer(f"{status!r}: {body[:200]!r}")
        ends = list(accumulate(map(len, self.pieces)))
        times: list[float] = []
        usage: dict[str, Any] = {}
        for at, event in _events(body, b"chunked" in head.lower()):
            if "error" in event:
                raise BadAnswer(str(event["error"])[:200])
            if _has_text(event):
                times.append(self.times[bisect.bisect_left(ends, len(head) + 4 + at)])
            usage = event.get("usage") or usage
        details = usage.get("prompt_tokens_details") or {}
        return Answer(
            times,
            prompt=int(usage.get("prompt_tokens") or 0),
            cached=int(details.get("cached_tokens") or 0),
            # Some servers tell no usage in streams; with the model made here a token is an event.
            generated=int(usage.get("completion_tokens") or len(times)),
        )


def _has_text(event: dict[str, Any]) -> bool:
    choices = event.get("choices") or [{}]
    delta = choices[0].get("delta") or {}
    return bool(delta.get("content") or delta.get("reasoning_content"))


def _events(body: bytes, chunked: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    """The events of a stream, each with the place in the body where its bytes end.

    Raises:
        BadAnswer: The stream was cut.
    """
    rest = b""
    done = False
    for end, piece in _chunks(body) if chunked else [(len(body), body)]:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            data = line.removeprefix(b"data:").strip()
            if data == b"[DONE]":
                done = True
            elif data.startswith(b"{"):
                yield end, json.loads(data)
    if not done:
        raise BadAnswer("the stream was cut")


def _chunks(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The pieces of a body in chunked coding, each with the place where it ends."""
    at = 0
    while at < len(body):
        line_end = body.index(b"\r\n", at)
        size = int(body[at:line_end].partition(b";")[0], 16)
        if not size:
            return
        start = line_end + 2
        yield start + size, body[start : start + size]
        at = start + size + 2


async def post(url: str, body: str, start: float) -> Received:
    """Sends a request and reads the response to its end."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    raw = body.encode()
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
    )
    writer.write(head.encode() + raw)
    received = Received()
    while piece := await reader.read(_READ):
        received.pieces.append(piece)
        received.times.append(time.perf_counter() - start)
    writer.close()
    return received


async def measure(work: Work) -> Outcome:
    """Sends everything at once.

    Raises:
        BadAnswer: An answer is no complete stream.
        OSError: No connection.
        TimeoutError: It took too long.
    """
    start = time.perf_counter()
    async with asyncio.timeout(_LIMIT):
        all_received = await asyncio.gather(*(post(work.url, b, start) for b in work.bodies))
    end = max(received.times[-1] for received in all_received if received.times)
    return summary([received.answer() for received in all_received], work.tokens, end)


def outcome(work: Work) -> Outcome:
    """The same, with what goes wrong as an outcome."""
    try:
        return asyncio.run(measure(work))
    except (BadAnswer, OSError, TimeoutError, ValueError, KeyError) as error:
        return Outcome(error=f"{type(error).__name__}: {error}"[:200])


def main() -> None:
    """Takes the work as JSON on standard input, gives the outcome as a line of JSON."""
    work = Work(**json.load(sys.stdin))
    print(json.dumps(asdict(outcome(work))), flush=True)


if __name__ == "__main__":
    main()
