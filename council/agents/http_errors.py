"""The fence between httpx and the rest: foreign exceptions and responses become council's errors.

Nothing outside `agents/` names httpx's exceptions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urljoin

import aiohttp
import httpx
import jiter

from council.agents.causes import is_distrust, plain_cause, refused_by_proxy
from council.agents.endpoints import shown
from council.agents.retry_after import duration, retry_after
from council.agents.secrecy import without_looks
from council.agents.wire import error_message
from council.errors import AgentError, AgentTimeout, StreamError, TransportError

EXCERPT_CHARACTERS = 512

FOREIGN = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError)
"""What a call through httpx can raise; the aiohttp transport lets some of its own through."""


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
        return without_looks(text, "[redacted]")

    def locate(self, error: AgentError, partial: str = "") -> AgentError:
        """Fills in the call's identity, where the error was made without it."""
        error.agent = error.agent or self.agent
        error.endpoint = error.endpoint or self.endpoint
        error.request_id = error.request_id or self.request_id
        error.partial = error.partial or partial
        said = self.redact(str(error))
        # What a server sent stands at the end, and is cut here: half a key would not be found.
        error.args = (said[:EXCERPT_CHARACTERS] if isinstance(error, StreamError) else said,)
        return error


def never_sent(error: Exception) -> bool:
    """Whether one of `FOREIGN` tells that no connection came about: asking again asks once."""
    failed = isinstance(error, httpx.ConnectError | httpx.ProxyError)
    return failed or _is_connect_error(error) or _is_connect_timeout(error)


def from_foreign(error: Exception, context: CallContext, partial: str = "") -> AgentError:
    """The council error for one of `FOREIGN`; the most specific match wins.

    Args:
        error: What was raised.
        context: Which call it is about.
        partial: The text that had arrived by then.
    """
    proxy = ""
    if isinstance(error, httpx.ProxyError) and isinstance(error.__cause__, Exception):
        proxy, error = str(error), error.__cause__
    if _is_connect_timeout(error):
        return context.locate(AgentTimeout("connect", context.connect_seconds))
    if isinstance(error, httpx.ConnectError | httpx.ProxyError) or _is_connect_error(error):
        return context.locate(_unconnected(error, context, proxy))
    detail = plain_cause(error)
    begun = isinstance(error, httpx.ReadError | httpx.RemoteProtocolError)
    if partial or (begun and "without sending a response" not in str(error)):
        broken = StreamError(f"the connection broke off before the reply was whole ({detail})")
        return context.locate(broken, partial)
    return context.locate(
        TransportError(f"no response from {context.endpoint}: the connection broke off ({detail})")
    )


def _unconnected(error: Exception, context: CallContext, proxy: str) -> TransportError:
    """The error for a connection that did not come about, with a proxy between or without."""
    refused = refused_by_proxy(error)
    if refused is not None:
        status, reason = refused
        said = f"the proxy {proxy} does not connect to {context.endpoint}: HTTP {status} {reason}"
        return TransportError(f"{said.rstrip()}{_advice(status)}", status=status)
    through = f" through the proxy {proxy}" if proxy else ""
    return TransportError(
        f"could not connect to {context.endpoint}{through}: {plain_cause(error)}",
        permanent=is_distrust(error),
    )


# httpx-aiohttp 0.2.0 makes every lost connection an httpx.ConnectTimeout: only the cause tells.
def _is_connect_error(error: Exception) -> bool:
    return isinstance(error.__cause__, aiohttp.ClientConnectorError)


def _is_connect_timeout(error: Exception) -> bool:
    if not isinstance(error, httpx.ConnectTimeout):
        return False
    cause = error.__cause__
    return not isinstance(cause, aiohttp.ClientError) or isinstance(cause, TimeoutError)


def from_status(response: httpx.Response, body: bytes, context: CallContext) -> TransportError:
    """The council error for a response with a status other than 2xx and the start of its body."""
    status = response.status_code
    excerpt = context.redact(body.decode("utf-8", "replace"))[:EXCERPT_CHARACTERS]
    asked = retry_after(response.headers)
    reported = context.redact(_said(body) or "")[:EXCERPT_CHARACTERS]
    known = filter(None, (_redirect(response), reported))
    # In one line: what a server says must not look like lines of ours.
    said = " ".join(("; ".join(known) or excerpt or "empty response").split())
    wait = f" (the server asks for {duration(asked)})" if asked else ""
    error = TransportError(
        f"HTTP {status} from {context.endpoint}: {said}{wait}{_advice(status)}",
        status=status,
        retry_after=asked,
        excerpt=excerpt,
    )
    context.locate(error)
    return error


def _said(body: bytes) -> str | None:
    try:
        return error_message(jiter.from_json(body))
    except ValueError:
        return None


def _redirect(response: httpx.Response) -> str | None:
    """What a status of 3xx means; redirects are not followed, since they would carry the key."""
    if not 300 <= response.status_code < 400:
        return None
    location = response.headers.get("location", "").strip()
    if not location:
        return "the endpoint redirects, but does not say where to (is `endpoint` right?)"
    try:
        url = shown(urljoin(str(response.request.url), location))
    except ValueError:
        return "the endpoint redirects to what is no URL (is `endpoint` right?)"
    return f"the endpoint redirects to {url} (if you trust it, write it as `endpoint`)"


def _advice(status: int) -> str:
    if status in (401, 403):
        return " (check `api_key`)"
    if status == 407:
        return " (check the proxy's user and password)"
    if status == 404:
        return " (check `endpoint` and `model`)"
    return ""
