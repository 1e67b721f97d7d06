"""An engine's loop that is turned by hand, on a model of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from backend.chat.constraint import Constraint
from backend.engine.grammars import Grammars
from backend.engine.llama import Context, Model, NativeLog
from backend.engine.loop import EngineLoop, Request
from backend.engine.messages import Event, Load, Output, Refused, Sampling, Step

SEEDED = Sampling(seed=1)


class Bench:
    """A loop, and what it has sent."""

    def __init__(self, path: Path, ctx: int = 4096, parallel: int = 4) -> None:
        load = Load(str(path), ctx, parallel, threads=1, gpu_layers=0)
        log = NativeLog()
        self.model = Model(load, log, lambda _: None)
        self.context = Context(self.model, load, log)
        self.loop = EngineLoop(self.model, self.context, self._note)
        self.grammars = Grammars(self.model.pieces, lambda: self.model.ends)
        self.steps: list[Step] = []
        self.refused: dict[int, str] = {}
        self._number = 0
        self._outputs: dict[int, list[Output]] = {}

    def _note(self, event: Event) -> None:
        if isinstance(event, Refused):
            self.refused[event.id] = event.field
            return
        assert isinstance(event, Step)
        self.steps.append(event)
        for output in event.outputs:
            self._outputs.setdefault(output.id, []).append(output)

    def submit(
        self,
        gbnf: str | None = None,
        triggers: Sequence[str] = (),
        *,
        prompt: str = "hello",
        budget: int = 2000,
        sampling: Sampling = SEEDED,
        logprobs: int | None = None,
        shortest: int = 0,
        specials: bool = False,
    ) -> int:
        """Starts a request; its number."""
        self._number += 1
        guide = None
        if gbnf is not None:
            guide = self.grammars.guide(Constraint(gbnf, tuple(triggers)), specials)
        tokens = tuple(self.model.tokenize(prompt))
        request = Request(
            self._number, tokens, budget, sampling, (), True, guide, logprobs, shortest, specials
        )
        self.loop.submit(request)
        return self._number

    def outputs(self, number: int) -> list[Output]:
        """What was sent for a request."""
        return self._outputs.get(number, [])

    def finish(self, number: int) -> tuple[str, Output]:
        """Turns the loop until a request has ended; its text and its last output."""
        while not ((outputs := self.outputs(number)) and outputs[-1].finish):
            assert number not in self.refused
            self.loop.turn()
        return "".join(output.text for output in outputs), outputs[-1]
