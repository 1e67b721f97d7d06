"""What the routes of a gateway have in common."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from council.gateway.panels import Panels, PanelSpec, open_panels
from council.gateway.runs import RunLimits, Runs, open_runs
from serving.drain import Drain

if TYPE_CHECKING:
    from council.store.store import Store

Show = Literal["answer", "experts"]
"""What of a run a client without a wish of its own is shown: `experts` adds what they write."""


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """What can be chosen for a gateway.

    Attributes:
        limits: How many runs there may be.
        show: What clients of chat routes are shown.
    """

    limits: RunLimits = field(default_factory=RunLimits)
    show: Show = "answer"


@dataclass(frozen=True, slots=True)
class GatewayState:
    """What is served, and how it stands.

    Attributes:
        panels: Who can be asked.
        runs: What was asked.
        store: Where runs are kept; None for nowhere.
        options: What was chosen.
        created: When the gateway began, in seconds since 1970 UTC.
    """

    panels: Panels
    runs: Runs
    store: Store | None = None
    options: GatewayOptions = field(default_factory=GatewayOptions)
    created: float = field(default_factory=time.time)


@asynccontextmanager
async def open_gateway(
    specs: Sequence[PanelSpec],
    *,
    store: Store | None = None,
    options: GatewayOptions | None = None,
    drain: Drain | None = None,
) -> AsyncGenerator[GatewayState, None]:
    """Opens panel files to be served, and closes them at the end of the block.

    Args:
        specs: The files, and what they are called.
        store: Where to keep runs; it stays the caller's to close.
        options: What was chosen.
        drain: Told of each run: `Gate.drain`.

    Raises:
        ConfigError: A file cannot be used, or two panels have the same name.
    """
    async with (
        open_panels(specs, store) as panels,
        gateway_of(panels, store=store, options=options, drain=drain) as state,
    ):
        yield state


@asynccontextmanager
async def gateway_of(
    panels: Panels,
    *,
    store: Store | None = None,
    options: GatewayOptions | None = None,
    drain: Drain | None = None,
) -> AsyncGenerator[GatewayState, None]:
    """As `open_gateway`, for panels that are open already and write to the same store."""
    options = options or GatewayOptions()
    panel_of = {panel.council.source: panel.name for panel in panels.all if panel.council.source}
    id = secrets.token_hex(8)
    async with open_runs(id, options.limits, store=store, drain=drain, panel_of=panel_of) as runs:
        yield GatewayState(panels, runs, store, options)
