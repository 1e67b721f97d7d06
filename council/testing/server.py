"""A misbehaving server to try a client with by hand: `python -m council.testing.server`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import anyio

from council.testing.behaviours import BEHAVIOURS
from council.testing.misbehaving import answering
from council.testing.raw_server import serving


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until it is interrupted; returns the exit code."""
    options = _parser().parse_args(argv)
    if options.list:
        width = max(map(len, BEHAVIOURS))
        for name, behaviour in BEHAVIOURS.items():
            _say(f"{name:{width}}  {behaviour.about}")
        return 0
    try:
        anyio.run(_serve, options.port, tuple(options.behaviour))
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        sys.stderr.write(f"council.testing.server: --port {options.port}: {error}\n")
        return 1
    return 0


async def _serve(port: int, behaviours: tuple[str, ...]) -> None:
    async with serving(answering(*behaviours), port=port) as server:
        _say(f"listening on {server.url}/v1")
        await anyio.sleep_forever()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m council.testing.server",
        description="A server of OpenAI's chat API that misbehaves on command, on this machine"
        " alone. Without --behaviour the request's model names it.",
    )
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument(
        "--behaviour",
        action="append",
        default=[],
        choices=list(BEHAVIOURS),
        metavar="NAME",
        help="how to answer; several are taken in turn, and the last one stays",
    )
    parser.add_argument("--list", action="store_true", help="list the behaviours and end")
    return parser


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
