"""The part of a command line that says who is served, and how much."""

from __future__ import annotations

import argparse
import math
from collections.abc import MutableMapping
from pathlib import Path

from serving.accounts import Rates
from serving.errors import OptionError
from serving.keys import collect_keys
from serving.options import Options
from serving.origins import parse_origins
from serving.sizes import read_size

_NUMBERS = {
    "requests-per-minute": "requests of each key, or address, in any minute (default: 0, any)",
    "tokens-per-minute": "the same for tokens of prompts and answers (default: 0, any)",
}
_SECONDS = {
    "request-timeout": (0.0, "when an answer has to be complete (default: 0, never)"),
    "drain": (30.0, "how long requests may go on once the server is to end (default: 30)"),
}
_LISTS = {
    "api-key": ("[NAME:]KEY", "a key that clients have to send; may be repeated"),
    "cors-origin": ("ORIGIN", "a page that may ask, such as https://chat.example, or *"),
    "allow-host": ("NAME", "a name of this machine that browsers use besides localhost"),
}
_MOST_SECONDS = 1e6
_MOST_RATE = 10**9
_MOST_BYTES = 1 << 40


def add_serving_arguments(parser: argparse.ArgumentParser, variable: str) -> None:
    """Adds the options to a parser.

    Args:
        parser: The parser.
        variable: The environment's variable for keys.
    """
    group = parser.add_argument_group("who is served, and how much")
    for name, (metavar, text) in _LISTS.items():
        group.add_argument(f"--{name}", action="append", default=[], metavar=metavar, help=text)
    group.add_argument(
        "--api-keys-file",
        metavar="FILE",
        help=f"file of keys, NAME: KEY a line; {variable} has keys too, with commas between them",
    )
    for name, text in _NUMBERS.items():
        group.add_argument(f"--{name}", type=int, default=0, metavar="N", help=text)
    for name, (default, text) in _SECONDS.items():
        group.add_argument(f"--{name}", type=float, default=default, metavar="SECONDS", help=text)
    group.add_argument(
        "--max-body", default="8M", metavar="SIZE", help="most bytes of a request (default: 8M)"
    )
    group.add_argument("--open-metrics", action="store_true", help="/metrics needs no key")
    group.add_argument(
        "--access-log",
        nargs="?",
        const="plain",
        choices=("plain", "json"),
        help="note each request on standard error, without what it says (default: plain)",
    )
    group.add_argument(
        "--log-prompts", action="store_true", help="note there what requests say, too"
    )


def read_serving_options(
    given: argparse.Namespace, environment: MutableMapping[str, str], variable: str
) -> Options:
    """The options of a command line. The variable is taken out of the environment: no child of the
    server needs it.

    Raises:
        OptionError: One is impossible.
    """
    if given.log_prompts and given.access_log is None:
        raise OptionError("--log-prompts needs --access-log, where prompts would be noted")
    options = Options(
        keys=collect_keys(given.api_key, environment, variable),
        keys_file=Path(given.api_keys_file).expanduser() if given.api_keys_file else None,
        rates=Rates(
            _count("--requests-per-minute", given.requests_per_minute),
            _count("--tokens-per-minute", given.tokens_per_minute),
        ),
        origins=parse_origins(given.cors_origin),
        hosts=frozenset(name.strip().lower() for name in given.allow_host),
        open_metrics=given.open_metrics,
        max_body=_size("--max-body", given.max_body),
        request_timeout=_seconds("--request-timeout", given.request_timeout),
        drain=_seconds("--drain", given.drain),
        access_log=given.access_log,
        log_prompts=given.log_prompts,
    )
    options.load_keys()
    return options


def _count(option: str, value: int) -> int:
    if not 0 <= value <= _MOST_RATE:
        raise OptionError(f"{option} must be between 0 and {_MOST_RATE}, not {value}")
    return value


def _seconds(option: str, value: float) -> float:
    if not (math.isfinite(value) and 0 <= value <= _MOST_SECONDS):
        raise OptionError(f"{option} must be between 0 and {_MOST_SECONDS:.0f}, not {value:g}")
    return value


def _size(option: str, text: str) -> int:
    size = read_size(text)
    if size is None or not 0 < size <= _MOST_BYTES:
        raise OptionError(f"{option} must be bytes, or a size like 512K or 8M, not {text!r}")
    return size
