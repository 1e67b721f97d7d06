"""docs/remote.md is true: its programs run against a real gateway, and it names what there is."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import anyio.to_thread
import pytest

import council
from council.agents.scripted import ScriptedAgent
from council.remote.remote import Remote
from tests.gateway.serving import gateway

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "remote.md").read_text()


@pytest.mark.parametrize("program", re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
async def test_its_programs_run(program: str, tmp_path: Path) -> None:
    agents = [ScriptedAgent(f"e{n}", "It is 42.") for n in range(3)]
    async with gateway({"panel": agents}, store=tmp_path / "runs.sqlite3") as site:
        environment = {
            **os.environ,
            "COUNCIL_URL": site.url,
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "error",
            "NO_PROXY": "*",
        }

        def run() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-c", program],
                capture_output=True,
                text=True,
                env=environment,
                timeout=100,
                check=False,
            )

        done = await anyio.to_thread.run_sync(run)
    assert done.returncode == 0, done.stderr
    assert "It is 42. complete" in done.stdout
    assert "e2 It is 42." in done.stdout


def test_it_names_what_there_is() -> None:
    for method in re.findall(r"gateway\.(\w+)\(", PAGE):
        assert hasattr(Remote, method), method
    for option in re.findall(r"`(\w+)=", PAGE):
        taken = {*inspect.signature(council.connect).parameters, "tools", "response_format"}
        assert option in taken | set(inspect.signature(Remote.stream).parameters), option
    for error in re.findall(r"`(\w+Error|QuorumLost|LimitExceeded|RunInterrupted)`", PAGE):
        assert issubclass(getattr(council, error), council.CouncilError)
