"""How long a server asks to be left alone: `Retry-After` and its relatives, all forms."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_RESETS = ("x-ratelimit-reset-requests", "x-ratelimit-reset-tokens", "x-ratelimit-reset")
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)(ms|h|m|s|d))")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EPOCH_SECONDS = 1e9
_EPOCH_MILLISECONDS = 1e11


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait, None where the headers do not say or say nothing sensible.

    `retry-after-ms` is the most exact, then `Retry-After` (seconds or a date), then the
    `x-ratelimit-reset-*` family, of which the longest counts.

    Args:
        headers: Of the response; names in lower case or case-insensitive.
        now: The time, in seconds since the epoch.
    """
    now = time.time() if now is None else now
    exact = _number(headers.get("retry-after-ms"))
    if exact is not None:
        return max(0.0, exact / 1000)
    plain = _moment(headers.get("retry-after"), now)
    if plain is not None:
        return plain
    resets = [_moment(headers.get(name), now) for name in _RESETS]
    return max((reset for reset in resets if reset is not None), default=None)


def duration(seconds: float) -> str:
    """A wait in words for a person: seconds up to two minutes, then minutes, hours, days."""
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


def _moment(value: str | None, now: float) -> float | None:
    """Seconds from now: a number of seconds, an epoch, `6m0s`, an HTTP date or RFC 3339."""
    if value is None:
        return None
    value = value.strip()
    number = _number(value)
    if number is not None:
        if number >= _EPOCH_MILLISECONDS:
            return max(0.0, number / 1000 - now)
        if number >= _EPOCH_SECONDS:
            return max(0.0, number - now)
        return max(0.0, number)
    if value and not _DURATION.sub("", value):
        return sum(float(n) * _UNITS[unit] for n, unit in _DURATION.findall(value))
    date = _date(value)
    return None if date is None else max(0.0, date - now)


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _date(value: str) -> float | None:
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = parse(value)
            return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError, IndexError):
            continue
    return None
