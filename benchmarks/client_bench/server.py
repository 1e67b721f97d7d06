"""The server: raw asyncio, with everything that can be prepared prepared.

The requested model says what to send: `paced-200@50` is 200 tokens at 50 a second, streams taking
turns; `batch-200@50` the same with all streams at once; `flood-200` as fast as they go. Run as a
process of its own; it prints its port.
"""

from __future__ import annotations

import asyncio
import functools
import json
import sys
from collections.abc import Iterator

from benchmarks.client_bench.machine import pin
from benchmarks.client_bench.receipts import stamp, token

_SLOTS_PER_SECOND = 1000
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_CHUNK = {
    "id": "chatcmpl-benchmark",
    "object": "chat.completion.chunk",
    "created": 1700000000,
    "model": "benchmark",
    "system_fingerprint": "fp_0123456789",
}


def event(text: str, finish: str | None = None) -> bytes:
    """One token as servers send it: one event in one chunk of the body."""
    delta = {} if finish else {"content": text}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return chunked(b"data: %s\n\n" % json.dumps({**_CHUNK, "choices": [choice]}).encode())


def chunked(data: bytes) -> bytes:
    """Data as one piece of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


_LAST = event("", "stop") + chunked(b"data: [DONE]\n\n") + b"0\r\n\r\n"


@functools.cache
def events(tokens: int) -> list[bytes]:
    """All events of a stream after its stamp, the end with the last."""
    texts = [event(token(number)) for number in range(1, tokens)]
    return [*texts, _LAST]


@functools.cache
def whole(tokens: int) -> bytes:
    """The same in one piece."""
    return b"".join(events(tokens))


class Pacer:
    """Sends one token of every stream of one pace in each of its periods.

    One timer for all. Streams take turns in slots of a millisecond, as independent servers' tokens
    come; or all of them have one slot, as a server's that decodes them in one batch.

    Args:
        rate: Tokens a second of each stream.
        batch: All streams at once.
    """

    def __init__(self, rate: float, *, batch: bool) -> None:
        slots = 1 if batch else max(1, round(_SLOTS_PER_SECOND / rate))
        self._slots: list[set[Connection]] = [set() for _ in range(slots)]
        self._seconds = 1 / rate / slots
        self._next = 0

    def add(self, connection: Connection) -> None:
        """Another stream; the slots fill evenly."""
        self._slots[self._next].add(connection)
        self._next = (self._next + 1) % len(self._slots)

    async def run(self) -> None:
        """Paces until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            for slot in self._slots:
                due += self._seconds
                await asyncio.sleep(max(0.0, due - loop.time()))
                for connection in tuple(slot):
                    if not connection.send_next():
                        slot.discard(connection)


class Pacers:
    """A pacer for each pace that was asked for."""

    def __init__(self) -> None:
        self._pacers: dict[tuple[float, bool], Pacer] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def add(self, rate: float, connection: Connection, *, batch: bool) -> None:
        """Another stream of that pace."""
        pacer = self._pacers.get((rate, batch))
        if pacer is None:
            pacer = self._pacers[rate, batch] = Pacer(rate, batch=batch)
            self._tasks.append(asyncio.create_task(pacer.run()))
        pacer.add(connection)

    def close(self) -> None:
        """Stops all of them."""
        for task in self._tasks:
            task.cancel()


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, pacers: Pacers) -> None:
        self._pacers = pacers
        self._request = b""
        self._pieces: Iterator[bytes] = iter(())
        self._rest = memoryview(b"")
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._request += data
        head, end, body = self._request.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return
        self._request = b""
        mode, _, wanted = str(json.loads(body)["model"]).rpartition("/")[2].partition("-")
        tokens, _, rate = wanted.partition("@")
        self._transport.write(_HEAD)
        if mode == "flood":
            self._transport.write(event(stamp()))
            self._rest = memoryview(whole(int(tokens)))
            self._flood()
        else:
            self._pieces = _stamped(events(int(tokens)))
            self._pacers.add(float(rate), self, batch=mode == "batch")

    def send_next(self) -> bool:
        """Sends the next token; False when there is none."""
        piece = next(self._pieces, None)
        if piece is None or self._transport.is_closing():
            return False
        self._transport.write(piece)
        return True

    def _flood(self) -> None:
        while self._rest and not self._paused:
            self._transport.write(self._rest[:65536])
            self._rest = self._rest[65536:]

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._flood()


def _stamped(pieces: list[bytes]) -> Iterator[bytes]:
    yield event(stamp())
    yield from pieces


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def serve() -> None:
    """Serves until standard input ends, as it does when the parent is gone."""
    pacers = Pacers()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(pacers), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    pacers.close()
    server.close()


if __name__ == "__main__":
    pin("server")
    asyncio.run(serve())
