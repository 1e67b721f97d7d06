"""The bundled server, for as long as one of these programs runs."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator

MODEL = "builtin:sage"
_ADDRESS = re.compile(r"ready on (http://\S+)")


@contextlib.contextmanager
def server(url: str | None = None) -> Iterator[str]:
    """The address of a server.

    Args:
        url: One that runs already; None starts one on a free port, and ends it with the block.

    Raises:
        RuntimeError: It did not start; the message is what it wrote.
    """
    if url is not None:
        yield url.rstrip("/").removesuffix("/v1")
        return
    command = [sys.executable, "-m", "backend", "--model", MODEL, "--port", "0"]
    with subprocess.Popen(
        # Its standard input is this program's: it ends with it, however that happens.
        [*command, "--exit-with-parent"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
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
    raise RuntimeError("the server did not start: " + "".join(lines))
