"""Asks a panel the questions of a file, several at once, and a member alone at equal tokens."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from council.assemble import Parts
from council.council import Council
from council.evaluation.questions import Question
from council.evaluation.scoring import Answered, mark
from council.evaluation.seeds import reseeded
from council.evaluation.voices import best_expert, requests_of, tokens_an_answer
from council.expert import Expert
from council.limits import RunLimits
from council.strategies import Strategy, Vote
from council.tasks import task_group

BASELINE = "self-consistency"

# Where a member answers greedily, samples would all be alike: the knob that its vote needs.
_TEMPERATURE = 0.7
# A baseline that drew the panel's own samples again would be no second opinion.
_SEED_STEP = 100_000

Tell = Callable[[str, int, Answered], None]
"""Told after each question: `panel` or `self-consistency`, how many are done, and the outcome."""


class Evaluation:
    """A panel's answers to questions, as they come in.

    Args:
        council: The panel, open.
        questions: What to ask.
        seed: Draws the strategy's lots, and with each question and its panel file's seeds those
            of sampling.
        at_once: How many questions are under way at once; None for as many as keep the panel's
            limit of requests busy.
        tell: Told after each question.

    Attributes:
        panel: The panel's outcomes, in the order in which they came.
        baseline: The same of the member alone.
        resampled: The member, with the samples it is asked for; None without a baseline.
    """

    def __init__(
        self,
        council: Council,
        questions: Sequence[Question],
        *,
        seed: int = 0,
        at_once: int | None = None,
        tell: Tell | None = None,
    ) -> None:
        self.council = council
        self.questions = questions
        self.seed = seed
        self.panel: list[Answered] = []
        self.baseline: list[Answered] = []
        self.resampled: Expert | None = None
        self._at_once = at_once
        self._tell = tell

    async def ask_panel(self) -> None:
        """Asks the panel every question."""
        council = self.council
        parts = Parts(
            reseeded(council.experts, self.seed),
            reseeded(council.writers, self.seed),
            council.strategy,
            council.limits,
            embedder=council.embedder,
            form=council.form,
        )
        # The agents are the panel's, which closes them.
        await self._ask(Council(parts), "panel", self.panel)

    async def ask_baseline(self, samples: int | None = None) -> None:
        """Asks the panel's best member alone, several times, and takes a vote.

        The best member is the one that was right most often in what the panel was asked before.
        That is known in hindsight, which favours the baseline.

        Args:
            samples: How often to ask; None for as often as comes to the panel's tokens.
        """
        best = best_expert(self.panel, self.council.experts)
        if best is None:
            return
        count = samples or equal_samples(self.panel, best.id)
        self.resampled = resampled(best, count)
        parts = Parts(
            reseeded((self.resampled,), self.seed),
            (),
            _vote_like(self.council.strategy),
            _limits_alone(self.council.limits),
            embedder=self.council.embedder,
            form=self.council.form,
        )
        await self._ask(Council(parts), BASELINE, self.baseline)

    async def _ask(self, council: Council, name: str, outcomes: list[Answered]) -> None:
        waiting = iter(self.questions)
        async with task_group() as group:
            for _ in range(self._at_once or questions_at_once(council)):
                group.start_soon(self._work, council, name, waiting, outcomes)

    async def _work(
        self, council: Council, name: str, waiting: Iterable[Question], outcomes: list[Answered]
    ) -> None:
        """Asks one question after the other, of those that are left."""
        for question in waiting:
            async with council.stream(question.question, seed=self.seed) as run:
                async for _ in run:
                    pass
            answered = mark(question, run.result)
            outcomes.append(answered)
            if self._tell:
                self._tell(name, len(outcomes), answered)


def questions_at_once(council: Council) -> int:
    """How many questions keep the panel's limit of requests busy.

    Not many more: a run's deadline passes while its requests wait for their turn.
    """
    limit = council.limits.concurrency
    requests = sum(expert.samples for expert in council.experts)
    return max(1, min(limit, math.ceil(limit / requests) + 1))


def equal_samples(panel: Sequence[Answered], id: str) -> int:
    """How many answers of one expert come to the panel's tokens, at least 1.

    Where nothing was counted, it is as many as the panel made requests.
    """
    single = tokens_an_answer(panel, id)
    if not single:
        total = sum(len(requests_of(outcome.result)) for outcome in panel)
        return max(1, round(total / len(panel)))
    tokens = sum(outcome.result.usage.total_tokens for outcome in panel)
    return max(1, round(tokens / len(panel) / single))


def resampled(expert: Expert, samples: int) -> Expert:
    """A member as it is asked alone: so often, and with chance where it had none."""
    sampling = expert.sampling
    knobs = replace(
        sampling,
        temperature=sampling.temperature or (_TEMPERATURE if _is_greedy(expert) else None),
        seed=_SEED_STEP + (sampling.seed or 0),
    )
    return replace(expert, samples=samples, sampling=knobs)


def _is_greedy(expert: Expert) -> bool:
    return expert.sampling.temperature == 0


def _vote_like(strategy: Strategy) -> Vote:
    """A plain vote that reads answers as the panel's own vote does, if it takes one."""
    # One that was not told how to read takes that from the form, if there is one.
    if isinstance(strategy, Vote) and "extract" in strategy.model_fields_set:
        return Vote(extract=strategy.extract)
    return Vote()


def _limits_alone(limits: RunLimits) -> RunLimits:
    """The panel's limits for a panel of one."""
    return replace(limits, quorum=None, quorum_families=1)
