"""A debate so far: every round, and the answer of each seat that stands."""

from __future__ import annotations

from collections.abc import Sequence

from council.errors import LimitExceeded, QuorumLost, StrategyError
from council.panel import Panel
from council.quorum import why_missing
from council.replies import Reply
from council.result import Position, Round
from council.strategies.ballots import Ballot, tally
from council.strategies.base import shortcomings, substantive
from council.strategies.extractors import Closed, Extractor
from council.strategies.reading import read_ballots
from council.strategies.rounds import agreed, flips, leading
from council.strategies.synthesize import comparable
from council.strategies.vectors import min_pairwise_cosine


class Transcript:
    """What was said in a debate, and what of it stands.

    An answer stands until its author has given another one that counts: an expert that fails in a
    round keeps its last answer, while the round says that it failed.

    Args:
        panel: The run's panel.
        opening: The replies of round 0, with one for each expert and sample.
        extract: How positions are read; an extractor that chooses its way chooses it here, for
            all rounds.
        likeness: The cosine from which on answers are alike enough to end the debate; None to end
            it by positions.

    Attributes:
        rounds: The rounds so far.
        reasons: Who is missing, and in which round.
        warnings: What else the reader should know.
    """

    def __init__(
        self,
        panel: Panel,
        opening: Sequence[Reply],
        extract: Extractor,
        likeness: float | None,
    ) -> None:
        self.first = substantive(opening)
        self.rounds: list[Round] = []
        self.reasons = list(shortcomings(opening))
        self.warnings: list[str] = []
        self._panel = panel
        self._seats = [reply.label for reply in opening]
        self._standing = {reply.label: reply for reply in self.first}
        texts = [reply.text for reply in self.first]
        if isinstance(extract, Closed):
            extract = extract.settled(texts, panel.question)
        self.extract = extract
        self._likeness = likeness

    @property
    def answers(self) -> list[Reply]:
        """The answers that stand, in the panel's order."""
        return [self._standing[label] for label in self._seats if label in self._standing]

    def peers(self, label: str) -> tuple[Reply | None, list[Reply]]:
        """A seat's own answer, None if it has none, and those of all others."""
        others = [reply for reply in self.answers if reply.label != label]
        return self._standing.get(label), others

    async def take(self, replies: Sequence[Reply]) -> bool:
        """Adds a round; False if it lost its quorum, and then what stood before stands.

        Raises:
            StrategyError: The answers have to be embedded, and could not be.
        """
        counted = substantive(replies)
        kept = self._has_quorum(replies, counted)
        if kept:
            if self.rounds:
                self._note_missing(replies)
            self._standing.update((reply.label, reply) for reply in counted)
        self.rounds.append(await self._round(replies))
        return kept

    async def _round(self, replies: Sequence[Reply]) -> Round:
        answers = self.answers
        before, after = await self._ballots(answers)
        votes = tally(after, "")
        positions: tuple[Position, ...] = votes.positions if votes else ()
        likeness = await self._similarity(answers)
        if self._likeness is None:
            converged = agreed(after)
        else:
            converged = likeness is not None and likeness >= self._likeness
        number = len(self.rounds)
        return Round(number, tuple(replies), positions, converged, likeness, flips(before, after))

    async def turned_from(self) -> str | None:
        """The position that led in round 0, where another one leads now."""
        before, now = map(leading, await self._ballots(self.answers))
        return before if now is not None and before != now else None

    async def _ballots(self, answers: Sequence[Reply]) -> tuple[list[Ballot], list[Ballot]]:
        """Ballots of round 0 and of now; none where positions cannot be compared."""
        # Read at once: an extractor that forms groups has to name them alike for both.
        both = [*self.first, *answers]
        name, ballots = await read_ballots(self._panel, both, self.extract)
        if not comparable(both, name):
            return [], []
        return ballots[: len(self.first)], ballots[len(self.first) :]

    async def _similarity(self, answers: Sequence[Reply]) -> float | None:
        if not self._panel.can_embed:
            return None
        try:
            return min_pairwise_cosine(await self._panel.embed([reply.text for reply in answers]))
        except StrategyError as error:
            # The answers are there all the same: only the debate's end is not found by this.
            notes = self.warnings if self._likeness is None else self.reasons
            if str(error) not in notes:
                notes.append(str(error))
            return None

    def _has_quorum(self, replies: Sequence[Reply], counted: Sequence[Reply]) -> bool:
        try:
            self._panel.require_quorum(replies, counted)
        except (QuorumLost, LimitExceeded) as error:
            if not self.rounds:
                raise
            self.reasons.append(f"round {len(self.rounds)} does not count: {error}")
            return False
        return True

    def _note_missing(self, replies: Sequence[Reply]) -> None:
        number = len(self.rounds)
        for reply in replies:
            if not substantive([reply]):
                kept = "; its last answer stands" if reply.label in self._standing else ""
                self.reasons.append(f"round {number}: {why_missing(reply)}{kept}")
