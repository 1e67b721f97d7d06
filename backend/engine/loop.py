"""The owner thread of a context: takes requests, decodes step by step, tells what came out.

Other threads only put work on its desk (``submit``, ``cancel``). Everything native happens in
``run``; the decisions are the scheduler's.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from backend.chat.text import TextAssembler
from backend.engine.llama import Context, LlamaError, Model, Outcome, Sampler
from backend.engine.messages import Event, FinishReason, Output, Sampling, Stats, Step
from backend.engine.plan import Chunk, Keep, Plan
from backend.engine.scheduler import Scheduler


@dataclass(frozen=True, slots=True)
class Request:
    """A request that fits.

    Attributes:
        id: The server's number for it.
        tokens: The prompt.
        budget: Most tokens to generate, at least one.
        sampling: How tokens are chosen.
        stop: Texts that end it.
        fresh: Whether it starts from an empty context when it is alone.
    """

    id: int
    tokens: tuple[int, ...]
    budget: int
    sampling: Sampling
    stop: tuple[str, ...]
    fresh: bool


@dataclass(slots=True)
class _Writer:
    """The answer of one request, as it grows."""

    sampler: Sampler
    text: TextAssembler
    budget: int
    generated: int = 0


class EngineLoop:
    """Continuous batching on one context."""

    def __init__(self, model: Model, context: Context, send: Callable[[Event], None]) -> None:
        """Prepares the loop; ``send`` is called from the thread of ``run``."""
        self._model = model
        self._context = context
        self._send = send
        self._scheduler = Scheduler(context.limits)
        self._desk: queue.SimpleQueue[Request | int] = queue.SimpleQueue()
        self._writers: dict[int, _Writer] = {}
        self._stats = Stats()
        self._told = Stats()
        self._lock = threading.Lock()
        self._decoding: frozenset[int] = frozenset()
        self._cancelled: set[int] = set()

    def submit(self, request: Request) -> None:
        """Queues a request; from any thread."""
        self._desk.put(request)

    def cancel(self, request: int) -> None:
        """Forgets a request; from any thread.

        A decode that serves nobody else any more is cut short.
        """
        with self._lock:
            self._cancelled.add(request)
            if self._decoding and self._decoding <= self._cancelled:
                self._context.abort.set(True)
        self._desk.put(request)

    def run(self) -> None:
        """Serves for ever.

        Raises:
            LlamaError: The context is not to be trusted any more.
        """
        while True:
            self.turn()

    def turn(self) -> None:
        """Takes what is on the desk, waits when there is nothing else to do, and does one step."""
        idle = not self._writers
        while idle or not self._desk.empty():
            self._take(self._desk.get())
            idle = False
        plan = self._scheduler.plan()
        self._edit(plan)
        outputs = self._step(plan) if plan.chunks else []
        if self._writers and not plan.chunks:
            raise LlamaError("the scheduler found nothing to do for the requests there are")
        self._tell(outputs)

    def _take(self, item: Request | int) -> None:
        if isinstance(item, int):
            self._release(item)
            with self._lock:
                self._cancelled.discard(item)
            return
        limit = len(item.tokens) + item.budget
        self._scheduler.submit(item.id, item.tokens, limit, fresh=item.fresh)
        sampler = self._context.sampler(item.sampling)
        self._writers[item.id] = _Writer(sampler, TextAssembler(item.stop), item.budget)

    def _release(self, request: int) -> None:
        self._scheduler.release(request)
        writer = self._writers.pop(request, None)
        if writer is not None:
            writer.sampler.close()

    def _edit(self, plan: Plan) -> None:
        for edit in plan.edits:
            if not self._context.apply(edit):
                raise LlamaError(f"the cache refused {edit}")

    def _step(self, plan: Plan) -> list[Output]:
        outcome = self._decode(plan)
        if outcome is Outcome.ABORTED:
            self._undo(plan)
            return []
        if outcome is Outcome.NO_ROOM:
            stuck = self._scheduler.no_room()
            return [] if stuck is None else [self._fail(stuck)]
        self._scheduler.decoded(plan)
        self._count(plan)
        return self._sample(plan.chunks)

    def _decode(self, plan: Plan) -> Outcome:
        with self._lock:
            self._decoding = frozenset(chunk.job for chunk in plan.chunks)
            self._context.abort.set(self._decoding <= self._cancelled)
        outcome = self._context.decode(plan.chunks)
        with self._lock:
            self._decoding = frozenset()
            self._context.abort.set(False)
        return outcome

    def _undo(self, plan: Plan) -> None:
        """Removes what an aborted decode may have stored."""
        for chunk in plan.chunks:
            if not self._context.apply(Keep(chunk.seq, chunk.start)):
                self._context.apply(Keep(chunk.seq, 0))
                self._scheduler.lost(chunk.seq)

    def _count(self, plan: Plan) -> None:
        prompt = sum(len(chunk.tokens) for chunk in plan.chunks)
        prompt -= sum(self._writers[chunk.job].generated > 0 for chunk in plan.chunks)
        self._stats = replace(
            self._stats,
            steps=self._stats.steps + 1,
            prefilled=self._stats.prefilled + prompt,
            generated=self._stats.generated + sum(chunk.sample for chunk in plan.chunks),
            widest=max(self._stats.widest, len(plan.chunks)),
        )

    def _sample(self, chunks: tuple[Chunk, ...]) -> list[Output]:
        outputs = []
        row = -1
        for chunk in chunks:
            row += len(chunk.tokens)
            if chunk.sample:
                token = self._writers[chunk.job].sampler.sample(row)
                outputs.append(self._write(chunk.job, token))
        return outputs

    def _write(self, request: int, token: int) -> Output:
        """Adds a token to a request's answer and ends it where it has to end."""
        writer = self._writers[request]
        writer.generated += 1
        finish: FinishReason | None = None
        text = ""
        if self._model.ends_text(token):
            finish = "stop"
        else:
            text = writer.text.feed(self._model.piece(token))
            if not writer.text.stopped and writer.generated == writer.budget:
                finish = "length"
        if finish is not None:
            text += writer.text.finish()
        if writer.text.stopped:
            finish = "stop"
        cached = self._scheduler.cached(request)
        if writer.generated == 1:
            self._stats = replace(self._stats, reused=self._stats.reused + cached)
        if finish is None:
            self._scheduler.extend(request, token)
        else:
            self._release(request)
        return Output(request, text, writer.generated, cached, finish)

    def _fail(self, request: int) -> Output:
        generated = self._writers[request].generated
        self._release(request)
        return Output(request, "", generated, 0, "error")

    def _tell(self, outputs: list[Output]) -> None:
        scheduler = self._scheduler
        self._stats = replace(
            self._stats,
            active=scheduler.active,
            queued=scheduler.queued,
            preempted=scheduler.preempted,
        )
        shown = tuple(output for output in outputs if output.text or output.finish)
        if shown or self._stats != self._told:
            self._told = self._stats
            self._send(Step(shown, self._stats))
