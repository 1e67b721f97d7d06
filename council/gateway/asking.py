"""How a run of the gateway is begun, by itself or as the next turn of a conversation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING

from council.continuing import continued
from council.council import Council
from council.expert import Expert
from council.gateway.errors import InvalidRequest
from council.gateway.kept_run import KeptRun
from council.gateway.live_run import LiveRun
from council.messages import ChatMessage
from council.run import Run
from council.sources import AskOptions, Question, to_messages
from council.ticket import Ticket

if TYPE_CHECKING:
    from council.store.store import Store

Ask = Callable[[], AbstractAsyncContextManager[Run]]
"""Begins a run when it is its turn."""


class Ticketed:
    """A council whose next run has its id and its owner already."""

    def __init__(self, council: Council, ticket: Ticket) -> None:
        self._council = council
        self._ticket = ticket

    @property
    def experts(self) -> tuple[Expert, ...]:
        """The council's."""
        return self._council.experts

    @property
    def stream(self) -> Callable[..., AbstractAsyncContextManager[Run]]:
        """The council's."""
        return partial(self._council.stream, ticket=self._ticket)


async def asking(
    council: Council,
    ticket: Ticket,
    question: Question,
    options: AskOptions,
    before: LiveRun | KeptRun | None,
    store: Store | None,
) -> Ask:
    """What begins the run.

    Args:
        council: Who is asked.
        ticket: The run's id and owner.
        question: What is asked.
        options: As for `Council.stream`.
        before: The run whose conversation it goes on with.
        store: Where that is kept; without one the conversation is what that run was asked.

    Raises:
        InvalidRequest: That run came to no answer, or the question is a conversation itself.
        StoreError: The record cannot be read.
    """
    ticketed = Ticketed(council, ticket)
    if before is None:
        return partial(ticketed.stream, question, **options)
    answer = before.result.answer if before.result else None
    if answer is None:
        raise InvalidRequest(
            f"The run {before.id} is {before.status} and has no answer to go on from.",
            param="continue",
        )
    message = _alone(question)
    if store is None or not store.keeping:
        turns = (*before.messages, ChatMessage("assistant", answer), message)
        return partial(ticketed.stream, turns, **options)
    talk = await continued(store, before.id, ticketed)
    return partial(talk.stream, message, **options)


def _alone(question: Question) -> ChatMessage:
    messages = to_messages(question)
    if len(messages) > 1:
        raise InvalidRequest(
            "continue needs one question: what was before is in the run it names.",
            param="messages",
        )
    return messages[0]
