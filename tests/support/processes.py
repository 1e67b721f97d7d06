"""Looking at processes from outside."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


def children(pid: int) -> set[int]:
    """All living descendants of a process."""
    found: set[int] = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = status.read_text()
        except OSError:
            continue
        # The name may hold spaces and parentheses: the fields after the last one are plain.
        state, parent = text.rpartition(")")[2].split()[:2]
        if int(parent) == pid and state != "Z":
            child = int(status.parent.name)
            found |= {child} | children(child)
    return found


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Waits for what no event tells of, such as the end of a process that is not our child."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"{condition} did not come true within {seconds} s"
        os.sched_yield()
        time.sleep(0.01)
