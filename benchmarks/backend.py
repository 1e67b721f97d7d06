"""What serving costs: servers with OpenAI's API side by side, and the least that is possible.

All of them answer the same prompts with the same model of random weights, which is made at the
first run. The floor is llama.cpp itself, asked for the same work without a server.

Examples:
    python -m benchmarks.backend --quick
    python -m benchmarks.backend --start ours,llama-server --llama-server ../bin/llama-server
    python -m benchmarks.backend --kinds same,personas --requests 8 --repeats 5
    python -m benchmarks.backend --server ollama=http://127.0.0.1:11434#llama3.2:1b
    python -m benchmarks.backend --kinds long --json figures.json
    python -m benchmarks.backend --report figures.json more-figures.json
"""

from __future__ import annotations

import argparse
import json
import secrets
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.cpus import default_threads
from benchmarks.backend_bench.cell import OURS, Cell
from benchmarks.backend_bench.model import model_file
from benchmarks.backend_bench.prompts import KINDS
from benchmarks.backend_bench.report import Report
from benchmarks.backend_bench.runner import Measurement, Runner, Subjects, from_json, to_json, told
from benchmarks.backend_bench.servers import LLAMA_SERVER, STARTABLE, Setting
from benchmarks.client_bench.machine import described

_REQUESTS = (1, 2, 4, 8, 16)
_QUICK_REQUESTS = (1, 8)
_LONG_TOKENS = 4000


@dataclass(frozen=True, slots=True)
class Options:
    """The command line."""

    subjects: Subjects
    setting: Setting
    kinds: tuple[str, ...]
    requests: tuple[int, ...]
    tokens: int
    words: int
    long_tokens: int
    repeats: int
    seconds: float
    json: Path | None


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints the tables."""
    given = _parser().parse_args(arguments)
    if given.report:
        print(Report(read_json(given.report)).markdown())
        return
    options = parse(given)
    cells = chosen_cells(options)
    runner = Runner(options.setting, options.words, secrets.token_hex(4), options.seconds)
    measurements: list[Measurement] = []
    for done in runner.run_all(options.subjects, cells, options.repeats):
        measurements.append(done)
        print(told(done, options.repeats), file=sys.stderr, flush=True)
        if options.json:  # Each time: whoever interrupts a long run keeps what it has.
            write_json(options.json, measurements)
    setting = options.setting
    print(
        f"{described()}, {setting.threads} threads, OpenMP's waiting: {setting.wait_policy};"
        f" median (least–greatest) of {options.repeats} repeats\n"
    )
    print(Report(measurements).markdown())


def _parser() -> argparse.ArgumentParser:
    about, _, examples = (__doc__ or "").partition("Examples:")
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.backend",
        description=about,
        epilog=f"examples:{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_subjects(parser)
    _add_work(parser)
    parser.add_argument("--json", type=Path, help="write all measurements to this file")
    parser.add_argument(
        "--report", type=Path, nargs="+", help="measure nothing: tables of what --json has written"
    )
    return parser


def _add_subjects(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--start", default=OURS, help=f"servers to start, some of {','.join(STARTABLE)}"
    )
    parser.add_argument(
        "--server",
        action="append",
        default=[],
        metavar="NAME=URL",
        help="a running server; URL#MODEL for another than its first model; may be repeated",
    )
    parser.add_argument("--no-floor", action="store_true", help="leave the floor out")
    parser.add_argument("--our-arguments", default="", help="more arguments for ours")
    parser.add_argument("--llama-server", default=LLAMA_SERVER, help="path of that program")
    parser.add_argument("--llama-server-arguments", default="", help="more arguments for it")
    parser.add_argument("--other-python", default=sys.executable, help="for llama_cpp.server")
    parser.add_argument("--model", type=Path, help="another GGUF file than the one made here")
    parser.add_argument("--threads", type=int, default=0, help="default: as our server chooses")
    parser.add_argument("--ctx", type=int, default=16384)
    parser.add_argument("--parallel", type=int, default=16)
    parser.add_argument(
        "--wait-policy",
        choices=("own", "passive", "active"),
        default="own",
        help="of OpenMP's threads (default: each server's own)",
    )


def _add_work(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kinds", default="all", help=f"some of {','.join(KINDS)}")
    parser.add_argument("--requests", help="requests at once (default: 1,2,4,8,16)")
    parser.add_argument("--tokens", type=int, default=64, help="tokens of each answer")
    parser.add_argument("--words", type=int, default=690, help="words of a prompt")
    parser.add_argument("--long-tokens", type=int, default=_LONG_TOKENS)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no more after")
    parser.add_argument("--quick", action="store_true", help="1 and 8 requests, one repeat")


def parse(given: argparse.Namespace) -> Options:
    """Checks the command line.

    Raises:
        SystemExit: A name is not known.
    """
    kinds = tuple(KINDS) if given.kinds == "all" else tuple(given.kinds.split(","))
    start = tuple(filter(None, given.start.split(",")))
    _check("kind", kinds, KINDS)
    _check("server to start", start, STARTABLE)
    model = given.model or model_file()
    requests = map(int, given.requests.split(",")) if given.requests else _REQUESTS
    return Options(
        subjects=Subjects(not given.no_floor, start, dict(map(_server, given.server))),
        setting=Setting(
            model=model,
            ctx=given.ctx,
            parallel=given.parallel,
            threads=given.threads or default_threads(model, 1),
            wait_policy=given.wait_policy,
            our_arguments=tuple(shlex.split(given.our_arguments)),
            llama_server=given.llama_server,
            llama_server_arguments=tuple(shlex.split(given.llama_server_arguments)),
            python=given.other_python,
        ),
        kinds=kinds,
        requests=_QUICK_REQUESTS if given.quick and not given.requests else tuple(requests),
        tokens=given.tokens,
        words=given.words,
        long_tokens=given.long_tokens,
        repeats=1 if given.quick else given.repeats,
        seconds=given.seconds,
        json=given.json,
    )


def _check(what: str, names: Sequence[str], known: Sequence[str] | dict[str, str]) -> None:
    for name in names:
        if name not in known:
            raise SystemExit(f"unknown {what} {name!r} (known: {', '.join(known)})")


def _server(text: str) -> tuple[str, str]:
    name, _, url = text.partition("=")
    if not name or "://" not in url:
        raise SystemExit(f"--server {text!r}: expected NAME=URL")
    return name, url


def chosen_cells(options: Options) -> list[Cell]:
    """What the command line asks to measure."""
    cells = []
    for kind in options.kinds:
        tokens = options.long_tokens if kind == "long" else options.tokens
        for requests in (1,) if kind == "long" else options.requests:
            # Alone, a prompt is neither the same as another one nor shared with it.
            if requests > 1 or kind not in ("same", "personas"):
                cells += [Cell(name, kind, requests, tokens) for name in options.subjects.names]
    return cells


def write_json(path: Path, measurements: Sequence[Measurement]) -> None:
    """Writes everything that was measured."""
    content = {"machine": described(), "measurements": to_json(measurements)}
    path.write_text(json.dumps(content, indent=1) + "\n")


def read_json(paths: Sequence[Path]) -> list[Measurement]:
    """Reads what was written, of several runs."""
    contents = [json.loads(path.read_text()) for path in paths]
    return [done for content in contents for done in from_json(content["measurements"])]


if __name__ == "__main__":
    main()
