"""`import council`: every public name is there, and nothing heavy is loaded for it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import council
from council.cli.run_command import STRATEGY_NAMES

SOURCE = Path(council.__file__).read_text()
NETWORK = {"httpx", "aiohttp", "httpcore", "anyio", "quart", "hypercorn", "llama_cpp", "openai"}


def for_type_checkers() -> dict[str, str]:
    """The names that type checkers see, with the module each is from."""
    block = next(node for node in ast.parse(SOURCE).body if isinstance(node, ast.If))
    return {
        alias.name: str(node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_type_checkers_and_python_see_the_same() -> None:
    assert for_type_checkers() == council._HOMES
    assert sorted(council.__all__) == sorted(council._HOMES)
    assert set(council.__all__) <= set(dir(council))


@pytest.mark.parametrize("name", council.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(council, name) is not None


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = council.nothing  # type: ignore[attr-defined]


def loaded_by(*arguments: str) -> set[str]:
    """The top-level modules that a Python process has loaded at its end."""
    program = "import sys; {}; sys.stderr.write(' '.join({{n.split('.')[0] for n in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", program.format("; ".join(arguments))],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split())


def test_importing_loads_no_network_library() -> None:
    assert not loaded_by("import council") & (NETWORK | {"pydantic", "yaml", "rich"})


def test_a_panel_loads_only_what_its_agents_need() -> None:
    program = (
        "import asyncio, council",
        "asyncio.run(council.ask('?', panel=[council.ScriptedAgent('a', 'yes')]))",
    )
    assert not loaded_by(*program) & (NETWORK - {"anyio"})


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_loads_no_network_library(arguments: list[str]) -> None:
    program = (
        "from council.cli.main import app",
        f"app({arguments}, standalone_mode=False)",
    )
    assert not loaded_by(*program) & (NETWORK | {"yaml"})


def test_the_help_names_every_strategy() -> None:
    assert ", ".join(sorted(council.STRATEGIES)) == STRATEGY_NAMES
