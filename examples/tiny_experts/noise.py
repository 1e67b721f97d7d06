"""Type questions the way people do: carelessly."""

from __future__ import annotations

from random import Random

from examples.tiny_experts.questions.base import Item

# fmt: off
_PREFIXES = (
    "Please: ", "Hey, ", "Hi, ", "Hello, ", "Question: ", "Tell me, ", "Quick question: ", "So, ",
    "Hi! ", "Hello! ", "Ok, ", "Please tell me: ", "I have a question: ", "Please answer: ", "Q: ",
    "Answer this: ", "Now, ", "Next question: ", "Do you know this: ", "Please, ", "Well, ",
)
_SUFFIXES = (
    " Please.", " please", " Thanks!", " Thank you.", " Answer briefly.", " Be short.",
    " Be brief.",
    " Think carefully.", " Just the answer.", " Give only the answer.", " Tell me.", " :)",
    " Do you know?", " Explain.", " thanks",
)
# fmt: on


def _wrap(rng: Random, text: str) -> str:
    """Put a polite phrase before or after the text."""
    if rng.random() < 0.12:
        text = rng.choice(_PREFIXES) + text
    if rng.random() < 0.08:
        text += rng.choice(_SUFFIXES)
    return text


def _recase(rng: Random, text: str) -> str:
    """Change the case of the text or of its first letter."""
    how = rng.random()
    if how < 0.25:
        return text.lower()
    if how < 0.27:
        return text.upper()
    if how < 0.32:
        return text[:1].upper() + text[1:]
    return text


def _typo(rng: Random, text: str) -> str:
    """Swap, drop or double one letter inside a long lower-case word."""
    words = text.split(" ")
    places = [i for i, word in enumerate(words) if len(word) >= 6 and word.isalpha()]
    if not places:
        return text
    place = rng.choice(places)
    word = words[place]
    at = rng.randrange(1, len(word) - 2)
    how = rng.random()
    if how < 0.4:
        words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    elif how < 0.7:
        words[place] = word[:at] + word[at + 1 :]
    else:
        words[place] = word[: at + 1] + word[at:]
    return " ".join(words)


def _respace(rng: Random, text: str) -> str:
    """Double a space, or add white space at the ends."""
    if rng.random() < 0.04:
        text = text.replace(" ", "  ", 1)
    if rng.random() < 0.06:
        text += rng.choice((" ", "\n", "  ", "\n\n", " \n"))
    if rng.random() < 0.02:
        text = " " + text
    return text


def type_carelessly(rng: Random, item: Item) -> str:
    """Render an item's question with everyday noise.

    Args:
        rng: Source of randomness.
        item: The item; a fragile one keeps its case, letters and marks.

    Returns:
        The text of the user's turn.
    """
    text = item.question
    if not item.fragile:
        text = _wrap(rng, text)
        if rng.random() < 0.25 and text[-1:] in "?.":
            text = text[:-1]
        if rng.random() < 0.05:
            text = _typo(rng, text)
        text = _recase(rng, text)
    return _respace(rng, text)
