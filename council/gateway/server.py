"""Runs the gateway: the socket, the signals, Hypercorn, and the lines on standard error."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Literal, cast

import anyio
from hypercorn.asyncio import serve as serve_http

from council.gateway.app import create_app
from council.gateway.arguments import ServeArguments
from council.gateway.page import OPEN_PATHS
from council.gateway.panels import PanelSpec
from council.gateway.preloading import preload
from council.gateway.runs import RunLimits
from council.gateway.state import GatewayOptions, GatewayState, open_gateway
from serving.drain import Stopping
from serving.errors import OptionError
from serving.gate import Gate
from serving.listener import bind, http_config, is_local, url_of
from serving.log_lines import log_to_stderr

if TYPE_CHECKING:
    from council.store.store import Store

_LAST_SECONDS = 5.0
"""How long runs have to end once they are stopped."""


def run(arguments: ServeArguments) -> None:
    """Serves until a signal.

    Raises:
        ConfigError: A panel cannot be used.
        ListenError: The port is taken.
        OptionError: The keys cannot be used.
    """
    specs = [PanelSpec.parse(text) for text in arguments.panels]
    listener = bind(arguments.host, arguments.port)
    try:
        gate = Gate(
            arguments.serving,
            loopback=is_local(listener),
            open_paths=("/health", *OPEN_PATHS),
        )
        log_to_stderr()
        with _store(arguments) as store:
            asyncio.run(_serve(arguments, specs, listener, gate, store))
    finally:
        listener.close()


@contextmanager
def _store(arguments: ServeArguments) -> Iterator[Store | None]:
    """Where runs are kept; what is not yet written when the block ends is written then."""
    from council.store.store import Store

    def warn(text: str) -> None:
        _tell(f"warning: {text}")

    kept = Store(arguments.store, on_warning=warn) if arguments.keep else nullcontext()
    with kept as store:
        if store is not None:
            # Whoever starts a server looks at it now, and not when the first run is lost.
            store.prove()
        yield store


async def _serve(
    arguments: ServeArguments,
    specs: list[PanelSpec],
    listener: socket.socket,
    gate: Gate,
    store: Store | None,
) -> None:
    stopping = Stopping(gate.drain, arguments.serving.drain, _tell)
    options = GatewayOptions(
        RunLimits(running=arguments.max_runs, waiting=arguments.queue),
        cast(Literal["answer", "experts"], arguments.show),
    )
    async with open_gateway(specs, store=store, options=options, drain=gate.drain) as state:
        _listen_to_signals(stopping, gate)
        _introduce(state, listener, gate)

        async def until_stopped() -> None:
            await stopping.wait()
            await _end_runs(state)

        app = create_app(state, gate)
        served = serve_http(app, http_config(listener), shutdown_trigger=until_stopped)
        if arguments.preload:
            loading = asyncio.create_task(preload(state.panels, _tell))
            loading.add_done_callback(_look_at)
            try:
                await served
            finally:
                loading.cancel()
        else:
            await served


async def _end_runs(state: GatewayState) -> None:
    """Stops what still runs; that ends the open streams, for which Hypercorn would wait."""
    state.runs.cancel_all()
    with anyio.move_on_after(_LAST_SECONDS):
        await state.runs.wait_over()


def _introduce(state: GatewayState, listener: socket.socket, gate: Gate) -> None:
    url = url_of(listener)
    _tell(f"listening on {url} (panels: {', '.join(state.panels.names)}); the page is at {url}/")
    if not gate.keys and not is_local(listener):
        _tell(
            f"warning: anybody who reaches {url} may use it, and pay with your keys: give --api-key"
            " or --api-keys-file, or listen on 127.0.0.1"
        )


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


def _look_at(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _tell(f"warning: loading models: {error}")


def _tell(text: str) -> None:
    sys.stderr.write(f"council-serve: {text}\n")
    sys.stderr.flush()
