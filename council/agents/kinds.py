"""The kinds of agents that a panel file can name. A new kind is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from council.agents.base import Agent
from council.agents.shared import Shared
from council.config import ExpertConfig, SynthesizerConfig
from council.config.hints import nearest
from council.errors import ConfigError

Builder = Callable[[str, ExpertConfig | SynthesizerConfig, Shared], Agent]
"""From an id and an entry of a panel file to the agent."""

# Each module has a `build` of the type above. Named, not imported: a panel loads only the
# libraries of the kinds it has.
KINDS = {
    "anthropic": "council.agents.anthropic",
    "local": "council.agents.local",
    "openai": "council.agents.openai_http",
}


def build_agent(id: str, config: ExpertConfig | SynthesizerConfig, shared: Shared) -> Agent:
    """The agent for one entry of a panel file; without a `kind` the endpoint decides.

    Raises:
        ConfigError: The kind is unknown, or the entry does not fit it.
    """
    kind = config.kind or ("local" if config.endpoint is None else "openai")
    if kind not in KINDS:
        raise ConfigError(f"unknown kind {kind!r}{nearest(kind, list(KINDS))}")
    build: Builder = import_module(KINDS[kind]).build
    return build(id, config, shared)
