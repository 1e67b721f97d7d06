"""Going on with the conversation of a run that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import anyio.to_thread

from council.conversation import Askable, Conversation, Saved
from council.errors import StoreError
from council.events import RunFinished
from council.history import Turn, own_answers, parted, unnamed
from council.messages import ChatMessage
from council.place import History, Place
from council.result import Result
from council.store.records import RunRecord
from council.store.store import Store


async def continued(
    store: Store,
    id: str,
    panel: Askable,
    *,
    history: History | None = None,
    max_turns: int | None = None,
    max_tokens: int | None = None,
) -> Conversation:
    """The conversation after a run, to be asked the next question.

    A run that belongs to no conversation is the first turn of one that has its id.

    Args:
        store: Where the run is kept.
        id: The run's id, the beginning of it, or `last`.
        panel: Who is asked from now on; it need not be the panel of then.
        history: As for `Council.conversation`; None for that of the run's conversation.
        max_turns: As for `Council.conversation`.
        max_tokens: As for `Council.conversation`.

    Raises:
        StoreError: There is no such run, or it came to no answer.
        ConfigError: An argument cannot be used.
    """
    record = await anyio.to_thread.run_sync(store.run, id)
    result = await anyio.to_thread.run_sync(result_of, store, record.id)
    if result is None or result.answer is None:
        short = record.id[:8]
        raise StoreError(
            f"run {short} has no answer to go on from, it is {record.state}: council resume"
            f" {short} goes on with the run itself"
        )
    place = record.place or Place(record.id, 1)
    opening, given = _given(record, place, result)
    return Conversation(
        panel,
        Saved(
            version=1,
            id=place.conversation,
            history=history or place.history,
            max_turns=max_turns,
            max_tokens=max_tokens,
            opening=opening,
            given=given,
        ),
    )


def result_of(store: Store, id: str) -> Result | None:
    """What a kept run came to, None where it has not ended; errors as for `Store.events`."""
    finished = [event.result for event in store.events(id) if isinstance(event, RunFinished)]
    return finished[-1] if finished else None


def _given(
    record: RunRecord, place: Place, result: Result
) -> tuple[tuple[ChatMessage, ...], tuple[Turn, ...]]:
    """What the run was asked with, and the run itself as the last turn."""
    answer = ChatMessage("assistant", unnamed(result))
    opening, turns = parted((*record.conversation, answer))
    *earlier, last = turns
    own = own_answers(result)
    now = replace(last, number=place.turn, result=result, own=own)
    return opening, (*_with_own(opening, earlier, place), now)


def _with_own(opening: Sequence[ChatMessage], turns: Sequence[Turn], place: Place) -> list[Turn]:
    """Earlier turns with what each expert said in them, as far as the run was asked with it."""
    found, at = [], len(opening)
    for behind, turn in zip(range(len(turns), 0, -1), turns, strict=True):
        at += len(turn.messages)
        own = {label: said[at - 1] for label, said in place.own.items() if at - 1 in said}
        found.append(replace(turn, number=place.turn - behind, own=own) if own else turn)
    return found
