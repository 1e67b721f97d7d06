"""Examines a panel's embedder: one short text, embedded in earnest."""

from __future__ import annotations

from dataclasses import replace

import anyio

from council.agents.shared import Shared
from council.config import EmbedderConfig
from council.config.schema import EMBEDDER_ID
from council.errors import AgentError
from council.findings import (
    NO_USAGE,
    Finding,
    advice_on,
    look_at_connection,
    shown,
)
from council.price_table import charged

TEXT = "It is 42."


async def examine_embedder(config: EmbedderConfig, shared: Shared) -> Finding:
    """Asks for one vector.

    Args:
        config: The panel's embedder, with one endpoint at most.
        shared: What agents share.
    """
    # Imported when it is needed, as where panels are assembled.
    from council.agents.embeddings import build

    endpoint = config.endpoint[0] if config.endpoint else None
    finding = Finding(
        (EMBEDDER_ID,),
        config.model,
        shown(endpoint),
        "ok",
        price=charged(config),
    )
    notes: list[str] = []
    look_at_connection(config, endpoint, notes)
    embedder = build(config, shared)
    try:
        if endpoint is None:
            await embedder.embed([TEXT])  # the model has to be loaded, which tells no speed
        started = anyio.current_time()
        embedded = await embedder.embed([TEXT])
    except AgentError as error:
        said, advice = str(error), advice_on(error)
        return replace(finding, state="failed", error=said, advice=advice, notes=tuple(notes))
    seconds = anyio.current_time() - started
    (vector,) = embedded.vectors
    if not any(vector):
        notes.append("its vector has no direction: all numbers are 0")
    if embedded.usage.estimated:
        notes.append(NO_USAGE)
    return replace(
        finding,
        state="slow" if seconds > config.timeouts.first_token / 2 else "ok",
        notes=tuple(notes),
        dimensions=len(vector),
        seconds=seconds,
    )
