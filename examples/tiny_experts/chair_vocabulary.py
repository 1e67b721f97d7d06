"""The chair's vocabulary: the experts' one, and each fixed text of council's prompts as one entry.

A prompt that is 220 tokens long in words of its own is then about 60, and training sees
the more of them. The other side of it: other prompts than council's own are texts the chair has
never seen.
"""

from __future__ import annotations

import re
from pathlib import Path

from tokenizers import AddedToken, Tokenizer

from council.strategies.peers import ANSWER, OWN_ANSWER
from examples.tiny_experts.bpe import load_tokenizer
from examples.tiny_experts.chair_tasks import PROMPTS, UNSURE

MOST_ANSWERS = 8
"""The highest number of an answer that has an entry of its own."""

_PLACEHOLDER = re.compile(r"\{\w+\}")
_WRITTEN = ("\nFINAL RANKING:", "\nBEST:", "\nSCORES:", "\n\nDissent:", f" {UNSURE}")


def phrases() -> list[str]:
    """List the texts that are one entry each.

    Returns:
        What stands between the placeholders of prompts, around answers, and in replies.
    """
    fixed = [part for prompt in PROMPTS.values() for part in _PLACEHOLDER.split(prompt)]
    before, after = ANSWER.split("{text}")
    fixed += [before.format(number=number) for number in range(1, MOST_ANSWERS + 1)]
    fixed += [after, *OWN_ANSWER.split("{text}"), *_WRITTEN]
    return [text for text in dict.fromkeys(fixed) if text]


def extend(base: Path) -> Tokenizer:
    """Add the phrases to the experts' tokenizer.

    Args:
        base: Its JSON file.

    Returns:
        The tokenizer; ids of the experts' entries stay what they are.
    """
    return add_phrases(load_tokenizer(base))


def add_phrases(tokenizer: Tokenizer) -> Tokenizer:
    """Add the phrases to a tokenizer, which is changed and returned."""
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in phrases()])
    return tokenizer
