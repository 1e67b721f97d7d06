"""Panels by name: which file is meant, and where panels are looked for."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from council.errors import ConfigError

BUILTIN_PANEL = "@builtin"
"""The panel of built-in models that comes with council, from any folder."""

PROJECT_FOLDER = Path("configs")
"""Where the panels of a project are, relative to the working folder."""

PACKAGE_FOLDER = Path(__file__).parents[1] / "panels"
"""Where the panels are that come with council."""

SUFFIXES = (".yaml", ".yml")

_MARK = "@"
_LIKELY = 0.5
_EXPERTS = re.compile(rb"^(?:experts|'experts'|\"experts\")[ \t]*:", re.MULTILINE)
_MOST_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Known:
    """A panel that can be asked for by name.

    Attributes:
        name: Its file's name without the suffix.
        path: Its file.
        hidden_by: The panel of this name that is found before it, if there is one.
    """

    name: str
    path: Path
    hidden_by: Path | None = None


def panel_path(name: str | Path) -> Path:
    """The file of a panel, by its path or its name.

    A path that leads to a file wins. Else `@builtin` is the panel that comes with council, and a
    name (no folder, no `.yaml`) is looked for beside the caller (`NAME.yaml`), in `configs/`, in
    the user's configuration folder and among the panels that come with council. `@NAME` is never
    taken as a file of the working folder that lies outside of `configs/`.

    Args:
        name: A path or a name. A path to nothing is returned as it is: reading it tells more.

    Raises:
        ConfigError: No panel has this name; says where it was looked for, and the nearest one.
    """
    path = Path(name)
    if _is_file(path) or not _is_name(str(name)):
        return path
    found = named_panel(name)
    if found is None and not os.path.isdir(path):
        raise ConfigError(_unknown(str(name)))
    return found or path


def named_panel(name: str | Path) -> Path | None:
    """The file of the panel that has this name; None where none has, or it is no name."""
    text = str(name)
    if text == BUILTIN_PANEL:
        return PACKAGE_FOLDER / "panel.yaml"
    if not _is_name(text):
        return None
    beside = None if text.startswith(_MARK) else _beside(text)
    named = (panel.path for panel in known_panels() if panel.name == _bare(text))
    return beside or next(named, None)


def known_panels() -> Iterator[Known]:
    """All panels that have names, in the order in which they are found."""
    first: dict[str, Path] = {}
    for folder in panel_folders():
        here: set[str] = set()
        for path in panels_in(folder):
            if path.stem not in here:  # of two alike in a folder .yaml comes first
                here.add(path.stem)
                yield Known(path.stem, path, first.get(path.stem))
                first.setdefault(path.stem, path)


def listed_panels() -> Iterator[Known]:
    """All that a bare name may mean: the working folder's panels, then those of `known_panels`.

    Of the working folder's files those are left out that do not look like panels.
    """
    here: dict[str, Path] = {}
    for path in panels_in(Path()):
        if looks_like_panel(path) and path.stem not in here:
            here[path.stem] = path
            yield Known(path.stem, path)
    for panel in known_panels():
        yield replace(panel, hidden_by=here.get(panel.name, panel.hidden_by))


def looks_like_panel(path: Path) -> bool:
    """Whether a file has a list of experts; one that cannot be read has none."""
    try:
        # A pipe would not end, and a file of data may be large.
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return _EXPERTS.search(file.read(_MOST_BYTES)) is not None
    except OSError:
        return False


def panels_in(folder: Path) -> list[Path]:
    """The panel files of a folder, by name; none where it cannot be looked into."""
    # Listed, and not asked for one by one: file systems that take A for a find it under both.
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    return [entry for entry in entries if entry.suffix in SUFFIXES and _is_file(entry)]


def panel_folders() -> tuple[Path, ...]:
    """Where panels are looked for by name, in this order."""
    return PROJECT_FOLDER, config_folder(), PACKAGE_FOLDER


def config_folder() -> Path:
    """The folder of the user's own panels and keys, which need not exist."""
    # Imported when it is needed: a panel that is named by its path needs no such folder.
    from platformdirs import user_config_path

    return user_config_path("council", appauthor=False)


def _is_file(path: Path) -> bool:
    """Whether something is there that can be read: a pipe too, but no folder."""
    try:
        return path.exists() and not path.is_dir()
    except OSError:  # a name too long, a folder that may not be looked into
        return False


def _is_name(text: str) -> bool:
    if text.startswith(_MARK):
        return True
    has_folder = any(mark in text for mark in (os.sep, os.altsep) if mark)
    return not has_folder and text not in ("", ".", "..") and not text.endswith(SUFFIXES)


def _bare(text: str) -> str:
    name = text.removeprefix(_MARK)
    suffix = next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")
    return name.removesuffix(suffix)


def _beside(name: str) -> Path | None:
    paths = (Path(name + suffix) for suffix in SUFFIXES)
    return next((path for path in paths if _is_file(path)), None)


def _unknown(text: str) -> str:
    panels = known_panels() if text.startswith(_MARK) else listed_panels()
    names = [BUILTIN_PANEL, *dict.fromkeys(panel.name for panel in panels)]
    by_lower = {name.lower().removeprefix(_MARK): name for name in names}
    wanted = _bare(text).lower()
    close = difflib.get_close_matches(wanted, by_lower, n=1, cutoff=_LIKELY)
    hint = f": did you mean {by_lower[close[0]]!r}?" if close else ""
    folders = ", ".join(map(str, panel_folders()[:-1]))
    if not text.startswith(_MARK):
        folders = f"the working folder, {folders}"
    return (
        f"no panel is called {_bare(text)!r}{hint} (looked in {folders} and among those that come"
        " with council: `council config list` shows all; a file elsewhere needs its path)"
    )
