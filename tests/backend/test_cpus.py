"""Counting cores on machines that are only described."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backend import cpus


@pytest.fixture
def four_cpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two cores with two hardware threads each."""
    for cpu in range(4):
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{cpu % 2},{cpu % 2 + 2}\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    return tmp_path


def test_hardware_threads_of_a_core_count_once(four_cpus: Path) -> None:
    assert cpus.usable_cores(four_cpus, four_cpus / "none") == 2


def test_the_affinity_counts(four_cpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 3})
    assert cpus.usable_cores(four_cpus, four_cpus / "none") == 1


@pytest.mark.parametrize(
    ("quota", "cores"), [("150000 100000", 2), ("50000 100000", 1), ("max 1", 2)]
)
def test_the_quota_of_a_container_counts(four_cpus: Path, quota: str, cores: int) -> None:
    (four_cpus / "cpu.max").write_text(quota)
    assert cpus.usable_cores(four_cpus, four_cpus / "cpu.max") == cores


def test_without_a_topology_each_cpu_is_a_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    assert cpus.usable_cores(tmp_path, tmp_path / "none") == 3


def test_models_share_the_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpus, "usable_cores", lambda: 8)
    large = tmp_path / "large.gguf"
    with large.open("wb") as file:
        file.truncate(1 << 30)
    assert [cpus.default_threads(large, models) for models in (1, 3, 20)] == [8, 2, 1]


def test_a_small_model_has_one_thread(tmp_path: Path) -> None:
    small = tmp_path / "small.gguf"
    small.write_bytes(b"GGUF")
    assert cpus.default_threads(small, 1) == 1
