"""What is known of a run before it begins, for those who tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from council.telemetry.served import Served, served_by

if TYPE_CHECKING:
    from council.expert import Expert
    from council.place import Place


@dataclass(frozen=True, slots=True)
class Subject:
    """The panel that is asked, and where the run stands.

    Attributes:
        experts: The seats, with the agents that the panel has.
        writers: Who may write the answer.
        source: The panel file's path; empty for a panel that is no file.
        place: Where the run stands in a conversation, if it does.
        in_form: Whether the answer has to fit a schema.
    """

    experts: Sequence[Expert]
    writers: Sequence[Expert] = ()
    source: str = ""
    place: Place | None = None
    in_form: bool = False
    _served: dict[str, Served] = field(default_factory=dict, init=False, compare=False)

    @property
    def name(self) -> str:
        """The panel's name: its file's, without the suffix."""
        return Path(self.source).stem or "council"

    def seat(self, id: str) -> Expert | None:
        """The seat with an id; None for one that the panel does not have."""
        return next((seat for seat in (*self.experts, *self.writers) if seat.id == id), None)

    def served(self, id: str) -> Served:
        """Who serves a seat's model."""
        if id not in self._served:
            seat = self.seat(id)
            self._served[id] = served_by(seat.agent if seat else None)
        return self._served[id]
