"""The form in which replies are kept: objects with names, whatever tokens are in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from council.messages import (
    ChatToken,
    FinishReason,
    Notice,
    TokenLogprob,
    ToolCallDelta,
    Usage,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a reply, or a tool that was run for it; attributes as for `ChatToken`."""

    text: str = ""
    reasoning: str = ""
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    tool_calls: tuple[ToolCallDelta, ...] = ()
    refusal: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()
    choice: int = 0
    notice: Notice | None = None


_CHOICES = TypeAdapter(tuple[Choice, ...])


def choices_text(tokens: Sequence[ChatToken]) -> str:
    """Gathered tokens as JSON."""
    choices = tuple(
        Choice(**{name: getattr(token, name) for name in Choice.__slots__}) for token in tokens
    )
    return _CHOICES.dump_json(choices, exclude_defaults=True).decode()


def tokens_of(text: str) -> tuple[ChatToken, ...]:
    """The tokens that such JSON holds; raises pydantic's ValidationError on anything else."""
    return tuple(
        ChatToken(**{name: getattr(choice, name) for name in Choice.__slots__})
        for choice in _CHOICES.validate_json(text)
    )
