"""The panels that are served, by their names."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from council.config import PanelConfig
from council.config.hints import nearest
from council.config.places import panel_path
from council.council import Council, open_council
from council.errors import ConfigError
from council.gateway.errors import UnknownPanel
from council.strategies import STRATEGIES

if TYPE_CHECKING:
    from council.store.store import Store

_MOST_SHOWN = 64
"""Characters of an unknown name that are repeated."""
_NOT_IN_NAMES = " :/"


@dataclass(frozen=True, slots=True)
class OpenPanel:
    """A panel ready to be asked.

    Attributes:
        name: What clients call it.
        council: Whom they ask.
        config: The panel file's content; None for a panel made in Python.
        description: A sentence for people.
        strategy: The strategy of a request for `NAME:STRATEGY`; None for the panel's own.
    """

    name: str
    council: Council
    config: PanelConfig | None = None
    description: str = ""
    strategy: str | None = None


@dataclass(frozen=True, slots=True)
class PanelSpec:
    """A panel file that is to be served, and its name."""

    name: str
    path: Path

    @classmethod
    def parse(cls, text: str) -> PanelSpec:
        """Reads `PANEL` or `NAME=PANEL`; without a name it is the file's, without its suffix.

        Raises:
            ConfigError: There is no such panel, or the name cannot be one of a model.
        """
        name, equals, panel = text.partition("=")
        path = panel_path(panel if equals else text)
        return cls(checked_name(name if equals else path.stem), path)


def checked_name(name: str) -> str:
    """A name as clients can say it; raises ConfigError for one that they could not."""
    if not name or not name.isprintable() or any(sign in name for sign in _NOT_IN_NAMES):
        raise ConfigError(
            f"{name!r} cannot be a panel's name: it needs at least a letter, and neither spaces"
            " nor ':' or '/' (NAME=FILE gives it another)"
        )
    return name


class Panels:
    """All panels that are served.

    Raises:
        ConfigError: There is none, or two have the same name.
    """

    def __init__(self, panels: Iterable[OpenPanel]) -> None:
        self._panels: dict[str, OpenPanel] = {}
        for panel in panels:
            if panel.name in self._panels:
                raise ConfigError(f"two panels are called {panel.name!r}: NAME=FILE renames one")
            self._panels[panel.name] = panel
        if not self._panels:
            raise ConfigError("there is no panel to serve")

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, in the order in which they were given."""
        return tuple(self._panels)

    @property
    def all(self) -> tuple[OpenPanel, ...]:
        """All of them, in the order in which they were given."""
        return tuple(self._panels.values())

    def find(self, name: str) -> OpenPanel:
        """The panel of that name; `NAME:STRATEGY` is the same panel with another strategy.

        Raises:
            UnknownPanel: There is no such panel, or no such strategy.
        """
        if (found := self._panels.get(name)) is not None:
            return found
        plain, _, strategy = name.partition(":")
        if (found := self._panels.get(plain)) is None:
            raise UnknownPanel(self._unknown(plain), param="model")
        if strategy not in STRATEGIES:
            hint = nearest(strategy[:_MOST_SHOWN], sorted(STRATEGIES))
            raise UnknownPanel(
                f"There is no strategy {strategy[:_MOST_SHOWN]!r} for {plain!r}{hint}",
                param="model",
            )
        description = _description(found.council, strategy)
        return replace(found, strategy=strategy, description=description)

    def _unknown(self, name: str) -> str:
        shown = name[:_MOST_SHOWN]
        return f"There is no panel {shown!r}{nearest(shown, list(self._panels))}"


@asynccontextmanager
async def open_panels(
    specs: Sequence[PanelSpec], store: Store | None
) -> AsyncGenerator[Panels, None]:
    """Opens panel files and closes them at the end of the block; no model is started before one
    is asked.

    Raises:
        ConfigError: A file cannot be used, or two panels have the same name.
    """
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two panels are called {name!r}: NAME=FILE renames one")
    async with AsyncExitStack() as stack:
        opened = []
        for spec in specs:
            council = await stack.enter_async_context(open_council(spec.path, store=store))
            opened.append(open_panel(spec.name, council))
        yield Panels(opened)


def open_panel(name: str, council: Council) -> OpenPanel:
    """A panel of that name, described by what it is made of."""
    return OpenPanel(
        checked_name(name), council, council.config, _description(council, council.strategy.name)
    )


def _description(council: Council, strategy: str) -> str:
    seats = ", ".join(
        expert.id if expert.samples == 1 else f"{expert.id} ×{expert.samples}"
        for expert in council.experts
    )
    count = len(council.experts)
    return f"{count} expert{'s' if count > 1 else ''} ({seats}), strategy {strategy}"
