"""Where a run stands in a conversation, and the conversation as one seat knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from council.messages import ChatMessage

History = Literal["answers", "own"]
"""What experts see of earlier turns: the panel's answers, or each one its own."""


@dataclass(frozen=True, slots=True)
class Place:
    """A run's place in a conversation.

    Attributes:
        conversation: The conversation's id.
        turn: The number of this turn, from 1; one that is asked again keeps its number.
        history: What experts see of earlier turns.
        own: What each expert's sample said itself in earlier turns: by its label, and by the place
            of the panel's answer among the run's messages. Where there is nothing, the panel's
            answer stands.
        notes: What the reader of the result should know about the history.
    """

    conversation: str
    turn: int
    history: History = "answers"
    own: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def seen_by(self, label: str, messages: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
        """The run's messages with a seat's own answers in the place of the panel's.

        Args:
            label: The seat, as replies are labelled: `ada`, `ada#2`.
            messages: The run's messages.
        """
        own = self.own.get(label)
        if not own:
            return messages
        return tuple(
            replace(message, content=own[at]) if at in own else message
            for at, message in enumerate(messages)
        )
