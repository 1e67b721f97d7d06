"""A line for each request, for people or for programs."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

from serving.exchange import Exchange
from serving.options import LogForm


def line_of(exchange: Exchange, form: LogForm, *, left: bool, with_body: bool) -> str:
    """What is noted of a request that is over; never a key, and its body only if asked for.

    Args:
        exchange: The request.
        form: For people or for programs.
        left: Whether the response was cut off, by the client above all.
        with_body: Whether to note the body.
    """
    facts: dict[str, object] = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "id": exchange.id,
        "peer": exchange.peer,
        "key": exchange.key or None,
        "method": exchange.method,
        "path": exchange.path,
        "status": exchange.status,
        "ms": round((time.perf_counter() - exchange.began) * 1000, 1),
        "tokens": exchange.tokens,
        "cut": left,
    }
    if with_body:
        facts["body"] = exchange.body.decode("utf-8", "replace")
    if form == "json":
        return json.dumps(facts)
    return _plain(facts)


def _plain(facts: dict[str, object]) -> str:
    """One line, whatever a client has put into it."""
    words = [
        *(str(facts["time"]), str(facts["peer"]), str(facts["key"] or "-")),
        *(str(facts["method"]), json.dumps(facts["path"])[1:-1].replace(" ", "%20")),
        *(str(facts["status"] or "-"), f"{facts['ms']}ms"),
        f"{'-' if facts['tokens'] is None else facts['tokens']}tok",
        f"id={facts['id']}",
    ]
    if facts["cut"]:
        words.append("cut")
    if "body" in facts:
        words.append(json.dumps(facts["body"]))
    return " ".join(words)
