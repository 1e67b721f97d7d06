"""What is read from and set on the machine."""

from __future__ import annotations

import os
import platform
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Literal


def pin(part: Literal["server", "client"]) -> None:
    """Gives the server one core and the client another, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[-1] if part == "server" else cores[0]})


def allow_many_sockets() -> None:
    """Raises the limit of open files to what is allowed."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def cpu_seconds() -> float:
    """CPU time of this process, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def forget_peak() -> None:
    """Starts the peak of memory anew, so that what an import needed for a moment is not in it."""
    with suppress(OSError):  # Some containers forbid it; then the import's peak counts.
        Path("/proc/self/clear_refs").write_text("5")


def peak_bytes() -> int:
    """The most memory that this process has held since `forget_peak`.

    Not `ru_maxrss`: that one is inherited from whoever started the process.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmHWM in /proc/self/status")


def described() -> str:
    """The machine, in a few words."""
    cores = len(os.sched_getaffinity(0))
    version = ".".join(map(str, sys.version_info[:2]))
    return f"{cores} cores, {platform.machine().replace('_', '-')}, Python {version}"
