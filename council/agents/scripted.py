"""An agent that says what it is told to: for tests, demos and trying out strategies."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

import anyio

from council.errors import CouncilError
from council.messages import ChatRequest, ChatToken, Usage

Step = str | ChatToken | CouncilError | Callable[[], Awaitable[object]]
"""Text (split into words), a token as it is, an error to raise, or something to wait for."""

Script = str | CouncilError | Sequence[Step] | Callable[[ChatRequest], str]

_WORD = re.compile(r"\s*\S+|\s+$")


class ScriptedAgent:
    """Replies from a list of scripts: the first call gets the first one, the last one repeats.

    A script is a text, an error, a list of steps, or a function from the request to a text. A
    script that raises nothing ends with a usage that counts words, and with the finish reason
    `stop` unless one of its tokens has another.

    Args:
        id: The agent's name.
        scripts: At least one script.
        model: The model's name.
        delay: Seconds to wait before each token.

    Example:
        >>> agent = ScriptedAgent("ada", "It is 42.")
        >>> wobbly = ScriptedAgent("bob", ["It is ", StreamError("cut off")], "It is 41.")
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
        self._scripts = scripts
        self._delay = delay

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """Streams the next script."""
        script = self._scripts[min(len(self.requests), len(self._scripts) - 1)]
        self.requests.append(request)
        words, ended = 0, False
        for step in _steps(script, request):
            if isinstance(step, CouncilError):
                raise step
            if not isinstance(step, str | ChatToken):
                await step()
                continue
            for token in _tokens(step):
                await anyio.sleep(self._delay)
                words += bool(token.text.strip())
                ended = ended or token.finish_reason is not None
                yield token
        prompt = sum(len(message.text.split()) for message in request.messages)
        yield ChatToken(finish_reason=None if ended else "stop", usage=Usage(prompt, words))

    async def aclose(self) -> None:
        """Notes that it was closed."""
        self.closed = True


def _steps(script: Script, request: ChatRequest) -> Sequence[Step]:
    if isinstance(script, str | CouncilError):
        return [script]
    if callable(script):
        return [script(request)]
    return script


def _tokens(step: str | ChatToken) -> list[ChatToken]:
    if isinstance(step, ChatToken):
        return [step]
    return [ChatToken(text=word) for word in _WORD.findall(step)]
