"""What a streamed token costs the client: CPU, time to the first token, memory, import.

One server process on one core, one client process on another, a fresh one for each measurement.

Examples:
    python -m benchmarks.client --quick
    python -m benchmarks.client --clients floor,council-agent --streams 100 --mode paced
    python -m benchmarks.client --scale
    python -m benchmarks.client --equal-load --clients floor,council-agent,council-run
    python -m benchmarks.client --other-python ../other-venv/bin/python --json figures.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.client_bench.cell import Cell
from benchmarks.client_bench.clients import CLIENTS
from benchmarks.client_bench.machine import described
from benchmarks.client_bench.report import Report, scale
from benchmarks.client_bench.runner import Measurement, run_all

_MODES = ("paced", "batch", "flood")
_STREAMS = (1, 10, 100, 1000)
_QUICK_STREAMS = (1, 100)
_SCALE_TOKENS = (20_000, 200_000)
_EQUAL_STREAMS = (10, 1000)
_EQUAL_LOAD = 5_000.0
_EQUAL_TOKENS = 200
# A flood of few streams has to last long enough to be measured.
_FLOOD_TOKENS = 20_000


@dataclass(frozen=True, slots=True)
class Options:
    """The command line."""

    clients: tuple[str, ...]
    streams: tuple[int, ...]
    modes: tuple[str, ...]
    tokens: int | None
    repeats: int
    scale: bool
    equal_load: bool
    json: Path | None
    pythons: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints the tables."""
    options = parse(arguments)
    cells = chosen_cells(options)
    measurements = run_all(cells, options.repeats, options.pythons, progress)
    if options.json:
        write_json(options.json, measurements)
    print(f"{described()}; median (least–greatest) of {options.repeats} repeats\n")
    print(scale(measurements) if options.scale else Report(measurements).markdown())


def parse(arguments: Sequence[str] | None) -> Options:
    """Reads the command line."""
    about, _, examples = (__doc__ or "").partition("Examples:")
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.client",
        description=about,
        epilog=f"examples:{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--clients", help=f"some of {','.join(CLIENTS)} (default: all)")
    parser.add_argument("--streams", help="streams at once (default: 1,10,100,1000)")
    parser.add_argument("--mode", choices=(*_MODES, "all"), default="all")
    parser.add_argument("--tokens", type=int, help="tokens of each stream (default: by streams)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="1 and 100 streams, one repeat")
    parser.add_argument("--scale", action="store_true", help="one stream, 20,000 and 200,000")
    parser.add_argument(
        "--equal-load", action="store_true", help="10 and 1,000 streams, the same tokens a second"
    )
    parser.add_argument("--json", type=Path, help="write all measurements to this file")
    parser.add_argument("--other-python", help="interpreter for clients that are not here")
    given = parser.parse_args(arguments)
    clients = tuple(given.clients.split(",")) if given.clients else tuple(CLIENTS)
    for name in clients:
        if name not in CLIENTS:
            parser.error(f"unknown client {name!r} (known: {', '.join(CLIENTS)})")
    streams = map(int, given.streams.split(",")) if given.streams else _STREAMS
    return Options(
        clients=clients,
        streams=_QUICK_STREAMS if given.quick and not given.streams else tuple(streams),
        modes=_MODES if given.mode == "all" else (given.mode,),
        tokens=given.tokens,
        repeats=1 if given.quick else given.repeats,
        scale=given.scale,
        equal_load=given.equal_load,
        json=given.json,
        pythons=(sys.executable, *filter(None, [given.other_python])),
    )


def chosen_cells(options: Options) -> list[Cell]:
    """What the command line asks to measure."""
    if options.scale:
        return scale_cells(options)
    return equal_load_cells(options) if options.equal_load else streaming_cells(options)


def streaming_cells(options: Options) -> list[Cell]:
    """All modes and numbers of streams, and what a client costs at rest."""
    cells = [Cell(name, "import") for name in options.clients]
    cells += [Cell(name, "rest") for name in options.clients]
    for mode in options.modes:
        for streams in options.streams:
            tokens = options.tokens or default_tokens(mode, streams)
            cells += [Cell(name, mode, streams, tokens) for name in options.clients]
    return cells


def default_tokens(mode: str, streams: int) -> int:
    """Enough to measure, few enough to wait for."""
    if mode == "flood":
        return max(100, _FLOOD_TOKENS // streams)
    return 200 if streams <= 10 else 100 if streams <= 100 else 50


def scale_cells(options: Options) -> list[Cell]:
    """One stream, ten times as long the second time."""
    cells = [Cell(name, "rest") for name in options.clients]
    return cells + [
        Cell(name, "flood", 1, tokens) for tokens in _SCALE_TOKENS for name in options.clients
    ]


def equal_load_cells(options: Options) -> list[Cell]:
    """As many tokens a second on few streams and on many: what does the number of streams cost?"""
    cells = [Cell(name, "rest") for name in options.clients]
    return cells + [
        Cell(name, "paced", streams, options.tokens or _EQUAL_TOKENS, _EQUAL_LOAD / streams)
        for streams in _EQUAL_STREAMS
        for name in options.clients
    ]


def progress(line: str) -> None:
    """Tells whoever waits."""
    print(line, file=sys.stderr, flush=True)


def write_json(path: Path, measurements: Sequence[Measurement]) -> None:
    """Writes everything that was measured."""
    content = {"machine": described(), "measurements": [asdict(done) for done in measurements]}
    path.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
