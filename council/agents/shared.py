"""What the agents of one panel share: clients, servers, whatever is made once and closed once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from council.config import BackendConfig
from council.tasks import close_all


class Closable(Protocol):
    """Something that holds resources."""

    async def aclose(self) -> None: ...


T = TypeVar("T", bound=Closable)


@dataclass(slots=True)
class Shared:
    """Makes each thing when it is first asked for, and closes all of them with the panel.

    Attributes:
        backend: How the panel file wants the bundled backend started.
    """

    backend: BackendConfig = field(default_factory=BackendConfig)
    _made: dict[tuple[Hashable, ...], Any] = field(default_factory=dict, init=False)
    _owned: list[Closable] = field(default_factory=list, init=False)

    def once(self, make: Callable[..., T], *arguments: Hashable) -> T:
        """What `make(*arguments)` gave the first time; equal arguments give the same thing."""
        key = (make, *arguments)
        if key not in self._made:
            self._made[key] = make(*arguments)
        made: T = self._made[key]
        return made

    def made(self, kind: type[T]) -> T | None:
        """The thing of a class that was made once, if there is one."""
        return next((thing for thing in self._made.values() if isinstance(thing, kind)), None)

    def own(self, thing: T) -> T:
        """Closes a thing with the panel, before what it may have been made from."""
        self._owned.append(thing)
        return thing

    async def aclose(self) -> None:
        """Closes everything, the newest first."""
        things = [*self._made.values(), *self._owned]
        self._made.clear()
        self._owned.clear()
        await close_all([thing.aclose for thing in reversed(things)])
