"""What a run can be decided from: its own replies, and those of the runs that it goes back to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from council.errors import StoreError
from council.store.records import RecordedReply, RecordedVector, RunRecord
from council.store.store import Store


@dataclass(frozen=True, slots=True)
class Heritage:
    """What became of the requests of a run and of those before it.

    Attributes:
        asked: The id of the run that asked first, or the oldest that is still kept.
        replies: What became of its requests, and of what later runs asked anew.
        vectors: The vectors of all their texts.
    """

    asked: str
    replies: tuple[RecordedReply, ...]
    vectors: tuple[RecordedVector, ...]


def heritage(store: Store, run: RunRecord) -> Heritage:
    """What a run can be decided from.

    A run that was decided anew has only those replies that its strategy waited for (`first`: one).
    So it goes back to the run whose replies they are.

    Raises:
        StoreError: The file cannot be read.
    """
    replies, vectors = tuple(store.replies(run.id)), tuple(store.vectors(run.id))
    before = _before(store, run)
    if before is None:
        return Heritage(run.id, replies, vectors)
    told = heritage(store, before)
    new = _asked_anew(told.replies, replies)
    return Heritage(told.asked, (*told.replies, *new), (*told.vectors, *vectors))


def _before(store: Store, run: RunRecord) -> RunRecord | None:
    """The run that one was decided anew from; None where it asked itself."""
    if run.origin != "redecide":
        return None
    try:
        return store.run(run.parent)
    except StoreError:  # deleted: what the run itself holds is all there is
        return None


def _asked_anew(
    before: Sequence[RecordedReply], own: Sequence[RecordedReply]
) -> list[RecordedReply]:
    """What of a run's own replies is not from the runs before it, numbered after theirs.

    To requests that are alike the tape gave its whole replies first, as often as it had one. What
    was neither answered nor failed was not asked: it was cut off, or must not be asked then.
    """
    given = Counter((reply.expert, reply.fingerprint) for reply in before if reply.tokens)
    new: list[RecordedReply] = []
    for reply in sorted(own, key=lambda reply: reply.number):
        key = (reply.expert, reply.fingerprint)
        if given[key]:
            given[key] -= 1
        elif reply.tokens or reply.failure:
            new.append(_after(reply, len(before)))
    return new


def _after(reply: RecordedReply, count: int) -> RecordedReply:
    ended = None if reply.ended is None else reply.ended + count
    return replace(reply, number=reply.number + count, ended=ended)
