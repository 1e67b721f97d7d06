"""Ask a panel that a gateway serves, and watch its experts.

python examples/remote.py                          # serves configs/panel.yaml itself
python examples/remote.py http://localhost:8000    # a gateway that is there
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import council
from council.events import ExpertFailed, ExpertFinished

PANEL = Path(__file__).parents[1] / "configs" / "panel.yaml"


@contextmanager
def gateway() -> Iterator[str]:
    """The URL of a gateway: the one that was named, or one of our own."""
    if len(sys.argv) > 1:
        yield sys.argv[1]
        return
    command = [sys.executable, "-m", "council", "serve", f"panel={PANEL}", "--port", "0"]
    with subprocess.Popen([*command, "--no-store"], stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        line = next(line for line in server.stderr if "listening on" in line)
        yield line.partition("listening on ")[2].split()[0]
        server.terminate()
        server.communicate()


async def main(url: str) -> None:
    async with (
        council.connect(url) as remote,
        remote.stream("What is 17 + 25?", panel="panel") as run,
    ):
        async for event in run:
            match event:
                case ExpertFinished(expert=expert) | ExpertFailed(expert=expert, reply=_):
                    print(f"{event.at:6.3f}  {expert:8} {event.reply.status}: {event.reply.text}")
                case _:
                    pass
    print(run.result.answer, run.result.status)


if __name__ == "__main__":
    with gateway() as url:
        asyncio.run(main(url))
