"""What starting costs: CPU of `import council` and `council --help`, next to what they stand on.

Each figure is the CPU time of a fresh process (user and system) less that of an empty one, all of
them taking turns.

Examples:
    python -m benchmarks.startup
    python -m benchmarks.startup --repeats 30
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks.client_bench.machine import described
from benchmarks.client_bench.report import spread, table

_ROOT = Path(__file__).parents[1]
_EMPTY = "an empty process"
# What is measured, and what it is compared with.
COMMANDS: dict[str, tuple[list[str], str]] = {
    _EMPTY: (["-c", "pass"], _EMPTY),
    "import httpx": (["-c", "import httpx"], "import httpx"),
    "import aiohttp": (["-c", "import aiohttp"], "import httpx"),
    "import council": (["-c", "import council"], "import httpx"),
    "import rich.console, typer": (
        ["-c", "import rich.console, typer"],
        "import rich.console, typer",
    ),
    "council --help": (["-m", "council", "--help"], "import rich.console, typer"),
}


def cpu_seconds(arguments: list[str]) -> float:
    """User and system time of a fresh interpreter, to its end."""
    command = [sys.executable, *arguments]
    process = subprocess.Popen(
        command, cwd=_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def measure(repeats: int) -> dict[str, list[float]]:
    """CPU seconds of each command above the empty process, in each repeat."""
    for arguments, _ in COMMANDS.values():
        cpu_seconds(arguments)  # Once, so that compiled files and caches are there for all.
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(repeats):
        for name, (arguments, _) in COMMANDS.items():
            taken[name].append(cpu_seconds(arguments))
    empty = median(taken[_EMPTY])
    return {name: [value - empty for value in values] for name, values in taken.items()}


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    taken = measure(repeats)
    rows = []
    for name, (_, reference) in COMMANDS.items():
        if name == _EMPTY:
            continue
        ratios = [a / b for a, b in zip(taken[name], taken[reference], strict=True)]
        millis = spread([value * 1e3 for value in taken[name]], "{:.0f}")
        rows.append((name, millis, f"{spread(ratios, '{:.2f}')} × {reference}"))
    print(f"{described()}; median (least–greatest) of {repeats} repeats\n")
    print(table(("what", "CPU ms", "ratio"), rows))


if __name__ == "__main__":
    main()
