"""Owns one bundled backend server: starts it, waits for its models, ends it.

The server is a child process that speaks the same HTTP as any other endpoint; nothing of the
package `backend` is imported. One server holds all local models of a panel.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator
from itertools import chain, count
from pathlib import Path
from typing import IO, Any, Literal

import anyio
import httpx

from council.agents.http_errors import FOREIGN
from council.agents.transport import TransportOptions, new_client
from council.config import BackendConfig
from council.errors import BackendError
from council.logs import log
from council.messages import Notice

_POLL_SECONDS = 0.03
_STOP_SECONDS = 3.0
_ENDING_SECONDS = 0.3
_LOG_TAIL_BYTES = 2000
_KEYS = "COUNCIL_BACKEND_API_KEYS"

ServerState = Literal["idle", "starting", "running", "ended"]
"""`idle` before anybody has needed a model; `running` once none is loading any more."""

_log = logging.getLogger(__name__)

_ADDRESS = re.compile(r"listening on (http://\S+)")


class LocalServer:
    """The bundled backend as a child process, started when the first model is needed.

    The child watches its standard input and ends when that closes, so it cannot outlive this
    process, not even after `kill -9`.

    Args:
        options: How to start it.
    """

    def __init__(self, options: BackendConfig | None = None) -> None:
        self._options = options or BackendConfig()
        self._models: dict[str, str] = {}
        self._lock = anyio.Lock()
        self._settled = anyio.Event()  # no model is loading any more
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._url = ""
        self._client: httpx.AsyncClient | None = None
        self._closed = False

    def add(self, model: str) -> str:
        """Registers a model (a file's path or `builtin:NAME`) and returns its name on the wire.

        Models have to be added before the first request.
        """
        if model not in self._models:
            if self._process is not None:
                raise BackendError(f"the local server runs already, {model} came too late")
            name = _short(model).replace("=", "-")  # `=` parts a name from its file
            candidates = chain([name], (f"{name}#{n}" for n in count(2)))
            taken = set(self._models.values())
            self._models[model] = next(name for name in candidates if name not in taken)
        return self._models[model]

    @property
    def url(self) -> str:
        """The server's address; empty before it listens."""
        return self._url

    @property
    def client(self) -> httpx.AsyncClient:
        """The client for this server, shared by its agents."""
        if self._client is None:
            # No proxy stands between this machine and itself.
            self._client = new_client(TransportOptions(trust_env=False))
        return self._client

    @property
    def state(self) -> ServerState:
        """How the process stands."""
        if self._process is None:
            return "idle"
        if self._process.poll() is not None:
            return "ended"
        return "running" if self._settled.is_set() else "starting"

    async def load_all(self) -> None:
        """Starts the server and waits until all models are loaded; errors as for `ready`."""
        for model in self._models:
            async for _ in self.ready(model):
                pass

    async def ready(self, model: str) -> AsyncGenerator[Notice, None]:
        """Starts the server if need be and waits for a model; yields what changes meanwhile.

        Raises:
            BackendError: It could not be started, could not load the model, or took longer
                than `startup_timeout`.
        """
        limit = anyio.current_time() + self._options.startup_timeout
        if not self._url:
            yield Notice("loading", f"starting the local server for {_short(model)}")
            async with self._lock:
                await self._listen(limit)
        shown = -1.0
        while True:
            health = await self._health(self._models[model])
            # Loading takes the processors from whoever answers: all models begin together.
            # One that is loaded on demand is loaded by the request itself.
            if health["status"] in ("ready", "unloaded") and self._settled.is_set():
                return
            if health["status"] == "failed":
                raise BackendError(f"{_short(model)} could not be loaded: {health['error']}")
            progress = float(health.get("progress") or 0.0)
            if progress - shown >= 0.1:
                shown = progress
                yield Notice("loading", f"loading {_short(model)}: {progress:.0%}")
            await self._pause(limit)

    async def aclose(self) -> None:
        """Ends the server; returns when it is gone."""
        self._closed = True
        with anyio.CancelScope(shield=True):
            if self._client is not None:
                await self._client.aclose()
                self._client = None
            if self._process is not None:
                await anyio.to_thread.run_sync(self._stop, self._process)
                log(_log, logging.INFO, "backend.stopped", code=self._process.returncode)
                self._process = None
        if self._log is not None:
            self._log.close()
            self._log = None

    async def _listen(self, limit: float) -> None:
        """Starts the process, unless somebody did while we waited, until it says its address."""
        if self._closed:
            raise BackendError("the local server was closed")
        if self._process is None:
            self._process = self._start()
        while not self._url:
            match = _ADDRESS.search(self._log_text())
            if match:
                self._url = match.group(1)
                log(_log, logging.INFO, "backend.listening", url=self._url)
                return
            self._require_running()
            await self._pause(limit)

    def _start(self) -> subprocess.Popen[bytes]:
        require_backend()
        specs: list[str] = []
        for model, name in self._models.items():
            specs += ["--model", f"{model}={name}"]
        command = [sys.executable, "-m", "backend", *specs, "--port", "0", "--exit-with-parent"]
        # A file and not a pipe: nobody has to read it for the server to go on. Append mode, since
        # both processes share the file's position.
        log(_log, logging.INFO, "backend.starting", models=", ".join(self._models))
        self._log = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - closed in aclose
        return subprocess.Popen(
            [*command, *_arguments(self._options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            # Keys of a server that others reach: this one is for its parent, which has none.
            env={name: value for name, value in os.environ.items() if name != _KEYS},
            # Ctrl-C is for this process, which then ends the server itself.
            start_new_session=True,
        )

    async def _health(self, name: str) -> dict[str, Any]:
        self._require_running()
        try:
            response = await self.client.get(f"{self._url}/health", timeout=30.0)
            models = response.json()["models"]
        except (*FOREIGN, ValueError, KeyError) as error:
            # A process that is ending loses its sockets first: give it the time to be gone.
            await anyio.sleep(_ENDING_SECONDS)
            self._require_running()
            raise BackendError(f"the local server does not answer: {error}") from error
        if all(entry["status"] != "loading" for entry in models):
            self._settled.set()
        found: dict[str, Any] = next(entry for entry in models if entry["id"] == name)
        return found

    def _require_running(self) -> None:
        if self._process is None:
            raise BackendError("the local server was closed")
        code = self._process.poll()
        if code is not None:
            raise BackendError(
                f"the local server ended with exit code {code}: {self._log_text().strip()}"
            )

    def _log_text(self) -> str:
        if self._log is None:
            return ""
        size = self._log.seek(0, 2)
        self._log.seek(max(0, size - _LOG_TAIL_BYTES))
        return self._log.read().decode("utf-8", "replace")

    async def _pause(self, limit: float) -> None:
        if anyio.current_time() >= limit:
            raise BackendError(
                f"the local server was not ready within {self._options.startup_timeout:g} s"
                " (`backend.startup_timeout`)"
            )
        if self._settled.is_set():
            await anyio.sleep(_POLL_SECONDS)
            return
        with anyio.move_on_after(_POLL_SECONDS):
            await self._settled.wait()

    @staticmethod
    def _stop(process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


_SWITCHES = {("mmap", False): "--no-mmap", ("mlock", True): "--mlock"}


def _arguments(options: BackendConfig) -> list[str]:
    """The options on the backend's command line."""
    arguments: list[str] = []
    for name, value in options.model_dump(exclude={"startup_timeout"}, exclude_none=True).items():
        if isinstance(value, bool):
            arguments += [_SWITCHES[name, value]] if (name, value) in _SWITCHES else []
        else:
            arguments += [f"--{name.replace('_', '-')}", str(value)]
    return arguments


def require_backend() -> None:
    """Raises BackendError, with the way out, where what the server needs is not installed."""
    missing = [name for name in ("backend", "llama_cpp", "quart", "hypercorn") if not _has(name)]
    if missing:
        raise BackendError(
            f"the bundled backend is not installed (no {', '.join(missing)}):"
            " run 'scripts/setup', or pip install '.[backend]' in council's folder,"
            " or give the expert an `endpoint`"
        )


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _short(model: str) -> str:
    return model if model.startswith("builtin:") else Path(model).name
