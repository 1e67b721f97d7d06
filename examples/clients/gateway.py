"""A gateway with built-in panels, for as long as one of these programs runs."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence

PANELS = ("configs/panel.yaml", "configs/synthesize.yaml")
_ADDRESS = re.compile(r"listening on (http://[^\s/]+)")


@contextlib.contextmanager
def gateway(url: str | None = None, panels: Sequence[str] = PANELS) -> Iterator[str]:
    """The address of a gateway.

    Args:
        url: One that runs already; None starts one on a free port, and ends it with the block.
        panels: The panel files that it serves.

    Raises:
        RuntimeError: It did not start; the message is what it wrote.
    """
    if url is not None:
        yield url.rstrip("/").removesuffix("/v1")
        return
    command = [sys.executable, "-m", "council", "serve", *panels, "--port", "0", "--no-store"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield _address(process)
        finally:
            process.terminate()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        if found := _ADDRESS.search(line):
            return found[1]
        lines.append(line)
    raise RuntimeError("the gateway did not start: " + "".join(lines))
