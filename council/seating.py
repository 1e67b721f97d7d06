"""The experts of one run: what stands around their agents, from the inside out.

Limits come first, since every request has to fit into them; then tools, whose exchange is several
requests; then the record, to which all of that is one reply.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from council.agents.embedder import Embedder
from council.budget import Budget
from council.config import PanelConfig
from council.errors import ConfigError
from council.expert import Expert
from council.messages import ChatRequest
from council.metered import MeteredEmbedder, metered
from council.telemetry.listening import Listening
from council.tools.functions import ToolSource, to_tools
from council.tools.tool import Tool

if TYPE_CHECKING:  # SQLite is loaded where runs are kept
    from council.store.recording import Recording
    from council.store.tape import Tape


@dataclass(frozen=True, slots=True)
class Around:
    """What a run puts around its experts' agents; None and nothing for what it does without.

    Attributes:
        budget: What the run may use.
        tools: What experts may call.
        tool_turns: How many times a reply may ask for tools.
        config: The panel file, whose secrets no event of a tool may show.
        recording: Where requests and replies go.
        tape: Replies to give instead of asking.
        heard: Who listens to the run, for what it has to stand around agents.
    """

    budget: Budget | None = None
    tools: tuple[Tool, ...] = ()
    tool_turns: int = 0
    config: PanelConfig | None = None
    recording: Recording | None = None
    tape: Tape | None = None
    heard: Listening | None = None

    def seats(self, experts: tuple[Expert, ...]) -> tuple[Expert, ...]:
        """The experts with all of it around their agents."""
        if self.budget is not None:
            experts = metered(experts, self.budget)
        if self.tools:
            from council.store.secrets import environment_secrets, secrets_of
            from council.tools.shown import Shown
            from council.tools.tooled import tooled

            shown = Shown((*secrets_of(self.config), *environment_secrets()))
            experts = tooled(experts, self.tools, self.tool_turns, shown)
        if self.recording is not None or self.tape is not None:
            from council.store.recorded import recorded

            experts = recorded(experts, self.recording, self.tape)
        return self.heard.around(experts) if self.heard is not None else experts

    def embedder(self, embedder: Embedder | None) -> Embedder | None:
        """The embedder with limits and the record around it."""
        if embedder is not None and self.budget is not None:
            embedder = MeteredEmbedder(embedder, self.budget)
        if embedder is None or (self.recording is None and self.tape is None):
            return embedder
        from council.store.recorded_embedder import RecordedEmbedder

        return RecordedEmbedder(embedder, self.recording, self.tape)

    def lay_out(self, expert: str, request: ChatRequest) -> int | None:
        """Makes the record ready for a request; see `Panel`."""
        if self.recording is not None:
            self.recording.number(request)
        return self.tape.lay_out(expert, request) if self.tape is not None else None


def offered(
    experts: tuple[Expert, ...], sources: Sequence[ToolSource]
) -> tuple[tuple[Expert, ...], tuple[Tool, ...]]:
    """The experts as they are told of a run's tools, and the tools.

    Raises:
        ConfigError: A tool cannot be used, or nobody takes any.
    """
    tools = to_tools(sources)
    if not tools:
        return experts, ()
    if not any(expert.takes_tools for expert in experts):
        raise ConfigError(
            "tools: nobody on this panel takes any: a model that the bundled server serves cannot"
            " call them, and an expert with `tools: false` does not"
        )
    described = tuple(tool.described for tool in tools)
    return tuple(
        replace(_checked(expert), tools=described) if expert.takes_tools else expert
        for expert in experts
    ), tools


def _checked(expert: Expert) -> Expert:
    # What stands in `extra` replaces the request's own field in the body.
    if "tools" in expert.extra:
        raise ConfigError(
            f"expert {expert.id!r}: its `extra_body` has `tools` of its own, which would replace"
            " those of the run: take them out, or say `tools: false`"
        )
    return expert
