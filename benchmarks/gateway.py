"""Many runs at one gateway at the same time: how soon each begins, and what memory they leave.

The gateway is a process of its own with three scripted experts that take their time; each client is
a connection whose bytes are read here. A crowd arrives within a few seconds, so that all its runs
are under way together, and watches to the end; several times over. The exit code is 1 where a run
is lost. Linux only (`/proc`).

Examples:
    python -m benchmarks.gateway
    python -m benchmarks.gateway --runs 400 --rounds 5
    python -m benchmarks.gateway --within 0
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.client_bench.machine import described

_ROOT = Path(__file__).parents[1]
_WORDS = 40
_DELAY = 0.25
"""Seconds before each word of an expert."""
_LAST = b"event: run.finished"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one client saw.

    Attributes:
        first: Seconds from sending the question to its first event.
        whole: Seconds to its last.
        done: Whether that was the run's end.
    """

    first: float
    whole: float
    done: bool


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many runs begin within how many seconds, and how often that happens."""

    runs: int
    rounds: int
    within: float


def main(argv: Sequence[str] | None = None) -> int:
    """Measures; returns the exit code."""
    options = _parser().parse_args(argv)
    if options.serve:
        asyncio.run(_serve(options.runs))
        return 0
    crowd = Crowd(options.runs, options.rounds, options.within)
    return asyncio.run(_measure(_started(options.runs), crowd))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=200, help="at the same time (default: 200)")
    parser.add_argument("--rounds", type=int, default=3, help="how often (default: 3)")
    parser.add_argument(
        "--within",
        type=float,
        default=4.0,
        metavar="SECONDS",
        help="time in which they arrive, one after the other; 0 is all at once (default: 4)",
    )
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser


def _started(runs: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.gateway", "--serve", "--runs", str(runs)]
    return subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)


async def _measure(gateway: subprocess.Popen[str], crowd: Crowd) -> int:
    print(described())
    assert gateway.stdout is not None
    lost = 0
    try:
        port = urlsplit(gateway.stdout.readline().strip()).port
        assert port is not None
        await _client(port, 0.0)  # what is made once is made now
        when = f"begun within {crowd.within:g} s" if crowd.within else "begun all at once"
        print(f"{crowd.runs} runs, {when}; 3 experts, a word each {_DELAY:g} s")
        print(f"{'':10}{'median':>9}{'p99':>9}{'last':>9}{'lost':>6}{'RSS MiB':>9}")
        for number in range(crowd.rounds):
            gaps = (crowd.within * place / crowd.runs for place in range(crowd.runs))
            seen = await asyncio.gather(*(_client(port, gap) for gap in gaps))
            lost += sum(not each.done for each in seen)
            print(_row(f"round {number + 1}", seen, _resident(gateway.pid)))
    finally:
        gateway.terminate()
        gateway.wait(60)
        gateway.stdout.close()
    return 1 if lost else 0


def _row(name: str, seen: Sequence[Seen], resident: int) -> str:
    firsts = sorted(each.first * 1000 for each in seen)
    median, p99 = firsts[len(firsts) // 2], firsts[min(len(firsts) - 1, len(firsts) * 99 // 100)]
    last = max(each.whole for each in seen)
    lost = sum(not each.done for each in seen)
    times = f"{median:>6.0f} ms{p99:>6.0f} ms{last:>7.1f} s"
    return f"{name:10}{times}{lost:>6}{resident / (1 << 20):>9.1f}"


async def _client(port: int, gap: float) -> Seen:
    """One run from its question, asked after so many seconds, to its end."""
    await asyncio.sleep(gap)
    body = json.dumps({"question": "What is 6 * 7?", "stream": True}).encode()
    head = (
        "POST /v1/council/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.perf_counter()
    first, tail = 0.0, b""
    writer.write(head.encode() + body)
    while piece := await reader.read(1 << 16):
        tail = tail[-len(_LAST) :] + piece
        if not first and b"event: " in tail:
            first = time.perf_counter() - began
        if _LAST in tail:
            break
    whole = time.perf_counter() - began
    writer.close()
    return Seen(first or whole, whole, _LAST in tail)


async def _serve(runs: int) -> None:
    """The gateway; its address is the first line of standard output."""
    from hypercorn.asyncio import serve

    from council.agents.scripted import ScriptedAgent
    from council.assemble import by_hand
    from council.council import Council
    from council.gateway.app import create_app
    from council.gateway.panels import Panels, open_panel
    from council.gateway.runs import RunLimits
    from council.gateway.state import GatewayOptions, gateway_of
    from council.limits import RunLimits as PanelLimits
    from serving.gate import Gate
    from serving.listener import bind, http_config, url_of
    from serving.options import Options

    text = "well " * (_WORDS - 1) + "42"
    seats = [ScriptedAgent(id, text, delay=_DELAY) for id in ("ada", "bob", "eve")]
    listener = bind("127.0.0.1", 0)
    print(url_of(listener), flush=True)
    options = GatewayOptions(RunLimits(running=runs, kept=10))
    limits = PanelLimits(concurrency=len(seats) * runs)
    panel = open_panel("panel", Council(replace(by_hand(seats), limits=limits)))
    async with gateway_of(Panels([panel]), options=options) as state:
        app = create_app(state, Gate(Options(), loopback=True))
        await serve(app, http_config(listener))


def _resident(pid: int) -> int:
    """Bytes of a process's memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())
