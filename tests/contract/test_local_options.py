"""The panel file's `backend:` reaches the server that is started for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import council
from council.config import load_config
from council.errors import ConfigError
from tests.support.processes import children

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_options_of_a_panel_file_reach_the_server() -> None:
    backend = {
        "ctx": 1024,
        "threads": 1,
        "threads_batch": 2,
        "batch": 128,
        "ubatch": 64,
        "flash_attention": "on",
        "cache_type_k": "f32",
        "cache_type_v": "f32",
        "kv_unified": "off",
        "mmap": False,
        "mlock": True,
        "rope_scaling": "linear",
        "rope_scale": 1.0,
        "pooling": "last",
    }
    config = {"experts": [{"model": "builtin:sage"}], "backend": backend}
    before = children(os.getpid())
    async with council.open_council(config) as panel:
        result = await panel.ask("What is 2 + 2?")
        (server,) = [pid for pid in children(os.getpid()) - before if "--ctx" in command(pid)]
        line = " ".join(command(server))
    assert result.status == "complete"
    for part in ("--batch 128", "--cache-type-k f32", "--kv-unified off", "--no-mmap", "--mlock"):
        assert part in line
    assert "--rope-scale 1.0" in line


def command(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


async def test_keys_in_the_environment_are_not_for_the_own_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COUNCIL_BACKEND_API_KEYS", "ann:secret-of-ann")
    result = await council.ask("What is 2 + 2?", panel={"experts": [{"model": "builtin:sage"}]})
    assert result.status == "complete"


async def test_models_take_turns_where_there_is_little_room() -> None:
    names = ["abacus", "atlas", "sage"]
    config = {
        "experts": [{"id": name, "model": f"builtin:{name}"} for name in names],
        "backend": {"models_max": 1, "models_max_memory": "1G"},
    }
    before = children(os.getpid())
    async with council.open_council(config) as panel:
        result = await panel.ask("What is 2 + 2?")
        # The server, and the worker of the last model.
        assert len(children(os.getpid()) - before) == 2
    assert result.status == "complete"
    assert [reply.id for reply in result.experts] == names


async def test_long_prompts_are_kept_beside_the_panel_file(tmp_path: Path) -> None:
    file = tmp_path / "panel.yaml"
    file.write_text(
        "experts: [{model: 'builtin:sage', sampling: {max_tokens: 4}}]\n"
        "backend: {cache_dir: cache, cache_max: 100M}\n"
    )
    async with council.open_council(file) as panel:
        await panel.ask("word " * 300)
    assert len(list((tmp_path / "cache").rglob("*.council-kv"))) == 1


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("models_max: -1", "backend.models_max"),
        ("models_max_memory: lots", "backend.models_max_memory"),
        ("cache_type_k: q3", "backend.cache_type_k"),
        ("flash_attention: maybe", "backend.flash_attention"),
        ("rope_scale: 0", "backend.rope_scale"),
        ("cache_dir: ''", "backend.cache_dir"),
    ],
)
def test_mistakes_name_the_key(tmp_path: Path, line: str, key: str) -> None:
    file = tmp_path / "panel.yaml"
    file.write_text(f"experts: [{{model: 'builtin:sage'}}]\nbackend: {{{line}}}\n")
    with pytest.raises(ConfigError, match=key):
        load_config(file)
