"""Mistakes in a panel file, collected so that all of them are said at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from council.errors import ConfigError

KeyPath = tuple[str | int, ...]
"""Where a value stands: `("experts", 0, "model")`."""


class Mistake(ConfigError):
    """One thing that is wrong, and where.

    Args:
        message: File, line, key and the way out.
        path: The key.
        line: The line in the file, from 1; 0 where there is no file.
    """

    def __init__(self, message: str, path: KeyPath = (), line: int = 0) -> None:
        super().__init__(message)
        self.path = path
        self.line = line


class Mistakes:
    """What is wrong with one panel, as far as it has been read."""

    def __init__(self) -> None:
        self._found: list[Mistake] = []

    @property
    def paths(self) -> list[KeyPath]:
        """Where they are."""
        return [mistake.path for mistake in self._found]

    def add(self, mistake: Mistake) -> None:
        """Notes one."""
        self._found.append(mistake)

    def follow(self, mistake: Mistake) -> None:
        """Notes one, unless another one noted before explains it."""
        if not self._explain(mistake.path):
            self.add(mistake)

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Notes the mistake that the block raises, unless one noted before explains it."""
        try:
            yield
        except Mistake as mistake:
            self.follow(mistake)

    def _explain(self, path: KeyPath) -> bool:
        """Whether something at this key, around it or in it is known to be wrong already."""
        return any(
            known[: len(path)] == path[: len(known)] for known in self.paths if known or not path
        )

    def raise_any(self) -> None:
        """Raises what was noted: a lone mistake as it is, several one per line.

        Raises:
            ConfigError: There is a mistake.
        """
        if len(self._found) == 1:
            raise self._found[0]
        if self._found:
            # Each once: the same unset variable may stand twice in one value.
            ordered = sorted(self._found, key=lambda mistake: mistake.line)
            raise ConfigError("\n".join(dict.fromkeys(map(str, ordered))))
