"""The pages there are."""

from __future__ import annotations

from collections.abc import Callable

from scripts.reference_pages import cli, configuration, errors, events, gateway, python

PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli.page,
    "configuration.md": configuration.page,
    "errors.md": errors.page,
    "events.md": events.page,
    "gateway.md": gateway.page,
    "python.md": python.page,
}
_NOTE = "<!-- Made by scripts/reference from the code: change it there. -->\n\n"


def made(name: str) -> str:
    """The text of a page."""
    return _NOTE + PAGES[name]().rstrip() + "\n"
