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

from backend.app import create_app
from backend.engine.state import State
from backend.errors import StartupError
from backend.registry import Registry
from backend.settings import Settings
from serving.drain import Stopping
from serving.errors import ListenError, OptionError
from serving.gate import Gate
from serving.listener import bind, http_config, is_local, url_of
from serving.log_lines import log_to_stderr


def run(settings: Settings) -> None:
    """Serves until a signal, or the end of standard input where that was asked for.

    Raises:
        StartupError: The port is taken, or no model could be loaded.
    """
    try:
        listener = bind(settings.host, settings.port)
        gate = Gate(settings.serving, loopback=is_local(listener))
    except (ListenError, OptionError) as error:
        raise StartupError(str(error)) from error
    log_to_stderr()
    asyncio.run(_serve(settings, listener, gate))


async def _serve(settings: Settings, listener: socket.socket, gate: Gate) -> None:
    stopping = Stopping(gate.drain, settings.serving.drain, _tell)
    _listen_to_signals(stopping, gate)
    if settings.exit_with_parent:
        _stop_on_end_of_input(stopping)
    registry = Registry.from_settings(settings)
    url = url_of(listener)
    names = ", ".join(model.id for model in registry.models)
    _tell(f"listening on {url} ({'on demand' if registry.on_demand else 'loading'}: {names})")
    if not gate.keys and not is_local(listener):
        _tell(
            f"warning: anybody who reaches {url} may use it: give --api-key or --api-keys-file, or"
            " listen on 127.0.0.1"
        )
    registry.start()
    failure: list[str] = []
    watcher = asyncio.create_task(_watch(registry, settings, url, stopping, failure.append))

    async def until_stopped() -> None:
        await stopping.wait()
        watcher.cancel()
        # First the models: that ends the open streams, for which Hypercorn would wait.
        await registry.close()

    app = create_app(registry, gate)
    await serve_http(app, http_config(listener), shutdown_trigger=until_stopped)
    if failure:
        raise StartupError(failure[0])


async def _watch(
    registry: Registry,
    settings: Settings,
    url: str,
    stopping: Stopping,
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
        stopping.end()


def _listen_to_signals(stopping: Stopping, gate: Gate) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.ask)
    if gate.options.keys_file is not None:
        loop.add_signal_handler(signal.SIGHUP, _reload, gate)


def _reload(gate: Gate) -> None:
    try:
        gate.reload()
    except OptionError as error:
        _tell(f"the keys stay as they were: {error}")
    else:
        _tell(f"the keys were read again, there are {len(gate.keys)}")


def _stop_on_end_of_input(stopping: Stopping) -> None:
    """Stops the server when the process that holds the other end of standard input is gone."""
    loop = asyncio.get_running_loop()

    def watch() -> None:
        # Not through sys.stdin: a lock of it held by this thread would abort the interpreter's end.
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(stopping.end)

    threading.Thread(target=watch, daemon=True).start()


def _tell(text: str) -> None:
    sys.stderr.write(f"council-backend: {text}\n")
    sys.stderr.flush()
