"""The fence between httpx and the rest: foreign exceptions and responses become council's errors.

Nothing outside `agents/` names httpx's exceptions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import aiohttp
import httpx
import jiter

from council.agents.retry_after import retry_after
from council.agents.wire import error_message
from council.errors import AgentError, AgentTimeout, StreamError, TransportError

EXCERPT_BYTES = 512

FOREIGN = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError)
"""What a call through httpx can raise; the aiohttp transport lets some of its own through."""

_CREDENTIAL = re.compile(r"(?i)\b(bearer\s+|sk-|api[_-]?key[\"']?\s*[:=]\s*[\"']?)[\w.\-~+/]{6,}=*")


@dataclass(frozen=True, slots=True)
class CallContext:
    """Which call an error is about."""

    agent: str
    endpoint: str
    request_id: str
    connect_seconds: float
    secrets: tuple[str, ...] = field(repr=False)

    def redact(self, text: str) -> str:
        """The text without the call's secrets and without anything that looks like one."""
        for secret in self.secrets:
            text = text.replace(secret, "[redacted]")
        return _CREDENTIAL.sub(r"\1[redacted]", text)

    def locate(self, error: AgentError, partial: str = "") -> AgentError:
        """Fills in the call's identity, where the error was made without it."""
        error.agent = error.agent or self.agent
        error.endpoint = error.endpoint or self.endpoint
        error.request_id = error.request_id or self.request_id
        error.partial = error.partial or partial
        error.args = (self.redact(str(error)),)
        return error


def from_foreign(error: Exception, context: CallContext, partial: str = "") -> AgentError:
    """The council error for one of `FOREIGN`; the most specific match wins.

    Args:
        error: What was raised.
        context: Which call it is about.
        partial: The text that had arrived by then.
    """
    detail = str(error) or type(error).__name__
    if _is_connect_timeout(error):
        return context.locate(AgentTimeout("connect", context.connect_seconds))
    if isinstance(error, httpx.ConnectError) or isinstance(error.__cause__, _CONNECT_CAUSES):
        tls = isinstance(error.__cause__, aiohttp.ClientSSLError) or "[SSL" in detail
        hint = "TLS failed, could not connect" if tls else "could not connect"
        return context.locate(TransportError(f"{hint} to {context.endpoint}: {detail}"))
    if isinstance(error, httpx.ReadError | httpx.RemoteProtocolError) or partial:
        broken = StreamError(f"the connection broke off before the reply was whole ({detail})")
        return context.locate(broken, partial)
    return context.locate(
        TransportError(f"no response from {context.endpoint}: the connection broke off ({detail})")
    )


# httpx-aiohttp 0.2.0 makes every lost connection an httpx.ConnectTimeout: only the cause tells.
_CONNECT_CAUSES = (aiohttp.ClientConnectorError,)


def _is_connect_timeout(error: Exception) -> bool:
    if not isinstance(error, httpx.ConnectTimeout):
        return False
    cause = error.__cause__
    return not isinstance(cause, aiohttp.ClientError) or isinstance(cause, TimeoutError)


def from_status(response: httpx.Response, body: bytes, context: CallContext) -> TransportError:
    """The council error for a response with a status other than 2xx and the start of its body."""
    status = response.status_code
    # Redacted before it is cut: half a key would not be found.
    excerpt = context.redact(body.decode("utf-8", "replace"))[:EXCERPT_BYTES]
    try:
        said = error_message(jiter.from_json(body))
    except ValueError:
        said = None
    detail = context.redact(said) if said else excerpt or "empty response"
    error = TransportError(
        f"HTTP {status} from {context.endpoint}: {detail}{_advice(status)}",
        status=status,
        retry_after=retry_after(response.headers),
        excerpt=excerpt,
    )
    context.locate(error)
    return error


def _advice(status: int) -> str:
    if status in (401, 403):
        return " (check `api_key`)"
    if status == 404:
        return " (check `endpoint` and `model`)"
    return ""
