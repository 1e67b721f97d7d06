"""The look of a view: colours and signs of states, and those for terminals without Unicode."""

from __future__ import annotations

from council.cli.view.pane import State

COLOURS: dict[State, str] = {
    "waiting": "dim",
    "thinking": "magenta",
    "writing": "cyan",
    "tool": "yellow",
    "done": "green",
    "failed": "red",
    "cancelled": "dim",
    "spared": "dim",
}

_SIGNS: dict[State, str] = {
    "waiting": "○",
    "thinking": "◐",
    "writing": "●",
    "tool": "◆",
    "done": "✓",
    "failed": "✗",
    "cancelled": "–",
    "spared": "–",
}
_PLAIN_SIGNS: dict[State, str] = {
    "waiting": ".",
    "thinking": "~",
    "writing": "*",
    "tool": "@",
    "done": "+",
    "failed": "x",
    "cancelled": "-",
    "spared": "-",
}
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PLAIN_SPINNER = "-\\|/"
_TURNS = 10  # of the spinner's signs in a second


def sign(state: State, *, plain: bool) -> str:
    """The sign of a state."""
    return (_PLAIN_SIGNS if plain else _SIGNS)[state]


def spinner(seconds: float, *, plain: bool) -> str:
    """The spinner's sign after so many seconds."""
    signs = _PLAIN_SPINNER if plain else _SPINNER
    return signs[int(seconds * _TURNS) % len(signs)]


def dot(*, plain: bool) -> str:
    """What stands between two facts."""
    return " - " if plain else " · "
