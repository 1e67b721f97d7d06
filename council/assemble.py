"""From a panel file's models to the experts, writers and strategy of a council."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import anyio
from pydantic import ValidationError

from council.agents.base import Agent
from council.agents.embedder import Embedder
from council.agents.kinds import KINDS, build_agent
from council.agents.shared import Shared
from council.answer_form import AnswerForm
from council.checks import (
    check_families,
    check_prices,
    check_quorum,
    check_seats,
    price_lines,
    unpriced,
)
from council.config import EmbedderConfig, ExpertConfig, PanelConfig, SynthesizerConfig
from council.config.complaints import complaints
from council.config.document import Document
from council.config.hints import nearest
from council.config.load import draft_config, local_entries, note_unusable_files, writer_path
from council.config.mistakes import KeyPath
from council.config.schema import WRITER_ID, is_reserved
from council.config.variables import key_origins
from council.errors import BackendError, ConfigError
from council.expert import Expert
from council.limits import RunLimits
from council.price_table import price_for
from council.strategies import STRATEGIES, Strategy, Vote
from council.structured import to_form


@dataclass(frozen=True, slots=True)
class Parts:
    """What a council is made of."""

    experts: tuple[Expert, ...]
    writers: tuple[Expert, ...]
    strategy: Strategy
    limits: RunLimits
    shared: Shared | None = None
    embedder: Embedder | None = None
    form: AnswerForm | None = None

    async def aclose(self) -> None:
        """Closes the agents and what they share; agents made by hand stay the caller's."""
        if self.shared is not None:
            await self.shared.aclose()


def assemble_panel(panel: str | Path | Mapping[str, Any]) -> tuple[PanelConfig, Parts]:
    """Reads a panel file, or a mapping like one, and builds its parts.

    Raises:
        ConfigError: Something in it is wrong; the message names all that can be found.
    """
    config, document = draft_config(panel)
    return config, assemble(config, document, Shared(config.backend))


async def built_panel(panel: str | Path | Mapping[str, Any]) -> tuple[PanelConfig, Parts]:
    """As `assemble_panel`; what was built before a mistake was found is closed again."""
    config, document = draft_config(panel)
    return config, await build_parts(config, document)


async def build_parts(config: PanelConfig, document: Document) -> Parts:
    """The parts of a panel that has been read; errors and closing as for `built_panel`."""
    shared = Shared(config.backend)
    try:
        return assemble(config, document, shared)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await shared.aclose()
        raise


class Checked(NamedTuple):
    """What is known of a panel that nobody has been asked about.

    Attributes:
        config: The panel.
        lacking: What this machine lacks to run it, with the place in the file.
        prices: What is known of its prices, a line for each id.
        keys: Where its keys come from, without them: a line for each variable.
    """

    config: PanelConfig
    lacking: list[str]
    prices: list[str]
    keys: list[str]


async def check_panel(panel: str | Path | Mapping[str, Any]) -> Checked:
    """Checks all that can be known of a panel without asking anybody.

    Raises:
        ConfigError: As for `assemble_panel`; a model file that is no GGUF file is a mistake too.
    """
    config, document = draft_config(panel)
    note_unusable_files(config, document)
    parts = await build_parts(config, document)
    await parts.aclose()
    prices = price_lines((*parts.experts, *parts.writers), parts.embedder)
    keys = [str(origin) for origin in key_origins(document.origins)]
    return Checked(config, _lacking(config, document), prices, keys)


def _lacking(config: PanelConfig, document: Document) -> list[str]:
    local = [path for path, _ in local_entries(config, document)]
    if not local:
        return []
    # Imported where a local model is: hosted panels need none of it.
    from council.agents.local_server import require_backend

    try:
        require_backend()
    except BackendError as error:
        return [str(document.error((*path, "model"), str(error))) for path in local]
    return []


def assemble(config: PanelConfig, document: Document, shared: Shared) -> Parts:
    """Builds agents and strategy; nothing connects or starts yet.

    Args:
        config: The panel.
        document: Where mistakes are noted.
        shared: What agents share; owns all that is built, also when this raises.

    Raises:
        ConfigError: Something that only shows here: an unknown strategy, option or kind, a
            malformed endpoint, a quorum larger than the panel. Mistakes that the document knows
            of already are named with it.
    """
    collect = document.mistakes.collect
    experts: list[Expert] = []
    for i, expert in enumerate(config.experts):
        with collect():
            experts.append(_expert(expert, shared, document, ("experts", i)))
    strategy = _strategy(config.strategy.name, config.strategy.options, document)
    writers = _writers(config, experts, shared, document)
    embedder = _embedder(config.embedder, shared, document)
    if strategy.needs_embedder and config.embedder is None:
        problem = "it compares vectors, and the panel has no `embedder: {model, endpoint}`"
        document.mistakes.follow(document.error(("strategy",), problem))
    form = _form(config.answer_schema, document)
    check_quorum(config, document)
    if len(experts) == len(config.experts):  # else nobody knows who is in which family
        check_families(config.limits.quorum_families, experts, document)
        seats = (*experts, *writers)
        check_seats(strategy, [seat.id for seat in seats], document)
        check_prices(config.limits.cost, unpriced(seats, embedder), document)
    document.mistakes.raise_any()
    return Parts(
        experts=tuple(experts),
        writers=writers,
        strategy=strategy,
        limits=RunLimits(**config.limits.model_dump()),
        shared=shared,
        embedder=embedder,
        form=form,
    )


def by_hand(seats: Sequence[Agent | Expert]) -> Parts:
    """The parts of a council of agents made by hand.

    Raises:
        ConfigError: There is none, or two experts have the same id.
    """
    if not seats:
        raise ConfigError("a panel needs at least one expert")
    experts = tuple(seat if isinstance(seat, Expert) else _seat(seat) for seat in seats)
    ids = [expert.id for expert in experts]
    for id in ids:
        if ids.count(id) > 1:
            raise ConfigError(f"two experts are called {id!r}: ids have to differ")
        if is_reserved(id):
            raise ConfigError(f"no expert can be called {id!r}: another part of a panel is")
    return Parts(experts, (), Vote(), RunLimits())


def _seat(agent: Agent) -> Expert:
    return Expert(agent.id, agent, takes_schema=getattr(agent, "takes_schema", False) is True)


def build_strategy(name: str, options: Mapping[str, Any], document: Document) -> Strategy:
    """The strategy of that name with its options checked.

    Raises:
        ConfigError: Unknown name or option, or a wrong value.
    """
    strategy = _strategy(name, options, document)
    document.mistakes.raise_any()
    return strategy


def _strategy(name: str, options: Mapping[str, Any], document: Document) -> Strategy:
    """As `build_strategy`, but notes mistakes; then any strategy stands in."""
    kind = STRATEGIES.get(name)
    if kind is None:
        problem = f"unknown strategy {name!r}{nearest(name, list(STRATEGIES))}"
        document.mistakes.follow(document.error(("strategy",), problem))
        return Vote()
    try:
        return kind.model_validate(dict(options))
    except ValidationError as error:
        for mistake in complaints(error, document, ("strategy",), kind):
            document.mistakes.follow(mistake)
        return Vote()


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
        # The bundled server refuses them.
        takes_tools=config.tools and config.endpoint is not None,
        **_dealings(config),
    )


def _dealings(config: ExpertConfig | SynthesizerConfig) -> dict[str, Any]:
    """What a model costs, and whether its server makes answers fit a schema."""
    speaks_openai = config.endpoint is not None and config.kind in (None, "openai")
    return {
        "price": price_for(config),
        "takes_schema": speaks_openai and config.takes_schema,
    }


def _writers(
    config: PanelConfig, experts: Sequence[Expert], shared: Shared, document: Document
) -> tuple[Expert, ...]:
    by_id = {expert.id: expert for expert in experts}
    writers: list[Expert] = []
    for i, entry in enumerate(config.synthesizer):
        if isinstance(entry, str):
            if entry in by_id:  # else it has been noted
                writers.append(replace(by_id[entry], persona="", samples=1))
            continue
        id = WRITER_ID if len(writers) == 0 else f"{WRITER_ID}-{len(writers) + 1}"
        with document.mistakes.collect():
            agent = _agent(id, entry, shared, document, writer_path(i, document))
            sampling, extra = entry.sampling.to_sampling(), entry.extra_body
            writers.append(Expert(id, agent, sampling=sampling, extra=extra, **_dealings(entry)))
    return tuple(writers)


def _form(schema: str | Mapping[str, Any] | None, document: Document) -> AnswerForm | None:
    """What answers have to look like; notes a schema that is none."""
    if schema is None or isinstance(schema, str):
        return None
    try:
        return to_form(schema, "the schema")
    except ConfigError as error:
        document.mistakes.follow(document.error(("answer_schema",), str(error)))
        return None


def _embedder(config: EmbedderConfig | None, shared: Shared, document: Document) -> Embedder | None:
    """The panel's embedder; notes what it cannot be built from."""
    if config is None:
        return None
    # Imported when it is needed: it loads the network library.
    from council.agents.embeddings import build

    try:
        return shared.own(build(config, shared))
    except ConfigError as error:
        # Its credentials may have been noted already.
        document.mistakes.follow(document.error(("embedder", "endpoint"), str(error)))
        return None


def _agent(
    id: str,
    config: ExpertConfig | SynthesizerConfig,
    shared: Shared,
    document: Document,
    path: KeyPath,
) -> Agent:
    try:
        return shared.own(build_agent(id, config, shared))
    except ConfigError as error:
        raise document.error((*path, _blamed(config)), str(error)) from None


def _blamed(config: ExpertConfig | SynthesizerConfig) -> str:
    """The key for which no agent could be built."""
    fits = config.kind in KINDS and config.kind != "local" and config.endpoint
    return "endpoint" if config.kind is None or fits else "kind"
