"""The requests of one stage, and when each of them goes out."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import anyio

from council.answer_form import AnswerForm
from council.expert import Expert
from council.live import LiveReply
from council.messages import ChatMessage, ChatRequest
from council.replies import Reply, label_of

Prompt = Callable[[Expert], tuple[ChatMessage, ...]]
"""The messages for one expert."""

Enough = Callable[[Sequence[Reply]], bool]
"""Told the replies so far; True ends the stage and cancels whoever still writes."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of a stage.

    Attributes:
        expert: Who is asked.
        messages: What it is asked.
        sample: Which of the expert's samples in this stage it is.
    """

    expert: Expert
    messages: tuple[ChatMessage, ...]
    sample: int = 0

    @property
    def label(self) -> str:
        """The label that the reply to it will have."""
        return label_of(self.expert.id, self.sample)

    def request(self, stage: str, form: AnswerForm | None) -> ChatRequest:
        """What goes to the expert's agent, in the form that the run's answers have to have."""
        expert = self.expert
        request = ChatRequest(
            expert.agent.model,
            self.messages,
            expert.sampling.for_sample(self.sample),
            request_id=uuid.uuid4().hex,
            tools=expert.tools if _answers(stage) else (),
            extra=expert.extra,
        )
        return form.shaped(request, stage, takes_schema=expert.takes_schema) if form else request


def _answers(stage: str) -> bool:
    # Whoever ranks, judges or writes has the others' answers to go by, and no more than they.
    return stage == "answer" or stage.startswith("round-")


def starts(
    lives: Sequence[LiveReply], stagger: float | None
) -> list[Callable[[], Awaitable[None]]]:
    """For each request, what to wait for before it goes out."""

    def start(position: int) -> Callable[[], Awaitable[None]]:
        async def wait() -> None:
            if stagger is not None and position > 0:
                before = lives[position - 1]
                await before.due.wait()
                with anyio.move_on_after(stagger):
                    await before.ended.wait()
            lives[position].due.set()

        return wait

    return [start(position) for position in range(len(lives))]
