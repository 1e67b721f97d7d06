"""One run's panel: asks experts, streams them as events, and keeps every outcome as a value.

This is all that a strategy sees. Tasks, limits, clocks and events live here and in `asking.py`,
so that strategies are left with prompts and decisions.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence

import anyio

from council.accounts import cost_of, limits_hit
from council.agents.embedder import Embedder, price_of
from council.answer_form import AnswerForm
from council.asking import Asker
from council.asks import Ask, Enough, Prompt
from council.budget import Budget
from council.config.schema import EMBEDDER_ID
from council.embedding import Embedding
from council.events import Emit, Event
from council.expert import Expert, opening
from council.ignored import ignored_by_each
from council.limits import Deadline, default_quorum
from council.live import LiveReply
from council.messages import ChatMessage, Usage
from council.place import Place
from council.prices import Cost, Price
from council.quorum import Quorum, check_quorum
from council.replies import Reply, label_of
from council.stage import LayOut, Stage

__all__ = ["Ask", "Enough", "Panel", "Prompt"]


class Panel:
    """The experts of one run and everything they said in it.

    Args:
        experts: At least one, with distinct ids.
        messages: The conversation; the last message is the question.
        writers: Who may write the answer from the others' answers, in order of preference.
        emit: Where events go.
        deadline: When the run has to be over.
        limiter: Bounds how many requests are under way at once.
        quorum: How many experts must give a substantive answer; None for the default.
        quorum_families: From how many model families these must be.
        seed: Where all that a strategy draws by lot comes from; see `lot`.
        embedder: Who turns texts into vectors, for strategies that compare them so.
        budget: What the run may use, for agents that keep to it; None for no limit.
        form: What answers have to look like; None for any text.
        place: Where the run stands in a conversation, if it does.
        lay_out: Makes the record ready for each request, where there is one.
    """

    def __init__(
        self,
        experts: Sequence[Expert],
        messages: tuple[ChatMessage, ...],
        *,
        writers: Sequence[Expert] = (),
        emit: Emit,
        deadline: Deadline,
        limiter: anyio.CapacityLimiter,
        quorum: int | None = None,
        quorum_families: int = 1,
        seed: int = 0,
        embedder: Embedder | None = None,
        budget: Budget | None = None,
        form: AnswerForm | None = None,
        place: Place | None = None,
        lay_out: LayOut | None = None,
    ) -> None:
        self.experts = tuple(experts)
        self.messages = messages
        self.writers = tuple(writers) or self.experts
        self.seed = seed
        self.form = form
        self._place = place
        self._lay_out = lay_out
        self._budget = budget
        self._asker = Asker(emit, deadline, limiter, budget)
        self._embedding = Embedding(embedder, deadline, limiter)
        self._quorum = quorum
        self._quorum_families = quorum_families
        self._prices = {seat.id: seat.price for seat in (*self.experts, *self.writers)}
        self._prices[EMBEDDER_ID] = price_of(embedder)
        self._family = {expert.id: expert.info.family for expert in self.experts}
        self._asked: list[LiveReply] = []

    @property
    def question(self) -> str:
        """What the panel is asked."""
        return self.messages[-1].text

    @property
    def earlier(self) -> str:
        """What the user asked before the question, a line each; empty for no conversation."""
        return "\n".join(turn.text for turn in self.messages[:-1] if turn.role == "user")

    def messages_of(self, expert: Expert, sample: int = 0) -> tuple[ChatMessage, ...]:
        """The conversation as an expert's sample knows it, without its persona.

        It is `messages`, but in a conversation that keeps experts' own histories: there its own
        earlier answers stand in the place of the panel's.
        """
        if self._place is None:
            return self.messages
        return self._place.seen_by(label_of(expert.id, sample), self.messages)

    @property
    def at(self) -> float:
        """Seconds since the run started, for events."""
        return self._asker.at

    @property
    def prices(self) -> Mapping[str, Price | None]:
        """What the tokens of each id cost, None where that is not known."""
        return self._prices

    def emit(self, event: Event) -> None:
        """Tells whoever watches the run."""
        self._asker.emit(event)

    def lot(self, *purpose: object) -> random.Random:
        """A source of chance for one purpose: the same for the same seed and question.

        Each purpose (a stage, a recipient) has its own, so that a draw does not depend on which
        draws came before it.
        """
        parts = [self.seed, self.question, *purpose]
        return random.Random("\x1f".join(map(str, parts)))

    def expert(self, reply: Reply) -> Expert:
        """The expert behind a reply."""
        return next(expert for expert in self.experts if expert.id == reply.id)

    def in_order(self, replies: Iterable[Reply]) -> list[Reply]:
        """Replies of experts in the panel's order, whatever the order they were asked in."""
        seats = {expert.id: place for place, expert in enumerate(self.experts)}
        return sorted(replies, key=lambda reply: (seats[reply.id], reply.sample))

    def replies(self, stage: str | None = None) -> tuple[Reply, ...]:
        """All replies so far, in the order asked; those still under way as if cancelled now."""
        now = anyio.current_time()
        return tuple(
            live.outcome or live.end("cancelled", now)
            for live in self._asked
            if stage in (None, live.stage)
        )

    def ignored(self) -> tuple[str, ...]:
        """What servers ignored of what they were asked, once for each knob and expert."""
        return ignored_by_each(
            (live.request, live.outcome, live.choices) for live in self._asked if live.outcome
        )

    def cost(self) -> Cost:
        """What the replies so far cost."""
        spent = zip(self._asked, self.replies(), strict=True)
        return cost_of(spent, self._embedding.usage, self._prices)

    def limits_hit(self) -> tuple[str, ...]:
        """Which limits of tokens and money have cut in so far: `tokens`, `cost`."""
        return limits_hit(self._asked, self._budget)

    def asks(self, prompt: Prompt | None = None) -> list[Ask]:
        """A request to every expert for each of its samples, in the panel's order.

        Args:
            prompt: The messages for each expert; by default the question with the persona.
        """
        return [
            Ask(expert, prompt(expert) if prompt else self._opening(expert, sample), sample)
            for expert in self.experts
            for sample in range(expert.samples)
        ]

    async def ask_all(
        self,
        *,
        enough: Enough | None = None,
        stagger: float | None = None,
        share: float = 1.0,
    ) -> list[Reply]:
        """Puts the question to every expert, with all its samples; arguments as for `ask`."""
        return await self.ask(self.asks(), enough=enough, stagger=stagger, share=share)

    async def ask(
        self,
        asks: Sequence[Ask],
        *,
        enough: Enough | None = None,
        stagger: float | None = None,
        share: float = 1.0,
        stage: str = "answer",
    ) -> list[Reply]:
        """Asks all at once.

        Args:
            asks: Who is asked what; of one expert in one stage, no sample twice.
            enough: Asked after each outcome; True cancels those still under way.
            stagger: Seconds between a request and the next one, unless it ends earlier; None to
                ask all at once.
            share: The part of the time left that this may take, 0 to 1.
            stage: What the replies are marked with.

        Returns:
            One reply for each request, in their order.
        """
        until = self._until(share)
        lives = [self._seat(ask, stage) for ask in asks]
        held = Stage(self._asker, lives, until, enough)
        return await held.run(stagger, self._lay_out)

    async def ask_writer(
        self,
        writer: Expert,
        messages: tuple[ChatMessage, ...],
        *,
        stage: str,
        share: float = 1.0,
    ) -> Reply:
        """Asks one expert for the panel's answer; its text goes out as the answer's tokens too.

        Args:
            writer: Who is asked.
            messages: What it is asked.
            stage: What the reply is marked with.
            share: The part of the time left that it may take, 0 to 1.
        """
        live = self._seat(Ask(writer, messages), stage)
        return await self._asker.ask(live, self._until(share), answering=True)

    def require_quorum(
        self,
        replies: Sequence[Reply],
        substantive: Sequence[Reply],
        *,
        needed: int | None = None,
        asked: int | None = None,
        why: Callable[[Reply], str] | None = None,
    ) -> None:
        """Raises unless enough experts are among the substantive replies.

        Args:
            replies: All of the stage.
            substantive: Those that count.
            needed: How many the strategy needs, whatever the panel says; None for the panel's
                quorum.
            asked: As for `quorum`.
            why: One sentence on why a reply does not count; None for the usual ones.

        Raises:
            QuorumLost: Too few experts answered.
            LimitExceeded: Too few answered, and the run's deadline is what cut some of them off.
        """
        cuts = [live.cut_after for live in self._asked if live.cut_after is not None]
        check_quorum(
            Quorum(needed) if needed else self.quorum(asked),
            replies,
            substantive,
            family=self._family,
            cut_after=max(cuts, default=None),
            why=why,
        )

    def has_quorum(self, substantive: Sequence[Reply], *, asked: int | None = None) -> bool:
        """Whether enough experts are among the replies that count; `asked` as for `quorum`."""
        return self.quorum(asked).is_met(substantive, self._family)

    def quorum(self, asked: int | None = None) -> Quorum:
        """How many voices an answer needs.

        Args:
            asked: How many experts the strategy means to ask, where not all: the default rule is
                about those. What the panel file demands holds for any number.
        """
        experts = self._quorum or default_quorum(asked or len(self.experts))
        return Quorum(experts, self._quorum_families)

    @property
    def can_embed(self) -> bool:
        """Whether the panel has an embedder."""
        return self._embedding.is_possible

    @property
    def embedding_usage(self) -> Usage:
        """What embedding has used so far."""
        return self._embedding.usage

    async def embed(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """A vector for each text; see `council.strategies.vectors` for what to do with them.

        Raises:
            StrategyError: There is no embedder, it failed, or the run's deadline passed first.
        """
        return await self._embedding.embed(texts)

    def _until(self, share: float) -> float:
        """When a stage is over that may take a part of the time left."""
        now = anyio.current_time()
        return now + self._asker.deadline.share(share, now)

    def _opening(self, expert: Expert, sample: int) -> tuple[ChatMessage, ...]:
        messages = self.messages_of(expert, sample)
        if self.form is not None and not expert.takes_schema:
            messages = self.form.told(messages)  # before the persona: it is the same for all
        return opening(messages, expert)

    def _seat(self, ask: Ask, stage: str) -> LiveReply:
        request = ask.request(stage, self.form)
        if self._budget is not None:
            self._budget.expect(request.request_id)
        live = LiveReply(ask.expert, request, ask.sample, stage)
        self._asked.append(live)
        return live
