"""Shows a run on standard error while it goes on: panes on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys

from rich.console import Console

from council.cli.view.base import SilentView, View
from council.cli.view.lines import LineView
from council.cli.view.live import LiveView
from council.cli.view.screen import Screen
from council.cli.view.seats import seat

__all__ = ["LineView", "LiveView", "SilentView", "View", "make_view", "seat"]

# Below that a pane has no room for its name and its state.
_NARROW, _LOW = 30, 6


def make_view(*, quiet: bool, brief: bool = False) -> View:
    """The view that fits where standard error leads.

    Args:
        quiet: Whether to show nothing.
        brief: Whether panes leave no more than a line each behind, as in a chat.
    """
    if quiet or sys.stderr is None:  # closed before the program began
        return SilentView()
    # This very stream: while panes are shown, `sys.stderr` is what others write aside.
    console = Console(file=sys.stderr)
    if not sys.stderr.isatty() or console.is_dumb_terminal:
        return LineView()
    width, height = Screen(console).size
    if width < _NARROW or height < _LOW:
        return LineView()
    return LiveView(console, brief=brief)
