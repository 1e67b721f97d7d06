"""A gateway's side of the wire, byte by byte: what a test says that it sends."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from council.agents.scripted import ScriptedAgent
from council.council import open_council
from council.events import to_json
from council.testing import CLOSE_HEAD, END, STREAM_HEAD, Request, Step, chunked, keep_alive
from council.testing.frames import plain_reply

RUN = "0123456789abcdef"
KEEP_ALIVE = b": keep-alive\n\n"

Steps = Sequence[Step]


def message(number: int, line: str) -> bytes:
    """One event as the gateway sends it."""
    return f"id: {number}\nevent: {json.loads(line)['type']}\ndata: {line}\n\n".encode()


def refused(status: str, text: str, code: str = "", **headers: str) -> list[Step]:
    """A response with the gateway's error object."""
    error = {"message": text, "type": "invalid_request_error", "param": None, "code": code or None}
    body = json.dumps({"error": error}).encode()
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", *lines]
    return [
        "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body,
        keep_alive,
    ]


def started() -> list[Step]:
    """The answer to a question."""
    told = {"id": RUN, "panel": "p", "status": "running", "created": 1.0, "events": "/"}
    return plain_reply("201 Created", json.dumps(told))


async def lines_of(*agents: ScriptedAgent) -> list[str]:
    """The events of a run of these experts, a line of JSON each."""
    async with open_council(list(agents)) as council, council.stream("Capital of Japan?") as run:
        return [to_json(event) async for event in run]


@dataclass
class Spoken:
    """Answers as a gateway would, with one event stream for each connection that asks for it.

    Attributes:
        lines: The run's events.
        streams: What the n-th request for events gets; the last one is for all further ones.
        begin: What a question gets, in turn; the last one is for all further ones.
        others: By the beginning of the request's line, what other requests get.
        requests: What came in, in order: method and path.
        headers: The headers of each request for events.
        bodies: What was asked.
    """

    lines: list[str]
    streams: list[Callable[[Spoken, int], Steps]] = field(default_factory=list)
    begin: list[Steps] = field(default_factory=lambda: [started()])
    others: dict[str, Steps] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[object] = field(default_factory=list)

    def __call__(self, request: Request) -> Steps:
        line = request.line.rpartition(" ")[0]
        self.requests.append(line)
        for beginning, steps in self.others.items():
            if line.startswith(beginning):
                return steps
        if line == "POST /v1/council/runs":
            self.bodies.append(request.json)
            return self.begin.pop(0) if len(self.begin) > 1 else self.begin[0]
        if line.endswith("/events"):
            self.headers.append(request.headers)
            after = int(request.headers.get("last-event-id", "0"))
            stream = self.streams.pop(0) if len(self.streams) > 1 else self.streams[0]
            return stream(self, after)
        return plain_reply("200 OK", json.dumps({"id": RUN, "status": "running", "result": None}))

    def count(self, beginning: str) -> int:
        """How many requests began so."""
        return sum(line.startswith(beginning) for line in self.requests)

    def messages(self, after: int = 0, until: int | None = None) -> bytes:
        """The events behind one, up to another."""
        numbered = list(enumerate(self.lines, 1))[after:until]
        return b"".join(message(number, line) for number, line in numbered)


def whole(gateway: Spoken, after: int) -> Steps:
    """All events behind the last one known."""
    return [STREAM_HEAD, chunked(KEEP_ALIVE + gateway.messages(after)), END, keep_alive]


def cut(events: int, *last: Step) -> Callable[[Spoken, int], Steps]:
    """So many events and half of another one, then the connection is closed, or what is said."""

    def stream(gateway: Spoken, after: int) -> Steps:
        half = gateway.messages(after + events, after + events + 1)[:-20]
        sent = gateway.messages(after, after + events) + half
        return [STREAM_HEAD, chunked(sent), *last]

    return stream


def ended(events: int) -> Callable[[Spoken, int], Steps]:
    """So many events, and an end as if those were all."""

    def stream(gateway: Spoken, after: int) -> Steps:
        return [CLOSE_HEAD, gateway.messages(after, after + events)]

    return stream
