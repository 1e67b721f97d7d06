"""Commands as documents show them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_documented(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a line of a document in a shell, where `council` and `python` are this interpreter's.

    Args:
        command: The line.
        folder: An empty one, for the two names.
    """
    for name, target in (("council", "-m council.cli"), ("python", "")):
        wrapper = folder / name
        wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" {target} "$@"\n')
        wrapper.chmod(0o755)
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        timeout=100,
        check=False,
    )
