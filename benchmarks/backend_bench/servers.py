"""The servers: some are started here, any other one may be running already."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.backend_bench.cell import OURS

ROOT = Path(__file__).parents[2]
LLAMA_SERVER, LLAMA_CPP_SERVER = "llama-server", "llama_cpp.server"
STARTABLE = (OURS, LLAMA_SERVER, LLAMA_CPP_SERVER)
_PATIENCE = 180.0


@dataclass(frozen=True, slots=True)
class Setting:
    """What all that is started here has in common.

    Attributes:
        model: The model's file.
        ctx: Tokens of context, shared by all requests.
        parallel: Requests served at the same time, at most.
        threads: CPU threads.
        wait_policy: What OpenMP's threads do while they wait: `passive`, `active`, or `own` for
            what each program does by itself.
        our_arguments: More arguments for our server.
        llama_server: The program llama-server.
        llama_server_arguments: More arguments for it.
        python: The interpreter that has `llama_cpp.server`'s libraries.
    """

    model: Path
    ctx: int
    parallel: int
    threads: int
    wait_policy: str
    our_arguments: tuple[str, ...] = ()
    llama_server: str = LLAMA_SERVER
    llama_server_arguments: tuple[str, ...] = ()
    python: str = sys.executable

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process."""
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        policy = {} if self.wait_policy == "own" else {"OMP_WAIT_POLICY": self.wait_policy}
        return {**os.environ, **policy, "PYTHONPATH": os.pathsep.join(paths)}

    def command(self, name: str, port: int) -> list[str]:
        """The command line of a server that can be started."""
        sizes = {"ctx": str(self.ctx), "threads": str(self.threads), "port": str(port)}
        if name == OURS:
            model = ["--model", f"{self.model}=bench", "--parallel", str(self.parallel)]
            start = [sys.executable, "-m", "backend", *model]
            return [*start, *_options(sizes), *self.our_arguments]
        if name == LLAMA_SERVER:
            sizes["ctx-size"] = sizes.pop("ctx")
            sizes |= {"threads-batch": str(self.threads), "parallel": str(self.parallel)}
            start = [self.llama_server, "--model", str(self.model), "--jinja"]
            return [*start, *_options(sizes), *self.llama_server_arguments]
        sizes["n_ctx"] = sizes.pop("ctx")
        sizes["n_threads"] = sizes["n_threads_batch"] = sizes.pop("threads")
        sizes["interrupt_requests"] = "False"
        start = [self.python, "-m", "llama_cpp.server", "--model", str(self.model)]
        return [*start, *_options(sizes)]


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers.

    Attributes:
        name: What it is called in the tables.
        url: Its base, with `/v1`.
        model: The id to ask it for.
        pid: Its process, when it was started here.
        ignores_eos: Whether it has to be told, and can be, not to end its answers. The model made
            here never does; one that somebody else serves may.
    """

    name: str
    url: str
    model: str
    pid: int | None = None
    ignores_eos: bool = False

    @property
    def chat_url(self) -> str:
        """Where chats go."""
        return f"{self.url}/chat/completions"


class NoServer(Exception):
    """A server cannot be used; the text says why."""


@contextmanager
def started(name: str, setting: Setting) -> Iterator[Server]:
    """Starts a server for the length of the block, and waits until its model answers.

    Raises:
        NoServer: It is not installed, ends, or does not answer.
    """
    if name == LLAMA_CPP_SERVER and setting.python == sys.executable:
        _require("uvicorn")
    port = _free_port()
    with tempfile.TemporaryFile("w+") as log:
        try:
            process = subprocess.Popen(
                setting.command(name, port),
                cwd=ROOT,
                env=setting.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        except OSError as error:
            raise NoServer(f"{name} cannot be started: {error.strerror}") from error
        try:
            url = f"http://127.0.0.1:{port}/v1"
            yield Server(name, url, _wait_for_model(url, process), process.pid)
        except NoServer as error:
            log.seek(0)
            raise NoServer(f"{name}: {error}\n{log.read()[-800:]}") from error
        finally:
            _end(process)


def running(name: str, url: str) -> Server:
    """A server that was started by somebody else.

    Args:
        name: What to call it.
        url: Its base, with or without `/v1`; behind a `#` the model, else its first one is taken.

    Raises:
        NoServer: It does not answer.
    """
    base, _, model = url.partition("#")
    base = base.rstrip("/")
    if not base.endswith("/v1"):
        base += "/v1"
    try:
        model = model or _first_model(base)
        ignores_eos = _ignores_eos(base, model)
    except (OSError, ValueError, LookupError) as error:
        raise NoServer(f"{name} at {base}: {error}") from error
    return Server(name, base, model, ignores_eos=ignores_eos)


def _ignores_eos(url: str, model: str) -> bool:
    try:
        _warm_up(url, model, ignore_eos=True)
    except urllib.error.HTTPError as refusal:
        if refusal.code not in (400, 422):
            raise
        _warm_up(url, model)
        return False
    return True


def _wait_for_model(url: str, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise NoServer(f"it ended with exit code {process.returncode}")
        try:
            model = _first_model(url)
            _warm_up(url, model)
        except (OSError, ValueError, LookupError):
            time.sleep(0.1)
            continue
        return model
    raise NoServer(f"it does not answer after {_PATIENCE:.0f} s")


def _first_model(url: str) -> str:
    with urllib.request.urlopen(f"{url}/models", timeout=_PATIENCE) as response:
        return str(json.load(response)["data"][0]["id"])


def _warm_up(url: str, model: str, **fields: object) -> None:
    """One short answer: what is loaded or compiled for the first request is there afterwards."""
    messages = [{"role": "user", "content": "hello"}]
    body = {"model": model, "messages": messages, "max_tokens": 4, **fields}
    request = urllib.request.Request(
        f"{url}/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
        json.load(response)["choices"]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _require(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise NoServer(
            f"{LLAMA_CPP_SERVER} needs {module}: install 'llama-cpp-python[server]' into an"
            " environment of its own and name its interpreter with --other-python"
        )


def _options(values: dict[str, str]) -> Sequence[str]:
    return [part for name, value in values.items() for part in (f"--{name}", value)]
