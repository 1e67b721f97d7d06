"""What is asked: the same to all, something else to each, or one context with many personas.

Words are common ones of English, drawn by a seed. Every repeat has words of its own, so that no
server finds a beginning in its cache that it was not given within that repeat.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from benchmarks.backend_bench.model import manual
from council.agents.scripted import ScriptedAgent
from council.expert import Expert, opening
from council.messages import ChatMessage

Conversation = list[dict[str, str]]
"""The messages of one request, as JSON has them."""

KINDS = {
    "same": "the same prompt to all",
    "different": "a prompt of its own for each",
    "personas": "one context, and a persona behind it for each",
    "short": "ten words of its own for each",
    "long": "ten words, and a long answer",
}
_SHORT = 10
_PERSONA = 8
_WORDS = 1500


def conversations(kind: str, requests: int, words: int, seed: str) -> list[Conversation]:
    """The prompts of all requests of one measurement.

    Args:
        kind: One of `KINDS`.
        requests: How many.
        words: How long they are, where the kind is not short by nature; a word is a token.
        seed: Another seed has no beginning in common.
    """
    source = random.Random(seed)
    if kind in ("same", "personas"):
        messages = _question(source, words)
        personas = [_text(source, _PERSONA) if kind == "personas" else "" for _ in range(requests)]
        return [_as_json(opening(messages, _expert(persona))) for persona in personas]
    size = words if kind == "different" else _SHORT
    return [_as_json(_question(source, size)) for _ in range(requests)]


def _question(source: random.Random, words: int) -> tuple[ChatMessage, ...]:
    return (ChatMessage("user", _text(source, words)),)


def _expert(persona: str) -> Expert:
    return Expert("expert", ScriptedAgent("expert", "nothing"), persona=persona)


def _as_json(messages: Sequence[ChatMessage]) -> Conversation:
    return [{"role": message.role, "content": message.text} for message in messages]


def _text(source: random.Random, words: int) -> str:
    return " ".join(source.choices(_vocabulary(), k=words))


@lru_cache
def _vocabulary() -> list[str]:
    counts = Counter(re.findall(r"\b[a-z]{3,9}\b", manual()))
    return [word for word, _ in counts.most_common(_WORDS)]
