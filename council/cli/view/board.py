"""All that is known of a run while it goes on: values, no terminal and no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from council.cli.view.pane import OVER, Pane, PaneShown
from council.cli.view.progress import Progress, Row
from council.cli.view.seats import Key, key_of
from council.events import (
    Event,
    ExpertCancelled,
    ExpertFailed,
    ExpertFinished,
    ExpertNotice,
    ExpertStarted,
    ExpertToken,
    RoundStarted,
    RunFinished,
    RunStarted,
    ToolCalled,
    ToolReturned,
)
from council.prices import Price


@dataclass(frozen=True, slots=True)
class BoardShown:
    """The board at one moment.

    Attributes:
        question: What was asked.
        strategy: What decides.
        stages: The panes of each stage in the order in which the stages began.
        rows: The strategy's progress.
        cost: Of the replies that are over, in US dollars, as far as it is known.
    """

    question: str
    strategy: str
    stages: tuple[tuple[PaneShown, ...], ...]
    rows: tuple[Row, ...]
    cost: float

    def with_row(self, row: Row) -> BoardShown:
        """The same with one more row of progress."""
        return replace(self, rows=(*self.rows, row))


class Board:
    """Gathers the events of a run.

    Attributes:
        prices: What the tokens of each id cost.
        finished: Whether the run has said its last.
    """

    def __init__(self) -> None:
        self.prices: Mapping[str, Price | None] = {}
        self.finished = False
        self._question = ""
        self._strategy = ""
        self._panes: dict[Key, Pane] = {}
        self._progress = Progress()
        self._cost = 0.0

    def take(self, event: Event) -> None:
        """Notes an event."""
        if isinstance(event, ExpertToken):  # of these there are thousands
            self._pane((event.expert, event.sample, event.stage)).take(event)
            return
        match event:
            case ExpertStarted():
                self._panes[key_of(event)] = Pane(key_of(event), event.model)
            case ExpertNotice():
                self._pane(key_of(event)).note(event)
            case ToolCalled():
                self._pane(key_of(event)).call(event)
            case ToolReturned():
                self._pane(key_of(event)).give(event)
            case ExpertFinished() | ExpertFailed() | ExpertCancelled():
                self._end(event)
            case _:
                self._take_strategy(event)

    def shown(self) -> BoardShown:
        """The board now."""
        stages = groupby((pane.shown() for pane in self._panes.values()), lambda pane: pane.stage)
        return BoardShown(
            self._question,
            self._strategy,
            tuple(tuple(panes) for _, panes in stages),
            self._progress.rows,
            self._cost,
        )

    def _take_strategy(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._question, self._strategy = event.question, event.strategy
                keys = (
                    (info, (info.id, sample, "answer"))
                    for info in event.experts
                    for sample in range(info.samples)
                )
                self._panes = {key: Pane(key, info.model) for info, key in keys}
            case RoundStarted(round=number) if number:
                # Earlier rounds leave their room to the new one.
                self._panes = {}
            case RunFinished():
                self.finished = True
                for pane in self._panes.values():
                    if pane.state not in OVER:
                        pane.spare()
            case _:
                pass
        self._progress.take(event, self._failed())

    def _end(self, event: ExpertFinished | ExpertFailed | ExpertCancelled) -> None:
        price = self.prices.get(event.expert)
        pane = self._pane(key_of(event))
        pane.end(event, price)
        self._cost += pane.shown().figures.cost or 0.0

    def _pane(self, key: Key) -> Pane:
        pane = self._panes.get(key)
        if pane is None:
            pane = self._panes[key] = Pane(key, "")
        return pane

    def _failed(self) -> int:
        return sum(pane.state in ("failed", "cancelled") for pane in self._panes.values())
