"""What a gateway reports, as the exceptions that a council on this machine raises."""

from __future__ import annotations

import re
from typing import Any

import httpx
import jiter

from council.agents.http_errors import CallContext, from_status
from council.errors import (
    ConfigError,
    CouncilError,
    LimitExceeded,
    QuorumLost,
    RunInterrupted,
    StoreError,
    StrategyError,
    TransportError,
)
from council.quorum import causes_in
from council.replies import Failure
from council.result import Result

_QUORUM = re.compile(r"quorum lost: (\d+) of (\d+) needed (experts|model families) answered")
_DEADLINE = "the deadline of"  # how the error of a passed deadline begins
_KINDS: dict[str, type[CouncilError]] = {
    "config": ConfigError,
    "strategy": StrategyError,
    "store": StoreError,
}
# What a gateway refuses since the request is wrong; it has to be written otherwise.
_WRONG = frozenset({400, 413, 422, 508})


class NotReached(TransportError):
    """No connection to the gateway came about, so nothing was sent."""


def error_of(failure: Failure, result: Result) -> CouncilError:
    """The exception behind the error of a failed run.

    Args:
        failure: The error.
        result: The run's result.
    """
    if failure.kind == "quorum":
        return _quorum_lost(failure.message, result)
    if failure.kind == "limit":
        return LimitExceeded(_limit(failure.message, result), failure.message)
    if failure.kind == "interrupted":
        return RunInterrupted(failure.message)
    return _KINDS.get(failure.kind, CouncilError)(failure.message)


def refusal(response: httpx.Response, body: bytes, context: CallContext) -> CouncilError:
    """The exception for a response with a status other than 2xx.

    Args:
        response: Its status and headers.
        body: Its body.
        context: Which call it is about.
    """
    said = _envelope(body)
    if said is None:
        return from_status(response, body, context)
    message = context.redact(str(said["message"]))
    if response.status_code in _WRONG:
        return ConfigError(message)
    if response.status_code == 404:
        return (StoreError if "run" in str(said.get("code")) else ConfigError)(message)
    return from_status(response, body, context)


def _envelope(body: bytes) -> dict[str, Any] | None:
    """A gateway's error object; None where the body is somebody else's."""
    try:
        read = jiter.from_json(body)
    except ValueError:
        return None
    error = read.get("error") if isinstance(read, dict) else None
    return error if isinstance(error, dict) and error.get("message") else None


def _quorum_lost(message: str, result: Result) -> QuorumLost:
    found = _QUORUM.match(message)
    actual, required = (int(found[1]), int(found[2])) if found else (0, 0)
    causes = tuple(causes_in(message, result.experts))
    error = QuorumLost(required, actual, causes, of=found[3] if found else "experts")
    error.args = (message,)  # as it was said there, whatever could be read of it
    return error


def _limit(message: str, result: Result) -> str:
    if message.startswith(_DEADLINE) or not result.limits_hit:
        return "deadline"
    return result.limits_hit[0]
