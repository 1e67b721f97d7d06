"""Tiny models that come with the package: ``NAME.gguf`` files in this folder.

They are toys, meant to give real answers to the first question of somebody who
has neither a key nor a network. The model card is ``README.md`` in this folder.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

_SUFFIX = ".gguf"


class UnknownModelError(KeyError):
    """No built-in model has the wanted name."""

    def __str__(self) -> str:
        """Return the message itself; ``KeyError`` would show its quoted form."""
        return str(self.args[0])


def _folder() -> Path:
    """Locate this package on disk.

    llama.cpp opens models by file name, so a package inside a zip archive, which
    has no such folder, cannot be used.
    """
    folder = resources.files(__name__)
    if not isinstance(folder, Path):
        raise FileNotFoundError(f"{__name__} has to be installed as plain files, not in an archive")
    return folder


def names() -> tuple[str, ...]:
    """List the built-in models.

    Returns:
        Their names in alphabetical order, such as ``("abacus", "atlas", "sage")``.
    """
    return tuple(sorted(entry.stem for entry in _folder().glob(f"*{_SUFFIX}")))


def path(name: str) -> Path:
    """Locate a built-in model.

    Args:
        name: One of ``names()``.

    Returns:
        The model's file.

    Raises:
        UnknownModelError: If there is no such model; the message lists those there are.
    """
    known = names()
    if name not in known:
        there_are = ", ".join(known) or "none"
        raise UnknownModelError(f"no built-in model is called {name!r}; there are: {there_are}")
    return _folder() / f"{name}{_SUFFIX}"
