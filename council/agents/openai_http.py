"""The agent for every server that speaks the OpenAI chat API."""

from __future__ import annotations

from typing import Any

from council.agents.base import Agent
from council.agents.endpoints import openai_url
from council.agents.http_agent import HTTPAgent
from council.agents.openai_body import request_body
from council.agents.resilient import build_resilient
from council.agents.shared import Shared
from council.agents.wire import ChatStreamDecoder
from council.config import ExpertConfig, SynthesizerConfig
from council.messages import ChatRequest


class OpenAIHTTPAgent(HTTPAgent):
    """Asks one model at one OpenAI-compatible endpoint, streaming; see `HTTPAgent`.

    Attributes:
        takes_schema: As for `Expert`.
    """

    takes_schema = True
    provider = "openai_compatible"

    @staticmethod
    def chat_url(endpoint: str) -> str:
        """See `openai_url`."""
        return openai_url(endpoint)

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """See `request_body`."""
        return request_body(request, self.model)

    def credentials(self, api_key: str) -> dict[str, str]:
        """A bearer token."""
        return {"Authorization": f"Bearer {api_key}"}

    def decoder(self) -> ChatStreamDecoder:
        """A decoder for one reply."""
        return ChatStreamDecoder()


def build(id: str, config: ExpertConfig | SynthesizerConfig, shared: Shared) -> Agent:
    """The agent for an entry of a panel file; see `build_resilient`."""
    return build_resilient(OpenAIHTTPAgent, id, config, shared)
