"""One measurement in a fresh process: prints it as a line of JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from importlib import import_module
from statistics import median

from benchmarks.client_bench.clients import CLIENTS, client
from benchmarks.client_bench.machine import (
    allow_many_sockets,
    cpu_seconds,
    forget_peak,
    peak_bytes,
    pin,
)
from benchmarks.client_bench.receipts import Receipt, expected_hash


@dataclass(frozen=True, slots=True)
class Cell:
    """What is measured.

    Attributes:
        client: Who streams.
        mode: `paced`, `batch`, `flood`, `rest`, or `import`.
        streams: How many streams at once; 0 for the memory of a client at rest.
        tokens: Tokens of each stream.
        rate: Tokens a second of each stream, when paced.
    """

    client: str
    mode: str
    streams: int = 0
    tokens: int = 0
    rate: float = 50.0

    @property
    def paced(self) -> bool:
        """Whether the server keeps a pace."""
        return self.mode in ("paced", "batch")

    @property
    def model(self) -> str:
        """The model to ask the server for."""
        pace = f"@{self.rate:g}" if self.paced else ""
        return f"{self.mode}-{self.tokens}{pace}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured; times in seconds, memory in bytes.

    Attributes:
        cpu: CPU time of the process from before the first request to after the last token.
        wall: Time on the clock for the same.
        peak: The most memory held by then.
        first_token: Median over the streams, since the server sent it.
        slowest_first_token: The same of the slowest stream.
        error: Why there are no figures.
    """

    cpu: float = 0.0
    wall: float = 0.0
    peak: int = 0
    first_token: float | None = None
    slowest_first_token: float | None = None
    error: str | None = None


async def stream(cell: Cell, url: str) -> Outcome:
    """Streams once for warming up, then takes the measurement."""
    receipts = [Receipt() for _ in range(cell.streams)]
    async with client(cell.client)(url) as run:
        await run("flood-5", [Receipt()])
        forget_peak()
        cpu, wall = cpu_seconds(), time.monotonic()
        if receipts:
            await run(cell.model, receipts)
        cpu, wall = cpu_seconds() - cpu, time.monotonic() - wall
        peak = peak_bytes()
    firsts = [receipt.first_token for receipt in receipts if receipt.first_token is not None]
    return Outcome(
        cpu,
        wall,
        peak,
        median(firsts) if firsts else None,
        max(firsts, default=None),
        None if cell.client == "null" else _wrong(receipts, cell.tokens),
    )


def _wrong(receipts: list[Receipt], tokens: int) -> str | None:
    expected = expected_hash(tokens)
    wrong = sum(receipt.hash != expected for receipt in receipts)
    return f"{wrong} of {len(receipts)} streams did not arrive whole" if wrong else None


def import_modules(name: str) -> Outcome:
    """What importing a client's libraries costs; this process has imported little before."""
    wall = time.monotonic()
    cpu = cpu_seconds()
    for module in CLIENTS[name][2]:
        import_module(module)
    return Outcome(cpu_seconds() - cpu, time.monotonic() - wall, peak_bytes())


def measure(cell: Cell, url: str) -> Outcome:
    """The outcome of a cell, errors included: a library that is missing is a row that says so."""
    try:
        if cell.mode == "import":
            return import_modules(cell.client)
        return asyncio.run(stream(cell, url))
    except Exception as error:
        return Outcome(error=f"{type(error).__name__}: {error}"[:200])


def main() -> None:
    """Takes a cell and the endpoint as JSON."""
    pin("client")
    allow_many_sockets()
    wanted = json.loads(sys.argv[1])
    url = wanted.pop("url")
    # Behind a newline: what libraries print of themselves may not end with one.
    print("\n" + json.dumps(asdict(measure(Cell(**wanted), url))), flush=True)


if __name__ == "__main__":
    main()
