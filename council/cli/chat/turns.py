"""The turns of a chat: asked, asked again, taken back, and what of them can be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from council.cli.chat.screen import Screen
from council.conversation import Conversation
from council.council import Council
from council.errors import ConfigError
from council.history import Turn
from council.messages import ChatMessage
from council.place import History
from council.result import Result
from council.sources import AskOptions, StrategySource, to_strategy
from council.strategies import Strategy


class Turns:
    """A conversation with a panel, and what came of its runs.

    Args:
        council: The panel.
        talk: The conversation.
        screen: Where runs are shown.
        options: What each question is asked with.
        opening: What stands before the first question.
        earlier: The turns from before this chat.
        history: What experts see of earlier turns.
        limit: How many earlier turns are sent at most; None for all.
        last: The result of the last run before this chat, where it is known.

    Attributes:
        council: The panel.
        talk: The conversation; another one after `clear`.
        earlier: The turns from before this chat.
        opening: What stands before the first question.
        strategy: How the next question is decided.
        last: The result of the last run; None where there was none.
        results: Those of all runs of this chat, also of the failed and the stopped ones.
        saved: The files that this chat was written to.
    """

    def __init__(
        self,
        council: Council,
        talk: Conversation,
        screen: Screen,
        options: AskOptions,
        *,
        opening: Sequence[ChatMessage] = (),
        earlier: Sequence[Turn] = (),
        history: History = "answers",
        limit: int | None = None,
        last: Result | None = None,
    ) -> None:
        self.council = council
        self.talk = talk
        self.earlier = tuple(earlier)
        self.opening = tuple(opening)
        self.strategy: Strategy = council.strategy
        self.last = last
        self.results: list[Result] = []
        self.saved: set[Path] = set()
        self._screen = screen
        self._options = options
        self._history = history
        self._limit = limit
        self._seed = options.get("seed", 0)

    async def ask(self, question: str | ChatMessage) -> int:
        """Asks and shows what comes; returns the exit code that says what came of it.

        Where it is cancelled, what there is by then is shown.

        Raises:
            CouncilError: It cannot be asked.
        """
        options: AskOptions = {**self._options, "strategy": self.strategy, "seed": self._seed}
        async with self.talk.stream(question, **options) as run:
            code = 0
            try:
                view = self._screen.view(alone=self._alone)
                view.price(run.prices)
                with view:
                    async for event in run:
                        view.show(event)
            finally:
                # Also where it was stopped: before anything else has its turn.
                self.last = run.snapshot()
                self.results.append(self.last)
                code = self._screen.show(self.last)
        return code

    async def again(self) -> int:
        """Asks the last question once more, with other lots; errors as for `ask`.

        Where no answer comes, the one that there was stays.

        Raises:
            ConfigError: Nothing was asked here.
        """
        dropped = self.talk.dropped
        if dropped is not None:
            self._seed += 1
            return await self.ask(dropped.question)
        taken = self.undo()
        before = self.talk.turns
        self._seed += 1
        try:
            return await self.ask(taken.messages[0])
        finally:
            if self.talk.turns == before:
                self.talk.turns, self.talk.dropped = (*before, taken), None

    def undo(self) -> Turn:
        """Takes the last turn back.

        Raises:
            ConfigError: There is none.
        """
        turn = self.talk.undo()
        if turn is None:
            raise ConfigError("nothing has been asked and answered in this chat yet")
        return turn

    def clear(self) -> None:
        """Begins anew; only what stands before the first question stays."""
        self.talk = self.council.conversation(
            self._history, messages=self.opening, max_turns=self._limit
        )
        self.earlier, self.last = (), None

    def decide_by(self, name: str, options: dict[str, object]) -> None:
        """Has the next questions decided by another strategy, or the panel's own one again.

        Raises:
            ConfigError: There is no such strategy, or this panel cannot have it.
        """
        source: StrategySource = {**options, "name": name}
        own = name == self.council.strategy.name and not options
        strategy = self.council.strategy if own else to_strategy(source)
        if strategy.needs_embedder and self.council.embedder is None:
            raise ConfigError(
                f"{name}: it compares vectors, and the panel has no `embedder`: give it one"
                " (`embedder: {model, endpoint}` in its file)"
            )
        self.strategy = strategy

    @property
    def unread(self) -> bool:
        """Whether nobody can get another answer."""
        return self._screen.unread

    @property
    def _alone(self) -> bool:
        """Whether what one model writes is the answer."""
        council = self.council
        one = len(council.experts) == 1 and council.experts[0].samples == 1
        return one and self.strategy.name == "first" and council.form is None

    @property
    def all(self) -> tuple[Turn, ...]:
        """The turns of the conversation, those from before this chat first."""
        return (*self.earlier, *self.talk.turns)
