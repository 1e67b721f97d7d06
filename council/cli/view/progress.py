"""How far the strategy is: rounds, ballots, stand-ins, a row each."""

from __future__ import annotations

from typing import NamedTuple

from council.cli.deliberation import ranking_line, round_outcome, votes_line
from council.cli.terminal import one_line
from council.events import (
    Convergence,
    Event,
    RoundFinished,
    RoundStarted,
    StrategyRanked,
    StrategyStandIn,
    StrategyTallied,
)


class Row(NamedTuple):
    """A line of progress; the summary at the end says those again that are `repeated`."""

    name: str
    text: str
    colour: str
    repeated: bool = False


class Progress:
    """Rows in the order in which their matter came up."""

    def __init__(self) -> None:
        self._rounds: dict[int, Row] = {}
        self._counted: dict[str, Row] = {}
        self._stand_ins: list[Row] = []

    @property
    def rows(self) -> tuple[Row, ...]:
        """Rounds first, then who stood in, then what was counted."""
        return (*self._rounds.values(), *self._stand_ins, *self._counted.values())

    def take(self, event: Event, failed: int) -> None:
        """Notes what an event tells of the strategy; `failed` replies are of this round."""
        match event:
            case RoundStarted(round=number):
                asked = "each sees the others' answers" if number else "each for itself"
                self._rounds[number] = Row(f"round {number}", asked, "yellow", True)
            case RoundFinished(round=number):
                told = _outcome(event, failed)
                self._rounds[number] = Row(f"round {number}", told, "green", True)
            case Convergence(round=number):
                row = self._rounds[number]
                self._rounds[number] = row._replace(text=f"{row.text}; agreed")
            case StrategyTallied():
                self._counted["votes"] = Row("votes", votes_line(event.votes), "green")
            case StrategyRanked():
                ranked = ranking_line(event.ranking).partition(": ")[2]
                self._counted["ranking"] = Row("ranking", ranked, "green", True)
            case StrategyStandIn():
                why = f"{event.failed} failed ({one_line(event.reason)})"
                told = f"{event.stand_in} takes over: {why}"
                self._stand_ins.append(Row("stand-in", told, "yellow"))
            case _:
                pass


def _outcome(event: RoundFinished, failed: int) -> str:
    outcome = round_outcome(event.round, event.positions, event.flips, event.similarity)
    return outcome.partition(": ")[2] + (f"; {failed} failed" if failed else "")
