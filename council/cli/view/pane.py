"""One reply as its pane shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from council.cli.view.figures import Figures, figures_of, figures_so_far
from council.cli.view.seats import Ending, Key, name_of, returned
from council.events import ExpertNotice, ExpertToken, ToolCalled, ToolReturned
from council.prices import Price

State = Literal["waiting", "thinking", "writing", "tool", "done", "failed", "cancelled", "spared"]
"""`tool`: it waits for one; `spared`: it never had to be asked."""

ACTIVE: frozenset[State] = frozenset({"thinking", "writing", "tool"})
OVER: frozenset[State] = frozenset({"done", "failed", "cancelled", "spared"})

SCREENFUL = 20_000
"""How many characters of a text are kept: no terminal shows more at once."""

_ENDINGS: dict[str, State] = {"complete": "done", "failed": "failed", "cancelled": "cancelled"}


@dataclass(frozen=True, slots=True)
class PaneShown:
    """A pane at one moment.

    Attributes:
        name: Whose it is.
        model: The model that writes.
        stage: What it was asked for.
        state: How far it is.
        said: The state in words.
        text: The latest of what it wrote.
        thought: The latest of its thinking.
        cause: Why it failed, else empty.
        figures: Its numbers.
    """

    name: str
    model: str
    stage: str
    state: State = "waiting"
    said: str = "waiting"
    text: str = ""
    thought: str = ""
    cause: str = ""
    figures: Figures = field(default_factory=Figures)


class Pane:
    """Gathers one reply's events; cheap for each token, whatever the text's length."""

    def __init__(self, key: Key, model: str) -> None:
        self.key = key
        self.model = model
        self.state: State = "waiting"
        self._said = "waiting"
        self._text: list[str] = []
        self._thought: list[str] = []
        self._pieces = 0
        self._characters = 0
        self._first: float | None = None
        self._last = 0.0
        self._cause = ""
        self._figures: Figures | None = None

    def take(self, token: ExpertToken) -> None:
        """Adds a token."""
        if token.text:
            self._text.append(token.text)
            self.state = self._said = "writing"
        elif token.reasoning:
            self._thought.append(token.reasoning)
            self.state = self._said = "thinking"
        else:
            return
        self._pieces += 1
        self._characters += len(token.text) + len(token.reasoning)
        self._last = token.at
        if self._first is None:
            self._first = token.at

    def note(self, event: ExpertNotice) -> None:
        """What the agent says of itself stands until it goes on writing."""
        self._said = event.message

    def call(self, event: ToolCalled) -> None:
        """A tool begins; what was written before it is no answer."""
        self._text = []
        self.state, self._said = "tool", f"calls {event.name}"

    def give(self, event: ToolReturned) -> None:
        """A tool has ended."""
        self._said = returned(event)

    def end(self, event: Ending, price: Price | None) -> None:
        """The reply is over."""
        reply = event.reply
        self.state = _ENDINGS[reply.status]
        self._said = f"{self.state}, cut off" if reply.finish_reason == "length" else self.state
        self._text = [reply.text]
        self._cause = reply.error.message if reply.error else ""
        self._figures = figures_of(reply, price)

    def spare(self) -> None:
        """The run is over, and this one was never asked."""
        self.state, self._said = "spared", "not asked"

    def shown(self) -> PaneShown:
        """The pane now."""
        name = name_of(self.key)
        written = self._last - (self._first or 0.0)
        figures = self._figures or figures_so_far(self._pieces, self._characters, written)
        return PaneShown(
            name=name,
            model=self.model,
            stage=self.key[2],
            state=self.state,
            said=self._said,
            text=_latest(self._text),
            thought=_latest(self._thought),
            cause=self._cause,
            figures=figures,
        )


def _latest(pieces: list[str]) -> str:
    """The end of a text, which then is one piece."""
    if len(pieces) != 1 or len(pieces[0]) > SCREENFUL:
        pieces[:] = ["".join(pieces)[-SCREENFUL:]]
    return pieces[0]
