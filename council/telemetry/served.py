"""Where an agent's replies come from, in the words of the conventions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from council.telemetry import names

if TYPE_CHECKING:
    from council.agents.base import Agent

# Who is behind a host, or behind the hosts below it.
_PROVIDERS = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "amazonaws.com": "aws.bedrock",
    "api.cohere.com": "cohere",
    "api.cohere.ai": "cohere",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
}
_PORTS = {"http": 80, "https": 443}
_OTHER = "other"


@dataclass(frozen=True, slots=True)
class Served:
    """Who serves a model.

    Attributes:
        provider: The provider's name, or what kind of server it is.
        address: The server's host; None for an agent without one, or with several.
        port: Its port.
    """

    provider: str = _OTHER
    address: str | None = None
    port: int | None = None

    def attributes(self) -> dict[str, Any]:
        """The same as attributes of a span or metric."""
        known = {names.PROVIDER: self.provider, names.ADDRESS: self.address, names.PORT: self.port}
        return {name: value for name, value in known.items() if value is not None}


def served_by(agent: Agent | None) -> Served:
    """Who serves an agent's model; an agent may say so itself by an attribute `provider`.

    Of several agents that stand in for each other the first counts, and none has the address.
    """
    while (inner := getattr(agent, "inner", None)) is not None:
        agent = inner
    if several := getattr(agent, "agents", ()):
        return Served(served_by(several[0]).provider)
    provider = str(getattr(agent, "provider", _OTHER))
    url = getattr(agent, "url", None)
    if not isinstance(url, str):
        return Served(provider)
    parts = urlsplit(url)
    host = parts.hostname or ""
    return Served(_of_host(host) or provider, host, parts.port or _PORTS.get(parts.scheme))


def _of_host(host: str) -> str | None:
    for known, provider in _PROVIDERS.items():
        if host == known or host.endswith(f".{known}"):
            return provider
    return None
