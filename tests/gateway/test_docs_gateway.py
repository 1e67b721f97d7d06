"""docs/gateway.md is true: its commands work, its metrics and options are those there are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.serving import PATIENCE
from tests.gateway.test_serve_command import Gateway

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "gateway.md").read_text()
START, AS_MODEL, AS_RUN = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    command = START.split()
    assert command[:2] == ["council", "serve"]
    store = str(tmp_path_factory.mktemp("store") / "runs.sqlite3")
    gateway = Gateway(*command[2:-2], "--store", store)
    yield gateway
    gateway.close()


def run(script: str, served: Gateway, folder: Path) -> str:
    """A block of the page in a shell that knows where the gateway is."""
    (folder / "python").symlink_to(sys.executable)
    script = script.replace("curl ", "curl --fail-with-body --noproxy '*' ")
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "GATEWAY": served.url, "PATH": f"{folder}:{os.environ['PATH']}"},
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def test_a_panel_is_asked_as_a_model(served: Gateway, tmp_path: Path) -> None:
    told = run(AS_MODEL, served, tmp_path)
    assert '"id":"panel"' in told
    assert '"id":"careful"' in told
    assert "42" in told
    assert "event: message_stop" in told


def test_a_panel_is_asked_as_a_run(served: Gateway, tmp_path: Path) -> None:
    told = run(AS_RUN, served, tmp_path)
    assert told.count("event: run.finished") == 2
    assert told.count("id: 1\n") == 1
    assert told.count('"deleted":true') == 1


def test_the_page_names_all_metrics_and_codes() -> None:
    sources = [path.read_text() for path in (ROOT / "council" / "gateway").glob("*.py")]
    codes = {found for text in sources for found in re.findall(r"code = \"(\w+)\"", text)}
    for code in codes - {"internal_error"}:
        assert f"`{code}`" in PAGE
    metrics = (ROOT / "council" / "gateway" / "metrics.py").read_text()
    named = re.findall(r"self\._(?:counter|gauge)\(\s*\"(\w+)\"", metrics)
    assert len(named) == 7
    for name in named:
        assert f"`council_gateway_{name}" in PAGE
