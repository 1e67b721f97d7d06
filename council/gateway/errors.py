"""Everything that the gateway's routes refuse or fail with.

ApiError
├─ InvalidRequest    400  the body or a parameter; names the field
├─ UnknownPanel      404
├─ UnknownRun        404  also for a run that belongs to somebody else's key
├─ RunNotOver        409  what needs a run's result came before it
├─ RouteError        4xx  no such route or method
├─ Unserved          what `serving` refused before a route saw it
├─ QueueFull         429  with Retry-After; 503 once the server is about to end
├─ PanelAsksItself   508  a request that has come through this gateway before
├─ RunFailed         400, 502, 504 or 500: a run without an answer, by the kind of its error
└─ InternalError     500  a defect: the log says more
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from council.gateway.markup import clean


class ApiError(Exception):
    """What a client is told, without what a terminal would obey: it may repeat what servers say.

    Args:
        message: What happened, for people.
        param: The field it is about.
        code: What happened, for programs, instead of the class's own.
        headers: HTTP headers that belong to it.

    Attributes:
        status: The HTTP status.
        type: The class of error, in the words that OpenAI's API has for it.
    """

    status = 400
    type = "invalid_request_error"
    code: str | None = None

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(clean(message))
        self.message = clean(message)
        self.param = None if param is None else clean(param)
        self.code = code or self.code
        self.headers = dict(headers or {})


class InvalidRequest(ApiError):
    """The body or a parameter cannot be used."""


class UnknownPanel(ApiError):
    """There is no panel of that name."""

    status = 404
    code = "model_not_found"


class UnknownRun(ApiError):
    """There is no run of that id, as far as whoever asks may know."""

    status = 404
    code = "run_not_found"

    def __init__(self, id: str, param: str = "id") -> None:
        super().__init__(f"There is no run {id[:64]!r}.", param=param)


class RunNotOver(ApiError):
    """The run goes on, so that there is nothing to tell yet."""

    status = 409
    code = "run_not_over"


class RouteError(ApiError):
    """There is no such route, or it does not take this method."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str]) -> None:
        super().__init__(message, headers=headers)
        self.status = status


class Unserved(ApiError):
    """What was refused before a route saw it."""

    def __init__(
        self, message: str, status: int, type: str, code: str | None, headers: Mapping[str, str]
    ) -> None:
        super().__init__(message, code=code, headers=headers)
        self.status = status
        self.type = type


class QueueFull(ApiError):
    """As many runs are under way and waiting as may be."""

    status = 429
    type = "rate_limit_error"
    code = "queue_full"

    def __init__(self, running: int, waiting: int, seconds: float) -> None:
        super().__init__(
            f"{running} runs are under way and {waiting} wait, as many as this server takes. Try"
            f" again in {seconds:.3g} seconds.",
            headers={"Retry-After": str(max(1, math.ceil(seconds)))},
        )


class PanelAsksItself(ApiError):
    """The request has come through this gateway before, or through too many others."""

    status = 508
    code = "panel_asks_itself"

    def __init__(self, message: str) -> None:
        # Clients would ask for the same again.
        super().__init__(message, headers={"x-should-retry": "false"})


class RunFailed(ApiError):
    """A run came to no answer, and it is too late or too early to say so in a result."""

    type = "server_error"

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message, code=code, headers={"x-should-retry": "false"})
        self.status = status
        if status < 500:
            self.type = "invalid_request_error"


class InternalError(ApiError):
    """A defect."""

    status = 500
    type = "server_error"
    code = "internal_error"

    def __init__(self) -> None:
        super().__init__("Something went wrong in the server; its log says more.")
