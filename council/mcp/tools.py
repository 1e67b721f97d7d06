"""The tools: panels are asked, listed, and their runs explained."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
from pydantic import BaseModel

from council.errors import ConfigError
from council.gateway.document import as_markdown
from council.gateway.errors import UnknownPanel
from council.gateway.panel_list import panel_list
from council.gateway.panels import OpenPanel, Panels
from council.mcp.arguments import AskArguments, ExplainArguments, ListArguments, read
from council.mcp.progress import Progress, Report
from council.mcp.recall import Recall
from council.mcp.told import answer_texts, failure_text, panel_text, shortened
from council.mcp.views import Answered, Explained
from council.run import Run
from council.sources import AskOptions
from council.strategies import STRATEGIES
from council.ticket import Ticket

Tell = Callable[[Report], Awaitable[None]]
"""Takes a report to whoever waits."""

_MOST_RUNS = 64
"""Runs under way at once; further calls wait."""


class ToolFailed(Exception):
    """A call that came to nothing; the text is for whoever called."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a tool gives: texts, and the same as data."""

    texts: list[str]
    data: BaseModel


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever calls a tool.

    Attributes:
        tell: Takes progress there.
        owner: The name of its key; empty where there are no keys.
    """

    tell: Tell
    owner: str = ""


class PanelTools:
    """The tools over some panels.

    Args:
        panels: The panels.
        recall: Where runs are found again.
    """

    def __init__(self, panels: Panels, recall: Recall) -> None:
        self.panels = panels
        self._recall = recall
        self._slots = anyio.CapacityLimiter(_MOST_RUNS)
        self._under_way: set[anyio.CancelScope] = set()

    def stop(self) -> None:
        """Stops the runs under way; their callers are told."""
        for scope in list(self._under_way):
            scope.cancel()

    async def ask(self, given: Mapping[str, Any] | None, caller: Caller) -> Given:
        """Asks a panel; a call that is cancelled stops the run.

        Raises:
            ConfigError: The arguments cannot be used.
            ToolFailed: There is no answer.
        """
        arguments = read(AskArguments, "ask_panel", given)
        panel = self._panel(arguments.panel)
        if arguments.strategy is not None and arguments.strategy not in STRATEGIES:
            raise ConfigError(f"strategy: expected one of {', '.join(sorted(STRATEGIES))}")
        ticket = Ticket(owner=caller.owner)
        run = await self._run(panel, arguments, ticket, caller.tell)
        if run.error is not None:
            raise ToolFailed(failure_text(run.error, run.id)) from run.error
        return Given(answer_texts(run.result), Answered.of(run.result, panel.name))

    async def explain(self, given: Mapping[str, Any] | None, caller: Caller) -> Given:
        """Tells how a run came to its answer.

        Raises:
            ConfigError: The arguments cannot be used.
            StoreError: There is no such run.
        """
        arguments = read(ExplainArguments, "explain_run", given)
        known = await self._recall.find(arguments.run_id, caller.owner)
        result = known.result
        if arguments.longest:
            result = shortened(result, arguments.longest)
        return Given([as_markdown(result, known.about)], Explained.of(result, known.about.panel))

    async def list(self, given: Mapping[str, Any] | None, caller: Caller) -> Given:
        """Tells which panels there are; raises ConfigError for arguments, of which it has none."""
        read(ListArguments, "list_panels", given)
        listed = panel_list(self.panels)
        return Given(["\n".join(map(panel_text, listed.panels))], listed)

    async def _run(
        self, panel: OpenPanel, arguments: AskArguments, ticket: Ticket, tell: Tell
    ) -> Run:
        """Takes a run to its end; one that is stopped before can be explained, too."""
        begun: Run | None = None
        started = panel.council.stream(
            arguments.question, ticket=ticket, **_options(arguments, panel)
        )
        scope = anyio.CancelScope()
        self._under_way.add(scope)
        try:
            with scope:
                async with self._slots, started as begun:
                    await _follow(begun, tell)
                return begun
        finally:
            self._under_way.discard(scope)
            if begun is not None:
                self._recall.keep(begun.snapshot(), panel.name, ticket.owner)
        raise ToolFailed(f"the server ends, and has stopped run {ticket.id}: ask again later")

    def _panel(self, name: str | None) -> OpenPanel:
        names = self.panels.names
        if name is None:
            if len(names) > 1:
                raise ConfigError(f"panel: say which one: {', '.join(names)}")
            name = names[0]
        try:
            return self.panels.find(name)
        except UnknownPanel as error:
            raise ConfigError(f"panel: {error.message} (there are {', '.join(names)})") from None


async def _follow(run: Run, tell: Tell) -> None:
    """Tells how far a run has come, to its end."""
    progress = Progress()
    async for event in run:
        report = progress.take(event)
        if report is not None:
            await tell(report)


def _options(arguments: AskArguments, panel: OpenPanel) -> AskOptions:
    return {
        "strategy": arguments.strategy or panel.strategy,
        "deadline": arguments.deadline,
        "max_total_tokens": arguments.max_total_tokens,
        "max_cost": arguments.max_cost,
        "seed": arguments.seed,
    }
