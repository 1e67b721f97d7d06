"""The command line, as a person meets it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from backend.cli import parse
from tests.backend.serving import ROOT


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backend", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_has_examples() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "python -m backend --model builtin:sage" in done.stdout
    for option in ("--host", "--port", "--ctx", "--parallel", "--threads", "--gpu-layers"):
        assert option in done.stdout


def test_defaults() -> None:
    settings = parse(["--model", "a.gguf"])
    assert (settings.host, settings.port) == ("127.0.0.1", 11434)
    assert (settings.ctx, settings.parallel, settings.gpu_layers) == (4096, 8, -1)
    assert not settings.exit_with_parent


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--model"),
        (["--model", "builtin:nobody"], "there are: builtin:"),
        (["--model", "a.gguf", "--model", "b/a.gguf"], "two models have the id 'a'"),
        (["--model", "a.gguf", "--port", "70000"], "--port must be between 0 and 65535"),
        (["--model", "a.gguf", "--ctx", "1"], "--ctx must be between"),
        (["--model", "a.gguf", "--parallel", "0"], "--parallel must be between 1 and 256"),
        (["--model", "a.gguf", "--threads", "many"], "--threads"),
    ],
)
def test_bad_values_name_the_option(arguments: list[str], told: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--model", "builtin:sage", "--port", str(port))
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_model_at_all_ends_the_server(tmp_path: Path) -> None:
    broken, cut = tmp_path / "broken.gguf", tmp_path / "cut.gguf"
    broken.write_bytes(b"not a model")
    cut.touch()
    done = run("--model", str(broken), "--model", str(cut), "--port", "0")
    assert done.returncode == 1
    assert "broken: it is not a GGUF file" in done.stderr
    assert "cut: it is not a GGUF file" in done.stderr


def test_a_file_that_is_not_there_is_told_before_anything_starts(tmp_path: Path) -> None:
    missing = tmp_path / "missing.gguf"
    for path, problem in ((missing, "there is no such file"), (tmp_path, "that is a folder")):
        done = run("--model", "builtin:sage", "--model", str(path), "--port", "0")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"--model {path}: {problem}" in done.stderr
        assert "listening" not in done.stderr


def test_an_interrupt_while_it_starts_is_no_traceback(tmp_path: Path) -> None:
    # Found before the real one, it holds up the import for as long as it takes to interrupt it.
    (tmp_path / "quart.py").write_text(
        "import signal, sys; print('importing', file=sys.stderr, flush=True); signal.pause()"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", "--model", "builtin:sage"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert err == ""
    assert process.returncode == 130


@pytest.mark.parametrize("module", ["quart", "llama_cpp"])
def test_a_missing_library_names_the_command_that_mends_it(module: str) -> None:
    # None in sys.modules makes an import fail as if the library were not there.
    code = (
        f"import sys, runpy, importlib.util as u; sys.modules[{module!r}] = None; f = u.find_spec;"
        f"u.find_spec = lambda n, p=None: None if n == {module!r} else f(n, p);"
        "sys.argv = ['backend', '--model', 'a.gguf'];"
        "runpy.run_module('backend', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"{module} is not installed: run 'scripts/setup', or pip install" in done.stderr
    assert "Traceback" not in done.stderr
