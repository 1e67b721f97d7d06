"""What may be settled of a run before it begins: its id, and whose run it is."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ticket:
    """Given to a run by whoever has to name it before it begins; see `Council.stream`.

    Attributes:
        id: The run's id.
        owner: Who asks, for the record; empty where nobody has to be told apart.
    """

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    owner: str = ""
