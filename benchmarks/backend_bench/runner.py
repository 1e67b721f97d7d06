"""Starts servers and the cells' processes, in turns."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from itertools import product

from benchmarks.backend_bench.cell import FLOOR, Cell, Outcome
from benchmarks.backend_bench.cpu_time import cpu_of_tree, cpu_seconds
from benchmarks.backend_bench.prompts import Conversation, conversations
from benchmarks.backend_bench.servers import ROOT, NoServer, Server, Setting, running, started

_CELL_SECONDS = 900.0
# The floor's chain of samplers, said out loud: servers have defaults of their own.
_SAMPLING = {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05}


@dataclass(frozen=True, slots=True)
class Measurement:
    """One outcome of one cell, in one of the repeats."""

    cell: Cell
    repeat: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Subjects:
    """Who is measured: the floor, servers to start by name, and running ones with their URLs."""

    floor: bool
    start: tuple[str, ...]
    running: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, as the tables call them."""
        return (*([FLOOR] if self.floor else []), *self.start, *self.running)


class Runner:
    """Takes measurements.

    Args:
        setting: What all that is started has in common.
        words: Length of the prompts.
        run: Something new for each run: prompts of another run may be in a server's cache.
        seconds: No measurement begins after this time.
    """

    def __init__(
        self, setting: Setting, words: int, run: str, seconds: float = float("inf")
    ) -> None:
        self._setting = setting
        self._words = words
        self._run = run
        self._until = time.monotonic() + seconds
        self._servers: dict[str, Server | NoServer] = {}

    def run_all(
        self, subjects: Subjects, cells: Sequence[Cell], repeats: int
    ) -> Iterator[Measurement]:
        """Takes all measurements; subjects take turns within each repeat (A B C A B C …).

        Servers stay up for the whole run, as they do in practice: what earlier prompts left in
        their caches is part of what is measured. One that has failed is not asked the same again.
        """
        failed: set[Cell] = set()
        with ExitStack() as stack:
            self._open(subjects, stack)
            for repeat, cell in product(range(repeats), _in_turns(cells)):
                if cell in failed or time.monotonic() > self._until:
                    continue
                outcome = self._measure(cell, repeat)
                if outcome.error:
                    failed.add(cell)
                yield Measurement(cell, repeat, outcome)

    def _open(self, subjects: Subjects, stack: ExitStack) -> None:
        for name in subjects.start:
            try:
                self._servers[name] = stack.enter_context(started(name, self._setting))
            except NoServer as error:
                self._servers[name] = error
        for name, url in subjects.running.items():
            try:
                self._servers[name] = running(name, url)
            except NoServer as error:
                self._servers[name] = error

    def _measure(self, cell: Cell, repeat: int) -> Outcome:
        seed = f"{self._run} {cell.kind} {cell.requests} {repeat}"
        prompts = conversations(cell.kind, cell.requests, self._words, seed)
        if cell.subject == FLOOR:
            return self._floor(cell, prompts)
        server = self._servers[cell.subject]
        if isinstance(server, NoServer):
            return Outcome(error=str(server))
        return self._load(server, cell, prompts)

    def _floor(self, cell: Cell, prompts: list[Conversation]) -> Outcome:
        setting = self._setting
        work = {
            "path": str(setting.model),
            "prompts": prompts,
            "tokens": cell.tokens,
            "threads": setting.threads,
        }
        return self._process("floor", work)

    def _load(self, server: Server, cell: Cell, prompts: list[Conversation]) -> Outcome:
        bodies = [json.dumps(_body(server, prompt, cell.tokens)) for prompt in prompts]
        work = {"url": server.chat_url, "bodies": bodies, "tokens": cell.tokens}
        if server.pid is None:
            return self._process("load", work)
        tree, front = cpu_of_tree(server.pid), cpu_seconds(server.pid) or 0.0
        outcome = self._process("load", work)
        front = (cpu_seconds(server.pid) or 0.0) - front
        return replace(outcome, cpu=cpu_of_tree(server.pid) - tree, cpu_front=front)

    def _process(self, module: str, work: Mapping[str, object]) -> Outcome:
        """Runs a module of this package in a fresh process."""
        try:
            done = subprocess.run(
                [sys.executable, "-m", f"benchmarks.backend_bench.{module}"],
                cwd=ROOT,
                env=self._setting.environment,
                input=json.dumps(work),
                capture_output=True,
                text=True,
                timeout=_CELL_SECONDS,
            )
            found = json.loads(done.stdout.splitlines()[-1])
            return Outcome(**{**found, "pace": tuple(found["pace"])})
        except subprocess.TimeoutExpired:
            return Outcome(error=f"not finished within {_CELL_SECONDS:.0f} s")
        except (IndexError, ValueError, TypeError):
            return Outcome(error=f"exit {done.returncode}: {done.stderr.strip()[-200:]}")


def _body(server: Server, prompt: Conversation, tokens: int) -> dict[str, object]:
    endless: dict[str, object] = {"ignore_eos": True} if server.ignores_eos else {}
    return {
        "model": server.model,
        "messages": prompt,
        "max_tokens": tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        **_SAMPLING,
        **endless,
    }


def _in_turns(cells: Sequence[Cell]) -> list[Cell]:
    """Cells that differ in their subject only, next to each other."""
    groups: dict[Cell, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(replace(cell, subject=""), []).append(cell)
    return [cell for group in groups.values() for cell in group]


def told(done: Measurement, repeats: int) -> str:
    """A measurement in a line, for whoever waits."""
    cell, outcome = done.cell, done.outcome
    cpu = "" if outcome.cpu is None else f", {outcome.cpu:.2f} s CPU"
    said = outcome.error or f"{outcome.wall:.2f} s{cpu}"
    return f"[{done.repeat + 1}/{repeats}] {cell.requests} × {cell.kind}, {cell.subject}: {said}"


def to_json(measurements: Sequence[Measurement]) -> list[dict[str, object]]:
    """Measurements as JSON has them."""
    return [asdict(done) for done in measurements]


def from_json(found: Sequence[Mapping[str, object]]) -> list[Measurement]:
    """Measurements from what `to_json` gave.

    Raises:
        TypeError: It is something else.
    """
    measurements = []
    for row in found:
        cell, repeat, outcome = row["cell"], row["repeat"], row["outcome"]
        if not (isinstance(cell, dict) and isinstance(outcome, dict) and isinstance(repeat, int)):
            raise TypeError(f"no measurement: {row}")
        pace = tuple(outcome.pop("pace"))
        measurements.append(Measurement(Cell(**cell), repeat, Outcome(**outcome, pace=pace)))
    return measurements
