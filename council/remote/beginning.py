"""Beginning a run at a gateway exactly once, and ending it."""

from __future__ import annotations

import logging
from random import Random
from typing import Any

import anyio

from council.errors import CouncilError
from council.remote.address import run_path
from council.remote.entries import Started, read_as
from council.remote.gateway import Gateway
from council.remote.trying import has_begun_nothing, patiently
from council.retry import RetryPolicy
from council.tasks import task_group

_LOG = logging.getLogger(__name__)
_LATE_SECONDS = 2.0
_END_SECONDS = 5.0


async def begin(gateway: Gateway, body: dict[str, Any], policy: RetryPolicy, random: Random) -> str:
    """The id of a run that was begun; asked again only where nothing can have begun.

    Args:
        gateway: Where.
        body: The JSON that starts it.
        policy: How often and how patiently to ask.
        random: The source of jitter.

    Raises:
        ConfigError: The gateway refuses it.
        TransportError: It cannot be reached, or takes no run now.
    """

    async def post() -> str:
        return await _begin(gateway, body)

    return await patiently(post, policy, random, has_begun_nothing)


async def end(gateway: Gateway, id: str) -> None:
    """Ends a run that nobody waits for any more, if that can be done soon; cancelled or not."""
    with anyio.move_on_after(_END_SECONDS, shield=True):
        try:
            await gateway.call("POST", run_path(id, "cancel"))
        except CouncilError as error:
            _LOG.warning("run %s was not cancelled: %s", id, error)
        return
    _LOG.warning("run %s was not cancelled: no answer within %g s", id, _END_SECONDS)


async def _begin(gateway: Gateway, body: dict[str, Any]) -> str:
    """Begins a run; one whose id comes when nobody waits for it any more is ended.

    Whoever is cancelled meanwhile waits a little for the id: a run without a listener would go on
    and cost.
    """
    asking = anyio.CancelScope(shield=True)
    answered = anyio.Event()
    ids: list[str] = []
    failures: list[CouncilError] = []

    async def post() -> None:
        with asking:
            try:
                data = await gateway.call("POST", "/council/runs", body)
                ids.append(read_as(Started, data, gateway.shown).id)
            except CouncilError as error:
                failures.append(error)
        answered.set()

    taken = False
    try:
        async with task_group() as group:
            group.start_soon(post)
            try:
                await answered.wait()
            finally:
                asking.deadline = anyio.current_time() + _LATE_SECONDS
        taken = True
    finally:
        if ids and not taken:
            await end(gateway, ids[0])
    if failures:
        raise failures[0]
    return ids[0]
