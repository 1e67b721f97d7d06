"""`council mcp` where something is not installed, and what it needs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from council.cli.main import app


def test_without_the_sdk_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    done = CliRunner().invoke(app, ["mcp", "@builtin"])
    assert done.exit_code == 2
    assert "council mcp needs mcp: pip install '.[mcp]'" in done.stderr
    assert not done.stdout


def test_the_gateways_server_is_not_needed() -> None:
    missing = "quart", "hypercorn", "prometheus_client"
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({missing})); import council.mcp.session"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_its_help_loads_no_sdk() -> None:
    program = (
        "import sys; from council.cli.main import app;"
        " app(['mcp', '--help'], standalone_mode=False); assert 'mcp' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "--api-keys-file" in done.stdout
