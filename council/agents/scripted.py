"""An agent that says what it is told to: for tests, demos and trying out strategies."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing

import anyio

from council.errors import AgentError, CouncilError
from council.messages import ChatRequest, ChatToken, Usage

Step = str | ChatToken | CouncilError | Callable[[], Awaitable[object]]
"""Text (split into words), a token as it is, an error to raise, or something to wait for."""

Steps = str | CouncilError | Iterable[Step]
"""What one call says: a text, an error, or steps, which need not come to an end."""

Script = Steps | Callable[[ChatRequest], Steps]
"""What one call says, or a function that says so for its request."""

_WORD = re.compile(r"\s*\S+|\s+$")


class ScriptedAgent:
    """Replies from a list of scripts: the first call gets the first one, the last one repeats.

    A script is a text, an error, steps, or a function from the request to one of these. A script
    that raises nothing ends with a usage that counts words, and with the finish reason `stop`
    unless one of its tokens has another. An error that is raised gets the text so far as its
    `partial`. To wait, give a step that waits for an event.

    Args:
        id: The agent's name.
        scripts: At least one script.
        model: The model's name.
        delay: Seconds to wait before each token.

    Example:
        >>> agent = ScriptedAgent("ada", "It is 42.")
        >>> wobbly = ScriptedAgent("bob", ["It is ", StreamError("cut off")], "It is 41.")
        >>> echo = ScriptedAgent("eve", lambda request: request.messages[-1].text)
        >>> endless = ScriptedAgent("max", lambda request: itertools.repeat("and on "))
    """

    def __init__(
        self, id: str, *scripts: Script, model: str = "scripted", delay: float = 0.0
    ) -> None:
        if not scripts:
            raise ValueError("a ScriptedAgent needs at least one script")
        self.id = id
        self.model = model
        self.requests: list[ChatRequest] = []
        """Every request so far, for tests to look at."""
        self.closed = False
        self.open = 0
        """How many replies are under way: asked for, and neither ended nor closed."""
        self._scripts = scripts
        self._delay = delay

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """Streams the next script."""
        script = self._scripts[min(len(self.requests), len(self._scripts) - 1)]
        self.requests.append(request)
        said: list[ChatToken] = []
        self.open += 1
        try:
            async with aclosing(self._play(script, request)) as tokens:
                async for token in tokens:
                    said.append(token)
                    yield token
        except AgentError as error:
            error.partial = "".join(token.text for token in said)
            raise
        finally:
            self.open -= 1
        yield _last(request, said)

    async def aclose(self) -> None:
        """Notes that it was closed."""
        self.closed = True

    async def _play(self, script: Script, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        for step in _steps(script, request):
            if isinstance(step, CouncilError):
                raise step
            if not isinstance(step, str | ChatToken):
                await step()
                continue
            for token in _tokens(step):
                await anyio.sleep(self._delay)
                yield token


def _steps(script: Script, request: ChatRequest) -> Iterable[Step]:
    if callable(script):
        script = script(request)
    return [script] if isinstance(script, str | CouncilError) else script


def _tokens(step: str | ChatToken) -> list[ChatToken]:
    if isinstance(step, ChatToken):
        return [step]
    return [ChatToken(text=word) for word in _WORD.findall(step)]


def _last(request: ChatRequest, said: Sequence[ChatToken]) -> ChatToken:
    ended = any(token.finish_reason for token in said)
    words = sum(bool(token.text.strip()) for token in said)
    prompt = sum(len(message.text.split()) for message in request.messages)
    return ChatToken(finish_reason=None if ended else "stop", usage=Usage(prompt, words))
