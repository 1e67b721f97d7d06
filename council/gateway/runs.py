"""All runs of the gateway: they outlive the requests that began them, and are found by id."""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from council.agents.via import via
from council.errors import CouncilError, StoreError, StrategyError
from council.gateway.asking import Ask, asking
from council.gateway.errors import PanelAsksItself, QueueFull, UnknownRun
from council.gateway.kept_run import KeptRun, kept_run
from council.gateway.live_run import LiveRun
from council.gateway.panels import OpenPanel
from council.replies import Failure
from council.sources import AskOptions, Question, to_messages
from council.tasks import task_group
from council.ticket import Ticket
from serving.drain import Drain
from serving.exchange import current

if TYPE_CHECKING:
    from council.store.store import Store

_MOST_HOPS = 4
_ID = re.compile(r"[0-9a-f]{32}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunLimits:
    """How many runs there may be.

    Attributes:
        running: Under way at once.
        waiting: For their turn.
        kept: How many that are over stay in memory; afterwards they come from the record.
        kept_bytes: The same, in bytes.
    """

    running: int = 64
    waiting: int = 256
    kept: int = 256
    kept_bytes: int = 64 << 20


class Runs:
    """Starts runs and finds them again; made by `open_runs`.

    Attributes:
        gateway: This gateway's id, by which it knows its own requests again.
        store: The record, where there is one.
        active: How many runs are under way.
        waiting: How many wait for their turn.
        panel_of: Names of panels by their files' paths, for runs of the record.
        watchers: Called with each run when it is over, and with each that was refused as None.
    """

    def __init__(
        self,
        group: TaskGroup,
        gateway: str,
        limits: RunLimits,
        store: Store | None = None,
        drain: Drain | None = None,
        panel_of: Mapping[str, str] | None = None,
    ) -> None:
        self.gateway = gateway
        self.store = store
        self.active = 0
        self.waiting = 0
        self.watchers: list[Callable[[LiveRun | None], object]] = []
        self._limits = limits
        self._group = group
        self._slots = anyio.CapacityLimiter(limits.running)
        self._drain = drain or Drain()
        self.panel_of = dict(panel_of or {})
        self._live: dict[str, LiveRun] = {}
        self._over: OrderedDict[str, tuple[LiveRun, int]] = OrderedDict()
        self._kept_bytes = 0
        self._usual = 1.0

    async def start(
        self,
        panel: OpenPanel,
        question: Question,
        options: AskOptions | None = None,
        *,
        owner: str,
        after: str | None = None,
    ) -> LiveRun:
        """Starts a run, or puts it into the queue. What it uses is charged to the request at hand.

        Args:
            panel: Who is asked.
            question: What to ask.
            options: As for `Council.stream`.
            owner: Who asks: `serving.exchange.owner()`.
            after: The id of a run whose conversation the question goes on with.

        Raises:
            ConfigError: The question or an option cannot be used; nobody was asked.
            QueueFull: As many runs wait as may.
            UnknownRun: There is no run `after`.
            InvalidRequest: That run came to no answer.
            PanelAsksItself: The request has come through this gateway before.
        """
        came = self._require_new(panel)
        given: AskOptions = {**(options or {})}
        if given.get("strategy") is None:
            given["strategy"] = panel.strategy
        panel.council.check(question, **given)
        before = None if after is None else await self.get(after, owner, "continue")
        ticket = Ticket(owner=owner)
        ask = await asking(panel.council, ticket, question, given, before, self.store)
        self._require_room()
        name = _strategy_name(panel, given)
        run = LiveRun(ticket.id, panel.name, owner, to_messages(question), name)
        self._live[run.id] = run
        self.waiting += 1
        self._drain.enter("runs")
        self._group.start_soon(self._drive, run, ask, (*came, self.gateway), _payment())
        return run

    async def get(self, id: str, owner: str, param: str = "id") -> LiveRun | KeptRun:
        """A run by its whole id, from memory or else from the record.

        Args:
            id: The run's id.
            owner: Who asks.
            param: The request's field that has the id, for the error.

        Raises:
            UnknownRun: There is none, or it belongs to somebody else.
            StoreError: The record cannot be read.
        """
        run: LiveRun | KeptRun | None = self.find_live(id)
        if run is None and self.store is not None and _ID.fullmatch(id):
            run = await anyio.to_thread.run_sync(kept_run, self.store, id, self.panel_of)
        if run is None or not _may_see(owner, run.owner):
            raise UnknownRun(id, param)
        return run

    def find_live(self, id: str) -> LiveRun | None:
        """A run that is in memory, whoever's it is."""
        if id in self._over:
            return self._over[id][0]
        return self._live.get(id)

    def in_memory(self, owner: str) -> list[LiveRun]:
        """The runs in memory that somebody may see, the newest first."""
        runs = [*self._live.values(), *(run for run, _ in self._over.values())]
        seen = [run for run in runs if _may_see(owner, run.owner)]
        return sorted(seen, key=lambda run: run.created, reverse=True)

    async def delete(self, id: str, owner: str) -> None:
        """Stops a run that is under way, and forgets it for good; errors as for `get`."""
        run = await self.get(id, owner)
        if isinstance(run, LiveRun):
            run.cancel()
            await run.over.wait()
            self._forget(id)
        if self.store is not None:
            await anyio.to_thread.run_sync(_delete, self.store, id)

    def cancel_all(self) -> None:
        """Stops all runs; what they have by then is their result."""
        for run in self._live.values():
            run.cancel()

    async def wait_over(self) -> None:
        """Waits until no run is under way."""
        for run in list(self._live.values()):
            await run.over.wait()

    def _require_new(self, panel: OpenPanel) -> tuple[str, ...]:
        """The gateways that the request has come through.

        Raises:
            PanelAsksItself: This one is among them, or there are too many.
        """
        came = via.get()
        if self.gateway in came:
            raise PanelAsksItself(
                f"The panel {panel.name!r} asks itself: one of its experts, or of a panel that it"
                " asks, has this gateway as its endpoint."
            )
        if len(came) > _MOST_HOPS:
            raise PanelAsksItself(
                f"The question to {panel.name!r} has come through {len(came)} gateways, and"
                f" {_MOST_HOPS} are the most."
            )
        return came

    def _require_room(self) -> None:
        limits = self._limits
        if len(self._live) < limits.running + limits.waiting:
            return
        for told in self.watchers:
            told(None)
        wait = self._usual * (self.waiting + 1) / limits.running
        raise QueueFull(self.active, self.waiting, min(max(wait, 1.0), 60.0))

    async def _drive(
        self, run: LiveRun, ask: Ask, through: tuple[str, ...], pay: Callable[[int], object]
    ) -> None:
        """Takes a run to its end; nothing that happens in it ends another one."""
        via.set(through)
        error: Failure | None = None
        try:
            with run.scope:
                async with self._slots, self._under_way(run), ask() as begun:
                    run.follow(begun)
                    async for event in begun:
                        run.add(event)
        except CouncilError as raised:
            error = Failure.of(raised)
        except Exception as raised:
            _log.exception("run %s failed", run.id)
            error = Failure(StrategyError.kind, f"{type(raised).__name__}: {raised}")
        finally:
            self._end(run, error, pay)

    @asynccontextmanager
    async def _under_way(self, run: LiveRun) -> AsyncGenerator[None, None]:
        run.began = True
        self.waiting -= 1
        self.active += 1
        try:
            yield
        finally:
            self.active -= 1

    def _end(self, run: LiveRun, error: Failure | None, pay: Callable[[int], object]) -> None:
        if not run.began:
            self.waiting -= 1
        run.end(error)
        assert run.result is not None
        pay(run.result.usage.total_tokens)
        self._usual += 0.1 * (run.result.seconds - self._usual)
        del self._live[run.id]
        self._keep(run)
        for told in self.watchers:
            told(run)
        self._drain.leave("runs")

    def _keep(self, run: LiveRun) -> None:
        size = run.size
        self._over[run.id] = run, size
        self._kept_bytes += size
        while self._keeps_too_much():
            self._forget(next(iter(self._over)))

    def _keeps_too_much(self) -> bool:
        # The newest stays however large it is: somebody has just asked for it.
        large = self._kept_bytes > self._limits.kept_bytes and len(self._over) > 1
        return large or len(self._over) > self._limits.kept

    def _forget(self, id: str) -> None:
        if id in self._over:
            self._kept_bytes -= self._over.pop(id)[1]


@asynccontextmanager
async def open_runs(
    gateway: str,
    limits: RunLimits | None = None,
    *,
    store: Store | None = None,
    drain: Drain | None = None,
    panel_of: Mapping[str, str] | None = None,
) -> AsyncGenerator[Runs, None]:
    """The runs of a gateway; those under way at the end of the block are stopped.

    Args:
        gateway: The gateway's id.
        limits: How many there may be.
        store: The record that the panels write to; where there is none, old runs are forgotten.
        drain: Told of each run, so that the server's end waits for it.
        panel_of: Names of panels by their files' paths, for runs of the record.
    """
    async with task_group() as group:
        yield Runs(group, gateway, limits or RunLimits(), store, drain, panel_of)
        group.cancel_scope.cancel()


def _may_see(owner: str, of: str) -> bool:
    """Without keys everybody sees everything."""
    return owner in ("", of)


def _strategy_name(panel: OpenPanel, options: AskOptions) -> str:
    chosen = options.get("strategy")
    if isinstance(chosen, str):
        return chosen
    name = chosen.get("name") if isinstance(chosen, Mapping) else getattr(chosen, "name", None)
    return str(name or panel.council.strategy.name)


def _payment() -> Callable[[int], object]:
    """Charges tokens to whoever asks now, whenever that is known."""
    exchange = current()
    account = exchange.account if exchange else None
    if exchange is None or account is None:
        return lambda tokens: None
    clock = exchange.clock
    return lambda tokens: account.settle(0, tokens, clock())


def _delete(store: Store, id: str) -> None:
    # A run that never left the queue, or whose record was lost, is not there.
    with suppress(StoreError):
        store.delete(id)
