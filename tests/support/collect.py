"""Consuming an agent's reply as the contract asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import aclosing

from council.agents.base import Agent
from council.agents.stream_body import StreamBody
from council.errors import StreamError
from council.messages import ChatRequest, ChatToken


async def collect(agent: Agent, request: ChatRequest) -> list[ChatToken]:
    """All tokens of one reply."""
    async with aclosing(agent.chat(request)) as tokens:
        return [token async for token in tokens]


def text(tokens: Sequence[ChatToken]) -> str:
    """Their text."""
    return "".join(token.text for token in tokens)


def read_body(decoder: StreamBody, pieces: Iterable[bytes]) -> tuple[list[ChatToken], str | None]:
    """The tokens that a decoder makes of a body, and the error that ended it."""
    tokens: list[ChatToken] = []
    try:
        for piece in pieces:
            tokens.extend(decoder.feed(piece))
        tokens.extend(decoder.end())
    except StreamError as error:
        return tokens, str(error)
    return tokens, None
