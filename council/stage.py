"""One stage of a run: many requests, those first whose replies are recorded, the others at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio

from council.asking import Asker
from council.asks import Enough, starts
from council.live import LiveReply
from council.messages import ChatRequest
from council.replies import Reply
from council.tasks import task_group

LayOut = Callable[[str, ChatRequest], int | None]
"""Told who is going to be asked what, in the panel's order. Gives the place that the reply had
among those of the run that this one goes back to, in the order in which they came; None where it is
not recorded."""


class Stage:
    """Takes the replies of one stage to their outcomes.

    Args:
        asker: Asks for one reply.
        lives: The replies, none asked for yet.
        until: When those are cut off that are still under way.
        enough: As for `Panel.ask`.
    """

    def __init__(
        self, asker: Asker, lives: Sequence[LiveReply], until: float, enough: Enough | None
    ) -> None:
        self._asker = asker
        self._lives = lives
        self._until = until
        self._enough = enough

    async def run(self, stagger: float | None, lay_out: LayOut | None) -> list[Reply]:
        """Asks all; arguments as for `Panel.ask` and `Panel`."""
        to_ask = self._lives if lay_out is None else await self._replay(lay_out)
        await self._ask(to_ask, stagger)
        for live in self._lives:
            if live.outcome is None:
                self._asker.settle(live, live.end("cancelled", anyio.current_time()))
        return self._outcomes()

    async def _replay(self, lay_out: LayOut) -> Sequence[LiveReply]:
        """Takes the replies that are recorded, one after the other, in the order of then.

        Returns:
            Those still to be asked for; none where the recorded ones are enough.
        """
        places = [lay_out(live.expert.id, live.request) for live in self._lives]
        ended = [(place, i) for i, place in enumerate(places) if place is not None]
        for _, i in sorted(ended):
            await self._asker.ask(self._lives[i], self._until)
            if self._is_enough():
                return []
        return [live for live in self._lives if live.outcome is None]

    async def _ask(self, lives: Sequence[LiveReply], stagger: float | None) -> None:
        async with task_group() as group:

            async def ask_one(live: LiveReply, wait: Callable[[], Awaitable[None]]) -> None:
                await wait()
                await self._asker.ask(live, self._until)
                if self._is_enough():
                    group.cancel_scope.cancel()

            for live, wait in zip(lives, starts(lives, stagger), strict=True):
                group.start_soon(ask_one, live, wait)

    def _is_enough(self) -> bool:
        return self._enough is not None and self._enough(self._outcomes())

    def _outcomes(self) -> list[Reply]:
        return [live.outcome for live in self._lives if live.outcome]
