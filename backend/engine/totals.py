"""What a model has done since the server began, over all lives of its worker process."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from backend.engine.messages import Stats

_SUMMED = (
    *("steps", "generated", "prefilled", "reused", "preempted"),
    *("prompt_seconds", "answer_seconds"),
)


@dataclass(slots=True)
class Totals:
    """Counters that only grow.

    Attributes:
        requests: Chats and embeddings that a worker has taken.
        prompt_tokens: Tokens of the prompts of chats, whether computed or reused.
        embedded_tokens: Tokens of the texts that became vectors.
        past: The counters of workers that are gone.
    """

    requests: int = 0
    prompt_tokens: int = 0
    embedded_tokens: int = 0
    past: Stats = field(default_factory=Stats)

    def retire(self, stats: Stats) -> None:
        """A worker has ended with these counters."""
        self.past = self.with_present(stats)

    def with_present(self, stats: Stats) -> Stats:
        """The counters of all workers, of which one runs with these; the rest is that one's."""
        sums = {name: getattr(self.past, name) + getattr(stats, name) for name in _SUMMED}
        return replace(stats, widest=max(self.past.widest, stats.widest), **sums)
