"""Every panel in configs/ answers, every program in examples/ runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
import yaml

import council
from council.testing import raw_server, whole_reply

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[1]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

URLS = ("OLLAMA_URL", "OPENAI_BASE_URL", "OPENROUTER_URL")
KEYS = ("OPENAI_API_KEY", "OPENROUTER_API_KEY")


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
async def test_every_panel_answers(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(whole_reply("17 + 25", " = 42.")) as server:
        for name in URLS:
            monkeypatch.setenv(name, server.url)
        for name in KEYS:
            monkeypatch.setenv(name, "sk-test-key")
        model = ROOT / "backend" / "builtin" / "sage.gguf"
        monkeypatch.setenv("COUNCIL_GGUF", str(model))
        result = await council.ask("What is 17 + 25?", panel=config)
    assert result.status == "complete", result.reasons
    assert result.answer
    hosted = [request.headers.get("authorization") for request in server.requests]
    if config.stem in ("openai", "openrouter", "mixed"):
        assert set(hosted) == {"Bearer sk-test-key"}
    if config.stem in ("openai", "openrouter", "ollama"):
        assert "42" in result.answer


def test_each_strategy_has_a_ready_panel_and_a_page() -> None:
    ready = [str(yaml.safe_load(config.read_text()).get("strategy")) for config in CONFIGS]
    for name in council.STRATEGIES:
        assert any(name in strategy for strategy in ready), name
        assert (ROOT / "docs" / "strategies" / f"{name}.md").is_file()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
async def test_every_example_runs(example: Path) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(example)],
            capture_output=True,
            text=True,
            timeout=100,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error::ResourceWarning"},
            check=False,
        )

    done = await anyio.to_thread.run_sync(run)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "42" in done.stdout
