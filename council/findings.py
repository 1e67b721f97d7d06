"""What an examination finds of one model, and the words for it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from council.config.schema import EndpointConfig
from council.errors import AgentError, AgentTimeout, StreamError, TransportError

State = Literal["ok", "slow", "failed"]

NO_USAGE = "reports no usage: tokens are estimated"


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one model at one endpoint.

    Attributes:
        experts: The ids of those in the panel who use it.
        model: Its name.
        endpoint: Where it is, without credentials; None for the bundled backend.
        state: `slow` means a first token (or an embedder's vector) later than half of what
            `timeouts.first_token` allows.
        error: Why it failed.
        advice: What to do about it, where the error does not say so itself.
        first_token: Seconds from the request to the first token, connecting included.
        tokens_per_second: How fast it writes, None where the reply was too short to tell.
        notes: What it does otherwise than asked.
        dimensions: How many numbers an embedder's vector has; None for who writes.
        seconds: How long an embedder took for one short text; None for who writes.
        price: What its tokens cost and where that is known from; empty where it is not.
        key: Where its key comes from, without it; empty where the panel names no variable.
    """

    experts: tuple[str, ...]
    model: str
    endpoint: str | None
    state: State
    error: str = ""
    advice: str = ""
    first_token: float | None = None
    tokens_per_second: float | None = None
    notes: tuple[str, ...] = ()
    dimensions: int | None = None
    seconds: float | None = None
    price: str = ""
    key: str = ""


def unlisted(model: str, names: list[str]) -> str | None:
    """That a server's list of models, if it has one, lacks a model; None where it does not."""
    # Ollama may be asked without the tag `latest`, Gemini without the folder.
    if not names or {model, f"{model}:latest", f"models/{model}"} & set(names):
        return None
    near = difflib.get_close_matches(model, names, cutoff=0.5)
    hint = f" (near: {', '.join(near)})" if near else ""
    return f"not in the server's list of models{hint}"


def look_at_connection(config: EndpointConfig, endpoint: str | None, notes: list[str]) -> None:
    """Notes when nobody checks who answers."""
    if config.verify is False and (endpoint or "").startswith("https:"):
        notes.append("its certificate is not checked (`verify: false`)")


def shown(endpoint: str | None) -> str | None:
    """An endpoint without what is secret of it."""
    if endpoint is None:
        return None
    parts = urlsplit(endpoint.strip())
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def advice_on(error: AgentError) -> str:
    """The way out of a failure; empty where the error names it, as for a refused key."""
    if "`" in str(error):
        return ""
    if isinstance(error, AgentTimeout):
        return f"allow it longer with `timeouts.{error.limit}`, or see what keeps the server"
    if isinstance(error, StreamError):
        return "check that `endpoint` and `kind` fit the server"
    if not isinstance(error, TransportError):
        return ""
    if error.status is None:
        return "start the server, or check `endpoint`"
    if error.status == 429:
        return "wait, or set `rate`"
    return "see the server's log, or try later" if error.status >= 500 else ""
