"""An embedder whose vectors are kept, and taken from the record where they are there already."""

from __future__ import annotations

from collections.abc import Sequence

import anyio.lowlevel

from council.agents.embedder import Embedded, Embedder, price_of
from council.config.schema import EMBEDDER_ID
from council.errors import AgentError, StoreError
from council.messages import Usage
from council.store.items import Vector
from council.store.recording import Recording
from council.store.tape import Tape
from council.store.vectors import packed, shares, space_of, text_mark, unpacked


class RecordedEmbedder:
    """An embedder with the record around it.

    What goes out are the vectors as they are kept, with the precision of 32-bit floats: a run that
    goes back to this one compares the very same.

    Args:
        embedder: Who embeds what the record does not hold.
        recording: Where vectors go, if anywhere.
        tape: Vectors to give instead of asking, if there are any.
    """

    def __init__(self, embedder: Embedder, recording: Recording | None, tape: Tape | None) -> None:
        self.price = price_of(embedder)
        self._embedder = embedder
        self._recording = recording
        self._tape = tape
        self._space = space_of(embedder)

    @property
    def model(self) -> str:
        """The embedder's model."""
        return self._embedder.model

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Embeds texts, from the record or by the embedder; errors as the embedder's."""
        found = self._from_tape(texts)
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            found.update(await self._asked_for(missing))
        if self._recording:
            self._recording.embedded(self.model, self._space, list(found.values()))
        usage = sum((each.usage for each in found.values()), Usage())
        return Embedded(tuple(found[text].vector for text in texts), usage)

    async def aclose(self) -> None:
        """Closes the embedder."""
        await self._embedder.aclose()

    def _from_tape(self, texts: Sequence[str]) -> dict[str, Vector]:
        found: dict[str, Vector] = {}
        for text in texts:
            kept = self._tape.vector(self._space, text_mark(text)) if self._tape else None
            if kept is not None:
                found[text] = Vector(text, kept.vector, kept.usage)
        return found

    async def _asked_for(self, texts: Sequence[str]) -> dict[str, Vector]:
        embedded = await self._embedder.embed(texts)
        parts = zip(texts, embedded.vectors, shares(embedded.usage, texts), strict=True)
        return {text: Vector(text, _as_kept(vector), usage) for text, vector, usage in parts}


class AbsentEmbedder:
    """The embedder of a panel that has none now: the record can repeat what it said.

    Args:
        tape: What is recorded.
        needed: Whether the strategy cannot do without. Where nobody may be asked, a text without
            a vector then ends the run; else it is up to the strategy.
    """

    def __init__(self, tape: Tape, *, needed: bool) -> None:
        known = tape.embedded_by
        self.model = known.model if known else ""
        self.space = known.space if known else ""
        self._tape = tape
        self._needed = needed

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Always fails: the record is before it."""
        if self._needed and not self._tape.live:
            self._tape.miss(EMBEDDER_ID)
            # Where a miss ends the run, it ends here.
            await anyio.lowlevel.checkpoint()
        raise AgentError(
            "the panel has no `embedder` any more, and the record of run"
            f" {self._tape.run[:8]} no vector of this"
        )

    async def aclose(self) -> None:
        """Holds nothing."""


def embedder_for(
    now: Embedder | None, tape: Tape, *, needed: bool = False, anyway: bool = False
) -> Embedder | None:
    """Who embeds in a run that goes back to another one.

    Args:
        now: The panel's embedder.
        tape: What is recorded of the other run.
        needed: Whether the strategy cannot do without. Where nobody may be asked it is then the
            record that lacks vectors, and not the panel that lacks an embedder.
        anyway: Take an embedder whose vectors are of another space; no recorded one is used then.

    Raises:
        StoreError: The embedder has changed since.
    """
    known = tape.embedded_by
    if known and now and space_of(now) != known.space and not anyway:
        raise StoreError(
            f"the panel's embedder has changed since run {tape.run[:8]} ({known.model} then,"
            f" {now.model} now, or it asks otherwise): pass --anyway to embed all with it as it is"
        )
    if now is not None:
        return now
    if known or (needed and not tape.live):
        return AbsentEmbedder(tape, needed=needed)
    return None


def _as_kept(vector: tuple[float, ...]) -> tuple[float, ...]:
    data = packed(vector)
    return vector if data is None else unpacked(data)
