"""From a panel file's models to the experts, writers and strategy of a council."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from council.agents.base import Agent
from council.agents.kinds import build_agent
from council.agents.shared import Shared
from council.config import ExpertConfig, PanelConfig, SynthesizerConfig
from council.config.document import Document, KeyPath
from council.config.load import nearest, validation_error
from council.errors import ConfigError
from council.expert import Expert
from council.limits import RunLimits, default_quorum
from council.strategies import STRATEGIES, Strategy, Vote
from council.tasks import close_all

WRITER_ID = "synthesizer"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a council is made of."""

    experts: tuple[Expert, ...]
    writers: tuple[Expert, ...]
    strategy: Strategy
    limits: RunLimits
    shared: Shared | None = None

    async def aclose(self) -> None:
        """Closes the agents and what they share; agents made by hand stay the caller's."""
        if self.shared is None:
            return
        agents = [expert.agent for expert in (*self.experts, *self.writers)]
        await close_all([*(agent.aclose for agent in agents), self.shared.aclose])


def assemble(config: PanelConfig, document: Document) -> Parts:
    """Builds agents and strategy; nothing connects or starts yet.

    Raises:
        ConfigError: Something that only shows here: an unknown strategy, option or kind, a
            malformed endpoint, a quorum larger than the panel.
    """
    shared = Shared(config.backend)
    experts = tuple(
        _expert(expert, shared, document, ("experts", i)) for i, expert in enumerate(config.experts)
    )
    strategy = build_strategy(config.strategy.name, config.strategy.options, document)
    quorum = config.limits.quorum
    if quorum is not None and quorum > len(experts):
        raise document.error(
            ("limits", "quorum"),
            f"{quorum} is more than the {len(experts)} experts there are"
            f" (default here: {default_quorum(len(experts))})",
        )
    return Parts(
        experts=experts,
        writers=_writers(config, experts, shared, document),
        strategy=strategy,
        limits=RunLimits(**config.limits.model_dump()),
        shared=shared,
    )


def by_hand(seats: Sequence[Agent | Expert]) -> Parts:
    """The parts of a council of agents made by hand.

    Raises:
        ConfigError: There is none, or two experts have the same id.
    """
    if not seats:
        raise ConfigError("a panel needs at least one expert")
    experts = tuple(seat if isinstance(seat, Expert) else Expert(seat.id, seat) for seat in seats)
    ids = [expert.id for expert in experts]
    for id in ids:
        if ids.count(id) > 1:
            raise ConfigError(f"two experts are called {id!r}: ids have to differ")
    return Parts(experts, (), Vote(), RunLimits())


def build_strategy(name: str, options: Mapping[str, Any], document: Document) -> Strategy:
    """The strategy of that name with its options checked.

    Raises:
        ConfigError: Unknown name or option, or a wrong value.
    """
    kind = STRATEGIES.get(name)
    if kind is None:
        raise document.error(
            ("strategy",), f"unknown strategy {name!r}{nearest(name, list(STRATEGIES))}"
        )
    try:
        return kind.model_validate(dict(options))
    except ValidationError as error:
        raise validation_error(error, document, ("strategy",), kind) from None


def _expert(config: ExpertConfig, shared: Shared, document: Document, path: KeyPath) -> Expert:
    id = str(config.id)
    return Expert(
        id=id,
        agent=_agent(id, config, shared, document, path),
        persona=config.persona,
        samples=config.samples,
        weight=config.weight,
        family=config.family or "",
        sampling=config.sampling.to_sampling(),
        extra=config.extra_body,
        hedge_after=config.hedge_after,
    )


def _writers(
    config: PanelConfig, experts: tuple[Expert, ...], shared: Shared, document: Document
) -> tuple[Expert, ...]:
    by_id = {expert.id: expert for expert in experts}
    writers: list[Expert] = []
    for entry in config.synthesizer:
        if isinstance(entry, str):
            writers.append(replace(by_id[entry], persona="", samples=1))
            continue
        id = WRITER_ID if len(writers) == 0 else f"{WRITER_ID}-{len(writers) + 1}"
        agent = _agent(id, entry, shared, document, ("synthesizer",))
        writers.append(
            Expert(id, agent, sampling=entry.sampling.to_sampling(), extra=entry.extra_body)
        )
    return tuple(writers)


def _agent(
    id: str,
    config: ExpertConfig | SynthesizerConfig,
    shared: Shared,
    document: Document,
    path: KeyPath,
) -> Agent:
    try:
        return build_agent(id, config, shared)
    except ConfigError as error:
        key = "kind" if config.kind else "endpoint"
        raise document.error((*path, key), str(error)) from None
