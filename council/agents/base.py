"""The contract of an agent."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol, runtime_checkable

from council.messages import ChatRequest, ChatToken


def has_begun(token: ChatToken) -> bool:
    """Whether with this token something of the reply has gone out: there is no way back."""
    begun = token.text or token.reasoning or token.tool_calls or token.refusal
    return bool(begun or (token.notice and token.notice.tool))


@runtime_checkable
class Agent(Protocol):
    """Something that answers a chat request, a token at a time.

    Attributes:
        id: A name for messages and errors.
        model: The model's name as the server knows it.
    """

    @property
    def id(self) -> str: ...

    @property
    def model(self) -> str: ...

    def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """Streams one reply.

        An implementation is an async generator. The caller consumes and closes it inside one
        task (`contextlib.aclosing`); the generator never yields inside a task group or a cancel
        scope of its own. It may be called again while other calls run.

        Raises:
            AgentError: The reply failed; `partial` holds what had arrived. A reply that ends
                without an error is whole.
        """
        ...

    async def aclose(self) -> None:
        """Releases what the agent holds. May be called more than once."""
        ...
