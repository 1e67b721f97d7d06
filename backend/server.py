"""Runs the application: the socket, the signals, Hypercorn, and the lines on standard error."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

from hypercorn.asyncio import serve as serve_http
from hypercorn.config import Config

from backend.app import create_app
from backend.engine.state import State
from backend.errors import StartupError
from backend.registry import Registry
from backend.settings import Settings

_BACKLOG = 512
_KEEP_ALIVE = 75.0
"""Seconds an idle connection stays open; longer than clients keep theirs, which avoids a race."""
_GRACE = 1.0
"""Seconds that responses have to end once the server is being stopped."""


def run(settings: Settings) -> None:
    """Serves until a signal, or the end of standard input where that was asked for.

    Raises:
        StartupError: The port is taken, or no model could be loaded.
    """
    listener = bind(settings.host, settings.port)
    asyncio.run(_serve(settings, listener))


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        StartupError: The address is taken or is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise StartupError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --port (0 for any)"
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Where a listening socket can be reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _serve(settings: Settings, listener: socket.socket) -> None:
    stop = asyncio.Event()
    _stop_on_signals(stop)
    if settings.exit_with_parent:
        _stop_on_end_of_input(stop)
    registry = Registry.from_settings(settings)
    url = url_of(listener)
    names = ", ".join(model.id for model in registry.models)
    _tell(f"listening on {url} ({'on demand' if registry.on_demand else 'loading'}: {names})")
    registry.start()
    failure: list[str] = []
    watcher = asyncio.create_task(_watch(registry, settings, url, stop, failure.append))

    async def until_stopped() -> None:
        await stop.wait()
        watcher.cancel()
        # First the models: that ends the open streams, for which Hypercorn would wait.
        await registry.close()

    app = create_app(registry)
    await serve_http(app, _hypercorn(listener), shutdown_trigger=until_stopped)
    if failure:
        raise StartupError(failure[0])


def _hypercorn(listener: socket.socket) -> Config:
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.loglevel = "WARNING"
    config.graceful_timeout = _GRACE
    config.keep_alive_timeout = _KEEP_ALIVE
    config.include_server_header = False
    return config


async def _watch(
    registry: Registry,
    settings: Settings,
    url: str,
    stop: asyncio.Event,
    fail: Callable[[str], None],
) -> None:
    """Tells when loading is over, and ends the server when it was all in vain."""
    await registry.settled()
    failed = [model for model in registry.models if model.supervisor.state is State.FAILED]
    told = "".join(f"; failed to load: {model.id}: {model.supervisor.error}" for model in failed)
    if len(failed) < len(registry.models):
        _tell(f"ready on {url}{told}")
        return
    _tell(f"no model on {url}{told}")
    if not settings.exit_with_parent:
        fail("no model could be loaded")
        stop.set()


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)


def _stop_on_end_of_input(stop: asyncio.Event) -> None:
    """Stops the server when the process that holds the other end of standard input is gone."""
    loop = asyncio.get_running_loop()

    def watch() -> None:
        # Not through sys.stdin: a lock of it held by this thread would abort the interpreter's end.
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, daemon=True).start()


def _tell(text: str) -> None:
    sys.stderr.write(f"council-backend: {text}\n")
    sys.stderr.flush()
