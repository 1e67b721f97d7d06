"""What one stream has to say, and whether it arrived."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field


def token(number: int) -> str:
    """The text of a stream's token, from 1; token 0 is the server's stamp."""
    return f" t{number}"


def stamp() -> str:
    """Token 0: when the server sent it, on the clock that all processes of a machine share."""
    return f"@{time.monotonic_ns()}@"


def expected_hash(tokens: int) -> str:
    """The hash of a stream of so many tokens, without its stamp."""
    return _hash("".join(map(token, range(1, tokens))))


@dataclass(slots=True)
class Receipt:
    """What a client received of one stream.

    Keeping pieces costs every client the same; hashing waits until the measurement is over.
    """

    pieces: list[str] = field(default_factory=list)
    first_token: float | None = None

    def take(self, text: str) -> None:
        """More text has arrived."""
        if self.first_token is None:
            now = time.monotonic_ns()
            self.first_token = (now - int(text.split("@")[1])) / 1e9
        self.pieces.append(text)

    @property
    def hash(self) -> str:
        """The hash of all text but the stamp."""
        return _hash("".join(self.pieces).rpartition("@")[2])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
