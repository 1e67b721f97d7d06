"""Starts the server and the cells' processes, in turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.client_bench.cell import Cell, Outcome

_ROOT = Path(__file__).parents[2]
_CELL_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Measurement:
    """One outcome of one cell, in one of the repeats."""

    cell: Cell
    repeat: int
    outcome: Outcome


@contextmanager
def server() -> Iterator[str]:
    """The server's process, for the length of the block; gives the endpoint."""
    command = [sys.executable, "-m", "benchmarks.client_bench.server"]
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.stdin.close()


def run_cell(cell: Cell, url: str, pythons: Sequence[str]) -> Outcome:
    """Measures in a fresh process of the first interpreter that has the client's libraries."""
    outcome = Outcome(error="no interpreter")
    for python in pythons:
        outcome = _run(cell, url, python)
        if "ModuleNotFoundError" not in (outcome.error or ""):
            break
    return outcome


def _run(cell: Cell, url: str, python: str) -> Outcome:
    wanted = json.dumps({**asdict(cell), "url": url})
    command = [python, "-m", "benchmarks.client_bench.cell", wanted]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    try:
        done = subprocess.run(
            command,
            cwd=_ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_CELL_SECONDS,
        )
        return Outcome(**json.loads(done.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return Outcome(error=f"not finished within {_CELL_SECONDS:.0f} s")
    except (IndexError, ValueError, TypeError):
        return Outcome(error=f"exit {done.returncode}: {done.stderr.strip()[-200:]}")


def run_all(
    cells: Sequence[Cell],
    repeats: int,
    pythons: Sequence[str],
    progress: Callable[[str], None],
) -> list[Measurement]:
    """Takes all measurements; clients take turns within each repeat (A B C A B C …).

    Cells that differ in their client only follow each other, so that a machine that slows down
    slows all of them down. A client that has failed is not tried again in the same cell.
    """
    measurements: list[Measurement] = []
    with server() as url:
        for group in _groups(cells):
            failed: set[Cell] = set()
            for repeat in range(repeats):
                for cell in group:
                    if cell in failed:
                        continue
                    outcome = run_cell(cell, url, pythons)
                    measurements.append(Measurement(cell, repeat, outcome))
                    progress(_told(measurements[-1], repeats))
                    if outcome.error:
                        failed.add(cell)
    return measurements


def _groups(cells: Sequence[Cell]) -> list[list[Cell]]:
    groups: dict[Cell, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(replace(cell, client=""), []).append(cell)
    return list(groups.values())


def _told(done: Measurement, repeats: int) -> str:
    cell, outcome = done.cell, done.outcome
    said = outcome.error or f"{outcome.cpu:.3f} s CPU, {outcome.wall:.2f} s"
    what = f"{cell.streams} × {cell.model}" if cell.tokens else cell.mode
    return f"[{done.repeat + 1}/{repeats}] {what}, {cell.client}: {said}"
