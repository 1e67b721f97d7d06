"""Every exception that council raises, as one family.

    CouncilError
    ├─ ConfigError            a panel file, a key or an argument is wrong
    ├─ AgentError             one agent's reply failed
    │  ├─ TransportError      no connection, TLS, or a status other than 2xx
    │  ├─ StreamError         malformed frame, error object, or the stream ended early
    │  ├─ AgentTimeout        a time limit passed: connect, first_token, idle, total, deadline
    │  ├─ LimitReached        not asked (again): the run's limit of tokens, money or tools' turns
    │  └─ BackendError        the bundled backend did not start, or died
    ├─ QuorumLost             too few experts gave an answer that counts
    ├─ StrategyError          the strategy could not decide
    ├─ StoreError             the record of runs cannot be read, or does not hold what is asked for
    │  └─ UnknownRun          no run has the id that was given, or several have
    ├─ ConversationBusy       a conversation was asked before its last turn had ended
    ├─ RunInterrupted         a run at a gateway was ended there before it had come to its end
    └─ LimitExceeded          the run's own limit was reached before there was an answer

An `AgentError` inside a panel becomes a value (`Reply.error`), never the end of the run.
"""

from __future__ import annotations

from typing import ClassVar


class CouncilError(Exception):
    """The root of the family; `kind` is the name that JSON output carries."""

    kind: ClassVar[str] = "error"


class ConfigError(CouncilError):
    """Something the user wrote cannot be used; the message names the file, line and key."""

    kind = "config"


class AgentError(CouncilError):
    """One agent could not give a whole reply.

    Args:
        message: What happened, in words for a person, without secrets.
        agent: The agent's id.
        endpoint: The URL that was asked, if any.
        request_id: The id of the request, as sent to the server.
        partial: The text that had arrived by then.
    """

    kind = "agent"

    def __init__(
        self,
        message: str,
        *,
        agent: str = "",
        endpoint: str = "",
        request_id: str = "",
        partial: str = "",
    ) -> None:
        super().__init__(message)
        self.agent = agent
        self.endpoint = endpoint
        self.request_id = request_id
        self.partial = partial


class TransportError(AgentError):
    """The server could not be reached, or refused the request.

    Args:
        message: As for `AgentError`.
        status: The HTTP status, or None where no response came.
        retry_after: Seconds the server asked to wait, where it did.
        excerpt: The beginning of the response's body, secrets removed.
        permanent: Trying again cannot help.
        agent: As for `AgentError`.
        endpoint: As for `AgentError`.
        request_id: As for `AgentError`.
    """

    kind = "transport"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        excerpt: str = "",
        permanent: bool = False,
        agent: str = "",
        endpoint: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(message, agent=agent, endpoint=endpoint, request_id=request_id)
        self.permanent = permanent
        self.status = status
        self.retry_after = retry_after
        self.excerpt = excerpt


class StreamError(AgentError):
    """The reply broke off or turned into an error after it had been accepted."""

    kind = "stream"


class AgentTimeout(AgentError):
    """A time limit passed.

    Args:
        limit: Which one: `connect`, `first_token`, `idle`, `total` or `deadline`.
        seconds: How long that limit is.
        agent: As for `AgentError`.
        endpoint: As for `AgentError`.
        request_id: As for `AgentError`.
        partial: As for `AgentError`.
    """

    kind = "timeout"

    def __init__(
        self,
        limit: str,
        seconds: float,
        *,
        agent: str = "",
        endpoint: str = "",
        request_id: str = "",
        partial: str = "",
    ) -> None:
        super().__init__(
            f"timed out: {_LIMIT_TEXTS.get(limit, limit)} within {seconds:g} s (limit '{limit}')",
            agent=agent,
            endpoint=endpoint,
            request_id=request_id,
            partial=partial,
        )
        self.limit = limit
        self.seconds = seconds


_LIMIT_TEXTS = {
    "connect": "no connection",
    "first_token": "no first token",
    "idle": "nothing new",
    "total": "not finished",
    "deadline": "not finished before the run's deadline,",
}


class LimitReached(AgentError):
    """A request was not sent, since it might have used more than the run may.

    Args:
        limit: Which limit, as it is called under `limits:` in a panel file: `tokens`, `cost` or
            `tool_turns`.
        message: What is left, and what the request might have used.
    """

    kind = "limit"

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit


class BackendError(AgentError):
    """The bundled backend could not be started, could not load the model, or died."""

    kind = "backend"


class QuorumLost(CouncilError):
    """Too few experts gave a substantive answer.

    Args:
        required: How many experts had to answer.
        actual: How many did.
        failures: One sentence for each expert that did not, its id first.
        of: What is counted: `experts`, or `model families`.
    """

    kind = "quorum"

    def __init__(
        self, required: int, actual: int, failures: tuple[str, ...], *, of: str = "experts"
    ) -> None:
        causes = "; ".join(failures) or "no expert was asked"
        super().__init__(f"quorum lost: {actual} of {required} needed {of} answered ({causes})")
        self.required = required
        self.actual = actual
        self.failures = failures


class StrategyError(CouncilError):
    """The strategy had answers but could not reach a decision."""

    kind = "strategy"


class StoreError(CouncilError):
    """The record of runs cannot be read, or does not hold what is asked for."""

    kind = "store"


class UnknownRun(StoreError):
    """No run has the id that was given, or several have: what was asked for is wrong."""


class ConversationBusy(CouncilError):
    """A conversation was asked, or changed, while a turn of it was going on."""

    kind = "busy"


class RunInterrupted(CouncilError):
    """A run at a gateway was ended there: somebody cancelled it, or the gateway was shut down."""

    kind = "interrupted"


class LimitExceeded(CouncilError):
    """A limit of the run was reached first.

    Args:
        limit: Which one, as it is called under `limits:` in a panel file.
        message: What that left undone.
    """

    kind = "limit"

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit
