"""One seat of a panel, and the question as it is put to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from council.agents.base import Agent
from council.errors import ConfigError
from council.events import ExpertInfo
from council.messages import ChatMessage, Json, Sampling
from council.prices import Price

PERSONA = "Your part on this panel: {persona}"


@dataclass(frozen=True, slots=True)
class Expert:
    """One seat of the panel.

    Attributes:
        id: Unique within the panel.
        agent: Who answers.
        persona: What the expert is told about its part, may be empty.
        samples: How many answers it gives.
        weight: The weight of its vote; its samples share it.
        family: The model family, since siblings err alike; by default the model's name.
        sampling: The knobs of its requests.
        extra: More fields of its requests' bodies.
        hedge_after: Seconds without a first token after which a second request goes out, and the
            slower one is cancelled; None for never.
        price: What its tokens cost; None where that is not known.
        takes_schema: Whether its server makes answers fit a JSON schema (`response_format`); else
            a sentence of the prompt asks for it.
        takes_tools: Whether it gets the tools of a run.
        tools: The functions that it may have called, as the chat API describes them; set by a run.
    """

    id: str
    agent: Agent
    persona: str = ""
    samples: int = 1
    weight: float = 1.0
    family: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    extra: Json = field(default_factory=dict)
    hedge_after: float | None = None
    price: Price | None = None
    takes_schema: bool = False
    takes_tools: bool = True
    tools: tuple[Json, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.weight < float("inf"):
            raise ConfigError(f"expert {self.id!r}: weight has to be positive, not {self.weight}")
        if self.samples < 1:
            raise ConfigError(f"expert {self.id!r}: samples has to be at least 1")

    @property
    def info(self) -> ExpertInfo:
        """The seat as it is announced."""
        family = self.family or self.agent.model
        return ExpertInfo(self.id, self.agent.model, self.samples, self.weight, family)


def opening(messages: tuple[ChatMessage, ...], expert: Expert) -> tuple[ChatMessage, ...]:
    """The conversation as an expert gets it first: the question, then its persona.

    The persona comes last since what is shared comes first: a server that reuses common prefixes
    then computes the question once for the whole panel.
    """
    if not expert.persona:
        return messages
    *before, question = messages
    return (*before, question.with_suffix(f"\n\n{PERSONA.format(persona=expert.persona)}"))
