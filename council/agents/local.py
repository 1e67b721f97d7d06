"""The agent for a model file: the bundled backend serves it ("mode A")."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from council.agents.http_agent import HTTPAgent
from council.agents.local_server import LocalServer
from council.agents.openai_http import OpenAIHTTPAgent
from council.agents.shared import Shared
from council.config import BackendConfig, ExpertConfig, SynthesizerConfig
from council.errors import AgentError, ConfigError
from council.limits import Timeouts
from council.messages import ChatRequest, ChatToken


class LocalAgent:
    """Asks a model file through the bundled backend, which it starts when first needed.

    Starting and loading have a limit of their own (`startup_timeout`): the clocks of `timeouts`
    start when the model is ready.

    Args:
        id: The agent's name in messages.
        model: A GGUF file's path, or `builtin:NAME`.
        server: The server to share with other agents; whoever made it closes it. Without one
            the agent has a server of its own and closes it.
        options: How to start an own server.
        timeouts: Limits for one reply.
        speaks: How the server is asked.
    """

    provider = "council"

    def __init__(
        self,
        id: str,
        model: str,
        *,
        server: LocalServer | None = None,
        options: BackendConfig | None = None,
        timeouts: Timeouts | None = None,
        speaks: type[HTTPAgent] = OpenAIHTTPAgent,
    ) -> None:
        self.id = id
        self.model = model
        self._owns_server = server is None
        self._server = server or LocalServer(options)
        self._name = self._server.add(model)
        self._timeouts = timeouts or Timeouts()
        self._speaks = speaks
        self._http: HTTPAgent | None = None

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """Streams one reply, after notices about starting and loading if there is a wait.

        Raises:
            BackendError: The server did not start, or could not load the model.
            AgentError: As for `OpenAIHTTPAgent.chat`.
        """
        try:
            async with aclosing(self._server.ready(self.model)) as notices:
                async for notice in notices:
                    yield ChatToken(notice=notice)
        except AgentError as error:
            error.agent, error.request_id = self.id, request.request_id
            raise
        if self._http is None:
            self._http = self._speaks(
                self.id,
                self._name,
                self._server.url,
                timeouts=self._timeouts,
                trust_env=False,
                client=self._server.client,
            )
        async with aclosing(self._http.chat(replace(request, model=self._name))) as tokens:
            async for token in tokens:
                yield token

    async def aclose(self) -> None:
        """Ends the server, if it is the agent's own."""
        if self._owns_server:
            await self._server.aclose()


def build(id: str, config: ExpertConfig | SynthesizerConfig, shared: Shared) -> LocalAgent:
    """The agent for an entry of a panel file; all of a panel share one server.

    Raises:
        ConfigError: It has an endpoint.
    """
    if config.endpoint is not None:
        raise ConfigError("a local model has no `endpoint`")
    server = shared.once(LocalServer, shared.backend)
    return LocalAgent(id, config.model, server=server, timeouts=config.timeouts.to_timeouts())
