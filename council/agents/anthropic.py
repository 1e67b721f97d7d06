"""The agent for Anthropic's Messages API, and for servers that speak it too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from council.agents.anthropic_body import request_body
from council.agents.anthropic_stream import MessageStreamDecoder
from council.agents.base import Agent
from council.agents.endpoints import anthropic_url
from council.agents.http_agent import HTTPAgent
from council.agents.resilient import build_resilient
from council.agents.shared import Shared
from council.config import ExpertConfig, SynthesizerConfig
from council.messages import ChatRequest


class AnthropicAgent(HTTPAgent):
    """Asks one model over the Messages API, streaming; see `HTTPAgent`."""

    # The API refuses requests without it. Not 2026-10-21, which refuses `temperature`, `top_p` and
    # `top_k` even for models that know them; a panel's `headers` can ask for it.
    api_headers: ClassVar[Mapping[str, str]] = {"anthropic-version": "2023-06-01"}
    provider = "anthropic_compatible"

    @staticmethod
    def chat_url(endpoint: str) -> str:
        """See `anthropic_url`."""
        return anthropic_url(endpoint)

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """See `request_body`."""
        return request_body(request, self.model)

    def credentials(self, api_key: str) -> dict[str, str]:
        """The key in a header of its own."""
        return {"x-api-key": api_key}

    def decoder(self) -> MessageStreamDecoder:
        """A decoder for one reply."""
        return MessageStreamDecoder()


def build(id: str, config: ExpertConfig | SynthesizerConfig, shared: Shared) -> Agent:
    """The agent for an entry of a panel file; see `build_resilient`."""
    return build_resilient(AnthropicAgent, id, config, shared)
