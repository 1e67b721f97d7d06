"""The embedder for every server that speaks the OpenAI embeddings API."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

import httpx

from council.agents.base import Agent
from council.agents.embedder import Embedded
from council.agents.embeddings_body import EmbeddingsDecoder
from council.agents.endpoints import embeddings_url
from council.agents.http_agent import HTTPAgent
from council.agents.local import LocalAgent
from council.agents.local_server import LocalServer
from council.agents.resilient import build_resilient
from council.agents.shared import Shared
from council.config import EmbedderConfig
from council.config.schema import EMBEDDER_ID
from council.errors import StreamError
from council.messages import CHARACTERS_PER_TOKEN, ChatMessage, ChatRequest, Usage
from council.price_table import price_for
from council.prices import Price


class EmbeddingsAgent(HTTPAgent):
    """Asks for the vectors of a request's messages; see `HTTPAgent`.

    An agent, so that the gates, pools and retries of agents serve it too: the answer comes as one
    token with vectors.
    """

    provider = "openai_compatible"

    @staticmethod
    def chat_url(endpoint: str) -> str:
        """See `embeddings_url`."""
        return embeddings_url(endpoint)

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """All texts in one request."""
        texts = [message.text for message in request.messages]
        return {"model": request.model or self.model, "input": texts, **request.extra}

    def credentials(self, api_key: str) -> dict[str, str]:
        """A bearer token."""
        return {"Authorization": f"Bearer {api_key}"}

    def decoder(self) -> EmbeddingsDecoder:
        """A decoder for one answer."""
        return EmbeddingsDecoder()

    def _request_headers(self, request: ChatRequest) -> httpx.Headers:
        headers = super()._request_headers(request)
        headers["Accept"] = "application/json"
        return headers


class HTTPEmbedder:
    """Turns texts into vectors through an agent that answers with them.

    Args:
        agent: Who is asked.
        extra: More fields of the requests' bodies (`dimensions`, `encoding_format`).
        price: What its tokens cost; None where that is not known.

    Attributes:
        extra: As given.
        price: As given.
    """

    def __init__(
        self, agent: Agent, extra: Mapping[str, Any] | None = None, price: Price | None = None
    ) -> None:
        self.price = price
        self._agent = agent
        self.extra = dict(extra or {})

    @property
    def model(self) -> str:
        """The model's name at the server."""
        return self._agent.model

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Embeds texts in one request.

        Raises:
            AgentError: As for `HTTPAgent.chat`; also when there are more or fewer vectors than
                texts.
        """
        messages = tuple(ChatMessage("user", text) for text in texts)
        request = ChatRequest("", messages, request_id=uuid.uuid4().hex, extra=self.extra)
        found: tuple[tuple[float, ...], ...] = ()
        usage: Usage | None = None
        async with aclosing(self._agent.chat(request)) as tokens:
            async for token in tokens:
                if token.vectors:
                    found, usage = token.vectors, token.usage
        if len(found) != len(texts):
            raise StreamError(f"{len(found)} vectors for {len(texts)} texts", agent=self._agent.id)
        return Embedded(found, usage or _estimate(texts))

    async def aclose(self) -> None:
        """Closes the agent."""
        await self._agent.aclose()


def build(config: EmbedderConfig, shared: Shared) -> HTTPEmbedder:
    """The embedder of a panel file; without an `endpoint` the bundled server is asked."""
    agent = _local(config, shared) if config.endpoint is None else _remote(config, shared)
    return HTTPEmbedder(agent, config.extra_body, price_for(config))


def _remote(config: EmbedderConfig, shared: Shared) -> Agent:
    return build_resilient(EmbeddingsAgent, EMBEDDER_ID, config, shared)


def _local(config: EmbedderConfig, shared: Shared) -> Agent:
    server = shared.once(LocalServer, shared.backend)
    timeouts = config.timeouts.to_timeouts()
    return LocalAgent(
        EMBEDDER_ID, config.model, server=server, timeouts=timeouts, speaks=EmbeddingsAgent
    )


def _estimate(texts: Sequence[str]) -> Usage:
    """Usage by the length of the texts."""
    tokens = math.ceil(sum(map(len, texts)) / CHARACTERS_PER_TOKEN)
    return Usage(prompt_tokens=tokens, estimated=True)
