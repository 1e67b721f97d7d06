"""Scripted experts that read the answers out of a prompt and decide by what they find there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from council.agents.scripted import Script, ScriptedAgent
from council.messages import ChatRequest
from council.testing.prompts import own_shown, prompt_of, prompts, ranks, shown

__all__ = ["agents", "own_shown", "picks", "prompt_of", "prompts", "ranks", "shown"]


def agents(*scripts: Script | Sequence[Script]) -> list[ScriptedAgent]:
    """Agents a, b, c, …; a tuple holds the scripts of one agent's calls."""
    return [
        ScriptedAgent(id, *(script if isinstance(script, tuple) else (script,)))
        for id, script in zip("abcdefgh", scripts, strict=False)
    ]


def picks(word: str) -> Callable[[ChatRequest], str]:
    """A judge that picks the answer with a word in it."""

    def script(request: ChatRequest) -> str:
        for number, text in shown(request).items():
            if word in text:
                return f"It says {word}.\nBEST: {number}"
        return "BEST: TIE"

    return script
