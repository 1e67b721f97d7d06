"""What the tests of chat dialects share: experts who say 42, one who waits, streams taken apart."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import anyio

from council.agents.scripted import ScriptedAgent, Step
from council.messages import ChatRequest, ChatToken, Usage

QUESTION = {"role": "user", "content": "What is 6 * 7?"}


def three(*last: Step) -> list[ScriptedAgent]:
    """Experts who say 42; what the last one does instead."""
    steps = last or ("It is 42.",)
    return [*(ScriptedAgent(id, "It is 42.") for id in ("ada", "bob")), ScriptedAgent("eve", steps)]


class Waiting:
    """An expert that begins to answer and then waits; knows when it was stopped."""

    id = model = "eve"

    def __init__(self) -> None:
        self.asked = anyio.Event()
        self.go_on = anyio.Event()
        self.stopped = anyio.Event()

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """Says a word, waits, and says the rest."""
        yield ChatToken(text="It")
        self.asked.set()
        try:
            await self.go_on.wait()
        except anyio.get_cancelled_exc_class():
            self.stopped.set()
            raise
        yield ChatToken(text=" is 42.", finish_reason="stop", usage=Usage(3, 2))

    async def aclose(self) -> None:
        """Has nothing to close."""


def chunks(text: str) -> list[dict[str, Any]]:
    """The JSON of a chat stream's events, without what ends it."""
    lines = [line[6:] for line in text.splitlines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


def said(found: list[dict[str, Any]], field: str = "content") -> str:
    """What chunks add up to."""
    deltas = [choice["delta"] for chunk in found for choice in chunk.get("choices", ())]
    return "".join(delta.get(field) or "" for delta in deltas)


def named(text: str) -> list[dict[str, Any]]:
    """The data of a message stream's events, each of which says its type twice."""
    found = []
    for event in text.removesuffix("\n\n").split("\n\n"):
        name, data = event.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found
