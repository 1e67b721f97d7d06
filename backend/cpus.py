"""How many CPU cores there are for this process, and how many a model gets of them."""

from __future__ import annotations

import math
import os
from pathlib import Path

_TOPOLOGY = Path("/sys/devices/system/cpu")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


_SMALL = 64 << 20
"""Bytes of a model below which threads cost more in waiting for each other than they save."""


def default_threads(path: Path, models: int) -> int:
    """Threads for one of several models, which may all be asked at the same time.

    Args:
        path: The model's file; it may be missing.
        models: How many models share the machine.
    """
    small = path.is_file() and path.stat().st_size < _SMALL
    return 1 if small else max(1, usable_cores() // models)


def usable_cores(topology: Path = _TOPOLOGY, quota: Path = _QUOTA) -> int:
    """Physical cores within this process's affinity and its container's quota, at least one.

    Two hardware threads of a core do not add up for matrix products, so they count once.

    Args:
        topology: Linux's directory of CPUs.
        quota: The file with the quota of a cgroup (version 2).
    """
    cpus = _allowed_cpus()
    cores = {_siblings(topology, cpu) for cpu in cpus}
    return max(1, min(len(cores), _quota(quota)))


def _allowed_cpus() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def _siblings(topology: Path, cpu: int) -> str:
    """Names the core of a CPU; the CPU itself where the system does not tell."""
    try:
        return (topology / f"cpu{cpu}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)


def _quota(path: Path) -> int:
    """Whole cores a quota amounts to, rounded up; very many when there is none."""
    try:
        limit, period = path.read_text().split()
        return math.ceil(int(limit) / int(period))
    except (OSError, ValueError):
        return 1 << 16
