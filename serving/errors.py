"""Everything that is refused, by who has to act.

ServingError
├─ OptionError        the command line or a file of keys: the text names it and the way out
├─ ListenError        the machine: the address is taken, or is none of this machine's
└─ Refusal            a request: an HTTP status, a class and a code; the app makes the body
   ├─ KeyNeeded       401  no key, or one that is not known
   ├─ NotWelcome      403  a foreign Host or Origin on a server without keys, or a websocket
   ├─ BodyTooSlow     408
   ├─ BodyTooLarge    413
   ├─ RateExceeded    429  with Retry-After
   ├─ Draining        503  the server ends
   └─ OutOfTime       504  the answer takes longer than a request may
"""

from __future__ import annotations

import math
from collections.abc import Mapping


class ServingError(Exception):
    """Base of all errors; the text is for a person."""


class OptionError(ServingError):
    """An option, a variable or a file of keys is wrong."""


class ListenError(ServingError):
    """The server cannot listen where it was told to."""


class Refusal(ServingError):
    """A request that is not served.

    Attributes:
        status: HTTP status.
        type: The class of error, in the words that OpenAI's API has for it.
        code: What happened, for programs.
        message: What happened, for people.
        headers: HTTP headers that belong to it.
    """

    status = 400
    type = "invalid_request_error"
    code: str | None = None

    def __init__(self, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Takes the message and the headers."""
        super().__init__(message)
        self.message = message
        self.headers = dict(headers or {})


class KeyNeeded(Refusal):
    """There is no key in the request, or a wrong one."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"

    def __init__(self, *, given: bool) -> None:
        """Takes whether there was a key at all."""
        what = "This API key is not known" if given else "An API key is missing"
        super().__init__(
            f"{what}: send it as 'Authorization: Bearer KEY' or as 'x-api-key: KEY'.",
            {"WWW-Authenticate": 'Bearer realm="council"'},
        )


class NotWelcome(Refusal):
    """The request may come from a page that a browser shows, without its user's knowledge."""

    status = 403
    type = "permission_error"
    code = "not_welcome"


class BodyTooSlow(Refusal):
    """The body did not arrive."""

    status = 408

    def __init__(self, seconds: float) -> None:
        """Takes how long it was waited for."""
        super().__init__(f"The body did not arrive within {seconds:g} seconds.")


class BodyTooLarge(Refusal):
    """The body is larger than the server reads."""

    status = 413

    def __init__(self, limit: int) -> None:
        """Takes the most bytes there may be."""
        super().__init__(f"The body has more than {limit} bytes.")


class RateExceeded(Refusal):
    """The caller has used up what it has for a minute."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"

    def __init__(self, what: str, limit: int, wait: float) -> None:
        """Takes what is limited, to how many a minute, and the seconds until it can go on."""
        super().__init__(
            f"The limit is {limit} {what} a minute. Try again in {wait:.3g} seconds.",
            {
                "Retry-After": str(max(1, math.ceil(wait))),
                "retry-after-ms": str(max(1, math.ceil(wait * 1000))),
            },
        )


class Draining(Refusal):
    """The server finishes what it has begun, and ends."""

    status = 503
    type = "server_error"
    code = "shutting_down"

    def __init__(self) -> None:
        """Takes nothing: there is one reason."""
        super().__init__("The server is shutting down.", {"Connection": "close"})


class OutOfTime(Refusal):
    """The answer was not complete in time."""

    status = 504
    type = "timeout_error"
    code = "request_timeout"

    def __init__(self, seconds: float) -> None:
        """Takes the limit."""
        super().__init__(
            f"The answer was not complete within {seconds:g} seconds, the most that this server"
            " gives a request. Ask for fewer tokens.",
            # Clients would ask for the same again, and have the server work for nothing twice.
            {"x-should-retry": "false"},
        )
