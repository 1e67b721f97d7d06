"""The command line of `council serve`; knows nothing of HTTP, so that its help costs nothing."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from serving.arguments import add_serving_arguments, read_serving_options
from serving.errors import OptionError
from serving.options import Options

KEYS = "COUNCIL_API_KEYS"
"""The environment's variable for keys."""

PORT = 8000
_MOST_PORT = 65535
_MOST_RUNS = 100_000
_EXAMPLES = """\
examples:
  council serve configs/panel.yaml
  council serve configs/panel.yaml careful=configs/debate.yaml --port 0
  council serve panel.yaml --host 0.0.0.0 --api-keys-file keys.txt --access-log

Each panel is a model of OpenAI's API at /v1: any client that takes a base URL can ask it.
The page at / is for people. council serve keys new prints a random key for a file of keys.
"""


@dataclass(frozen=True, slots=True)
class ServeArguments:
    """What a command line asks for.

    Attributes:
        panels: `PANEL` or `NAME=PANEL`, a file's path or a panel's name each.
        host: The address to listen on.
        port: 0 for any free one.
        max_runs: Runs under way at once.
        queue: Runs that may wait for their turn.
        show: What chat clients are shown: `answer`, or `experts` too.
        store: The file that runs are kept in; None for the usual one.
        keep: Whether runs are kept.
        preload: Whether local models are loaded before anybody asks.
        serving: What any server on a network has.
    """

    panels: tuple[str, ...]
    host: str = "127.0.0.1"
    port: int = PORT
    max_runs: int = 64
    queue: int = 256
    show: str = "answer"
    store: Path | None = None
    keep: bool = True
    preload: bool = False
    serving: Options = field(default_factory=Options)


def parse(arguments: Sequence[str]) -> ServeArguments:
    """Reads a command line; takes the keys out of the environment.

    Raises:
        OptionError: A value is impossible, or two exclude each other.
        SystemExit: There is an unknown option, or help was asked for.
    """
    given = _parser().parse_args(arguments)
    if given.store and given.no_store:
        raise OptionError("--store and --no-store exclude each other: leave one out")
    return ServeArguments(
        panels=tuple(given.panel),
        host=given.host,
        port=_number("--port", given.port, 0, _MOST_PORT),
        max_runs=_number("--max-runs", given.max_runs, 1, _MOST_RUNS),
        queue=_number("--queue", given.queue, 0, _MOST_RUNS),
        show=given.show,
        store=Path(given.store) if given.store else None,
        keep=not given.no_store,
        preload=given.preload,
        serving=read_serving_options(given, os.environ, KEYS),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="council serve",
        description="Serve panels over HTTP, each as if it were a model.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "panel",
        nargs="+",
        metavar="CONFIG",
        help="a panel file, or a panel's name; NAME=CONFIG has clients call it NAME",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: %(default)s)"
    )
    _add_numbers(parser)
    parser.add_argument(
        "--show",
        choices=("answer", "experts"),
        default="answer",
        help="what chat clients see: the answer, or the experts' texts too, as reasoning",
    )
    parser.add_argument(
        "--store",
        metavar="PATH",
        help="file runs are kept in, or a folder, where it is runs.sqlite3 (default: COUNCIL_STORE,"
        " or one in your data directory)",
    )
    parser.add_argument("--no-store", action="store_true", help="keep runs in memory only")
    parser.add_argument(
        "--preload", action="store_true", help="load the panels' local models before anybody asks"
    )
    add_serving_arguments(parser, KEYS)
    return parser


def _add_numbers(parser: argparse.ArgumentParser) -> None:
    numbers = {
        "port": (PORT, "port to listen on, 0 for any free one (default: %(default)s)"),
        "max-runs": (64, "runs under way at the same time (default: %(default)s)"),
        "queue": (256, "runs that may wait for their turn (default: %(default)s)"),
    }
    for name, (default, text) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=text)


def _number(option: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise OptionError(f"{option} must be between {least} and {most}, not {value}")
    return value
