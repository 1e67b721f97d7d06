"""What a shell is offered where the user presses Tab; all of it is found when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator

# Written out, since `council --help` must not load what strategies need; a test compares.
STRATEGY_NAMES = "auto, concat, debate, first, judge, rank, synthesize, vote"

_RUNS = 30


def complete_panel(incomplete: str) -> Iterator[tuple[str, str]]:
    """The names of panels, and panel files of the working folder; other paths are the shell's."""
    from pathlib import Path

    from council.config.places import BUILTIN_PANEL, SUFFIXES, known_panels
    from council.config.titles import title_of

    mark = "@" if incomplete.startswith("@") else ""
    if mark and BUILTIN_PANEL.startswith(incomplete):
        yield BUILTIN_PANEL, "the panel that comes with council"
    for panel in known_panels():
        if panel.hidden_by is None and (mark + panel.name).startswith(incomplete):
            yield mark + panel.name, title_of(panel.path)
    for entry in sorted(Path().iterdir()):
        if entry.suffix in SUFFIXES and entry.name.startswith(incomplete):
            yield entry.name, "file"


def complete_strategy(incomplete: str) -> list[str]:
    """The names of strategies."""
    return [name for name in STRATEGY_NAMES.split(", ") if name.startswith(incomplete)]


def complete_source(incomplete: str) -> list[str]:
    """Where a new panel's models may be from."""
    from council.offers import SOURCES

    return [name for name in SOURCES if name.startswith(incomplete)]


def complete_key(incomplete: str) -> list[str]:
    """The names of keys that are kept."""
    from council.config.keys import kept_keys
    from council.errors import ConfigError

    try:
        return [name for name in kept_keys() if name.startswith(incomplete)]
    except ConfigError:
        return []


def complete_run(incomplete: str) -> Iterator[tuple[str, str]]:
    """`last` and the newest runs of the user's store, with their questions."""
    from council.errors import StoreError
    from council.store.database import default_path

    if "last".startswith(incomplete):
        yield "last", "the newest run"
    if not default_path().exists():  # looking for runs must not make the file
        return
    from council.store.store import Store

    try:
        with Store() as store:
            for run in store.runs(_RUNS):
                if run.id.startswith(incomplete):
                    yield run.id[:8], " ".join(run.question.split())[:60]
    except StoreError:
        return
