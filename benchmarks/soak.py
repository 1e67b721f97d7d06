"""Thousands of requests of mixed sizes at one server, many of them abandoned: does it stay whole?

At the end every sequence has to be free, the worker's memory has to be what it was once the first
requests had settled it, and the same questions, asked alone, have to get the same greedy answers as
from the fresh server. The exit code is 1 when a promise is broken. Linux only (`/proc`).

Examples:
    python -m benchmarks.soak
    python -m benchmarks.soak --requests 500 --model ~/models/small.gguf
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.client_bench.machine import described

_ROOT = Path(__file__).parents[1]
_CHAT = "/v1/chat/completions"
_QUESTIONS = ("What is 12 + 30?", "Which letter comes after c?", "a " * 60)
_PATIENCE = 120.0
_GROWTH = 0.05
"""Of its memory, what a worker may have more at the end."""


@dataclass(slots=True)
class Report:
    """What became of all requests.

    Attributes:
        answered: Requests that got their whole answer.
        cancelled: Requests that were abandoned, at any stage.
        failed: Requests that got anything else.
        seconds: From the first request to the last.
        tokens: Tokens generated.
        settled: Bytes of the worker's memory once the first requests were over.
        ended: The same at the end.
        busy: Requests that hold a sequence or wait, when all are over.
        restarts: Deaths of the worker.
        longest_wait: Most steps that a request waited for its turn.
        preempted: Times a request had to step back.
        before: Greedy answers of the fresh server.
        after: The same answers at the end.
    """

    answered: int = 0
    cancelled: int = 0
    failed: int = 0
    seconds: float = 0.0
    tokens: int = 0
    settled: int = 0
    ended: int = 0
    busy: int = 0
    restarts: int = 0
    longest_wait: int = 0
    preempted: int = 0
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """How much more memory the worker has than once it had settled, as a fraction."""
        return self.ended / self.settled - 1

    def broken(self) -> list[str]:
        """The promises that were not kept."""
        promises = {
            f"{self.failed} requests failed": self.failed == 0,
            f"{self.busy} requests are left": self.busy == 0,
            f"the worker died {self.restarts} times": self.restarts == 0,
            f"its memory grew by {self.growth:.1%}": self.growth <= _GROWTH,
            "greedy answers are others than a fresh server's": self.before == self.after,
        }
        return [what for what, kept in promises.items() if not kept]


@dataclass(frozen=True, slots=True)
class Soak:
    """A load.

    Attributes:
        url: Where the server is; it serves one model, on this machine.
        requests: How many are sent.
        settled: After how many the worker's memory is what it has to stay.
        at_once: How many are under way at the same time.
        seed: Start of the random sequence that makes requests and chooses who leaves.
    """

    url: str
    requests: int
    settled: int
    at_once: int
    seed: int

    async def run(self) -> Report:
        """Sends everything and looks at what is left."""
        report = Report()
        connections = httpx.Limits(max_connections=self.at_once + 1)
        async with httpx.AsyncClient(
            base_url=self.url, timeout=_PATIENCE, limits=connections
        ) as web:
            report.before = await _greedy(web)
            begun = time.monotonic()
            await self._send(web, report, random.Random(self.seed))
            report.seconds = time.monotonic() - begun
            await _settle(web, report)
            report.after = await _greedy(web)
        return report

    async def _send(self, web: httpx.AsyncClient, report: Report, chance: random.Random) -> None:
        numbers = iter(range(self.requests))

        async def one_after_the_other() -> None:
            for number in numbers:
                if number == self.settled:
                    report.settled = _memory((await _health(web))["pid"])
                await _request(web, report, chance)

        async with asyncio.TaskGroup() as group:
            for _ in range(self.at_once):
                group.create_task(one_after_the_other())


async def _request(web: httpx.AsyncClient, report: Report, chance: random.Random) -> None:
    """One request; a quarter of them leave after some text, or after some time, early or late."""
    body = _body(chance)
    leaves = chance.random()
    events = chance.randrange(6) if leaves < 0.15 else None
    seconds = chance.random() ** 3 / 2 if 0.15 <= leaves < 0.25 else None
    try:
        async with asyncio.timeout(seconds):
            whole = await _stream(web, body, events)
    except TimeoutError:
        report.cancelled += 1
        return
    except httpx.HTTPError:
        whole = False
    if events is not None:
        report.cancelled += 1
    elif whole:
        report.answered += 1
    else:
        report.failed += 1


def _body(chance: random.Random) -> dict[str, object]:
    """Some are alike from the beginning on, as a panel's are; sizes are mixed."""
    beginning = "The same beginning of many questions. " * chance.choice([0, 0, 1, 4])
    end = "".join(chance.choices("abcdefgh 123", k=chance.choice([3, 20, 60])))
    body = _ask(beginning + end, chance.choice([1, 4, 16, 48]))
    knobs = {"seed": chance.randrange(100), "temperature": chance.choice([0, 0.7, 2])}
    return {**body, **knobs, "n": chance.choice([1, 1, 1, 1, 3])}


def _ask(text: str, tokens: int) -> dict[str, object]:
    messages = [{"role": "user", "content": text}]
    return {"messages": messages, "max_tokens": tokens, "stream": True}


async def _stream(web: httpx.AsyncClient, body: dict[str, object], events: int | None) -> bool:
    """Whether the answer came whole; leaves after so many events."""
    seen, done = 0, False
    async with web.stream("POST", _CHAT, json=body) as response:
        if response.status_code != 200:
            return False
        async for line in response.aiter_lines():
            seen += line.startswith("data:")
            done = done or line == "data: [DONE]"
            if events is not None and seen > events:
                return False
    return done


async def _greedy(web: httpx.AsyncClient) -> list[str]:
    """Answers to fixed questions, each asked alone."""
    found = []
    for question in _QUESTIONS:
        body = {**_ask(question, 32), "temperature": 0, "stream": False}
        response = await web.post(_CHAT, json=body)
        response.raise_for_status()
        found.append(response.json()["choices"][0]["message"]["content"])
    return found


async def _settle(web: httpx.AsyncClient, report: Report) -> None:
    """Waits for the abandoned ones to be gone, and reads what is left."""
    end = time.monotonic() + _PATIENCE
    found = await _health(web)
    while found["active"] + found["queued"] and time.monotonic() < end:
        found = await _health(web)
    report.busy = found["active"] + found["queued"]
    report.ended, report.restarts = _memory(found["pid"]), found["restarts"]
    engine = found["engine"]
    report.tokens, report.preempted = engine["generated"], engine["preempted"]
    report.longest_wait = engine["longest_wait"]


async def _health(web: httpx.AsyncClient) -> dict[str, Any]:
    body: dict[str, Any] = (await web.get("/health")).json()
    model: dict[str, Any] = body["models"][0]
    return model


def _memory(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


@contextlib.contextmanager
def _server(model: str) -> Iterator[str]:
    """The URL of a server of our own, whose engine checks itself."""
    command = [sys.executable, "-m", "backend", "--port", "0", "--exit-with-parent"]
    with subprocess.Popen(
        [*command, "--model", model, "--ctx", "1024", "--parallel", "8", "--queue", "256"],
        cwd=_ROOT,
        env={**os.environ, "COUNCIL_BACKEND_AUDIT": "1"},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if " ready on " in line:
                    yield line.rpartition(" ready on ")[2].strip()
                    break
            else:
                raise SystemExit("the server did not start")
        finally:
            process.stdin.close()  # ends it


def _told(report: Report) -> str:
    memory = f"{report.settled >> 10} KiB settled, {report.ended >> 10} KiB at the end"
    return (
        f"{described()}\n"
        f"{report.answered} answered, {report.cancelled} cancelled, {report.failed} failed in "
        f"{report.seconds:.0f} s; {report.tokens} tokens\n"
        f"longest wait {report.longest_wait} steps, {report.preempted} stepped back, "
        f"{report.restarts} restarts, {report.busy} left\n"
        f"memory of the worker: {memory} ({report.growth:+.1%})\n"
        f"greedy answers as from a fresh server: {report.before == report.after}"
    )


def main() -> int:
    """Runs the command line; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="builtin:sage", help="as python -m backend takes it")
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--settled", type=int, default=500)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.settled >= options.requests:
        parser.error("--settled has to be less than --requests")
    with _server(options.model) as url:
        soak = Soak(url, options.requests, options.settled, options.at_once, options.seed)
        report = asyncio.run(soak.run())
    print(_told(report))
    for what in report.broken():
        print(f"broken: {what}")
    return 1 if report.broken() else 0


if __name__ == "__main__":
    sys.exit(main())
