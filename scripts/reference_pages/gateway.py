"""docs/reference/gateway.md: the routes of `council serve`."""

from __future__ import annotations

from typing import Any

from council.gateway.openapi import document
from scripts.reference_pages.docstrings import table

_INTRO = """# The gateway's routes

`council serve` describes them itself at `/openapi.json`; [gateway.md](../gateway.md) shows how
they are used.
"""


def page() -> str:
    """The page."""
    described: dict[str, Any] = document()
    rows = [
        (f"`{method.upper()} {path}`", str(route.get("summary", "")), _answers(route))
        for path, methods in described["paths"].items()
        for method, route in methods.items()
        if isinstance(route, dict)
    ]
    return f"{_INTRO.strip()}\n\n{table(('route', '', 'status'), rows)}"


def _answers(route: dict[str, Any]) -> str:
    return ", ".join(map(str, route.get("responses", {})))
