"""Scripted seats for tests of the gateway, and the moments at which they wait."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import anyio

from council.agents.scripted import ScriptedAgent


@dataclass
class Moment:
    """A place in a script: the test learns that it is reached, and lets the script go on."""

    reached: anyio.Event = field(default_factory=anyio.Event)
    go_on: anyio.Event = field(default_factory=anyio.Event)

    async def __call__(self) -> None:
        self.reached.set()
        await self.go_on.wait()


def three(text: str = "It is 42.") -> list[ScriptedAgent]:
    """Three experts that agree."""
    return [ScriptedAgent(id, text) for id in ("ada", "bob", "eve")]


def waiting(moment: Moment, before: str = "It", after: str = " is 42.") -> ScriptedAgent:
    """An expert that waits in the middle of its answer."""
    return ScriptedAgent("ada", [before, moment, after])


def wordy(id: str, words: int) -> ScriptedAgent:
    """An expert whose answer has so many words, the last one 42."""
    return ScriptedAgent(id, [*itertools.repeat("well ", words - 1), "42"])
