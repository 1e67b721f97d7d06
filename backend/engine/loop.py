"""The owner thread of a context: takes requests, decodes step by step, tells what came out.

Other threads only put work on its desk (``submit``, ``cancel``). Everything native happens in
``run``; the decisions are the scheduler's.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from backend.chat.text import TextAssembler
from backend.engine.audit import Audit
from backend.engine.llama import Context, LlamaError, Model, Outcome
from backend.engine.messages import Event, FinishReason, Output, Refused, Stats, Step
from backend.engine.picker import Picker
from backend.engine.plan import Chunk, Keep, Plan
from backend.engine.request import Request as Request
from backend.engine.scheduler import Scheduler
from backend.engine.session_cache import SessionCache
from backend.engine.shelf import Shelf

_STUCK = (
    "The answer cannot go on under its grammar: no token of the model fits, or the text can be "
    "read in too many ways."
)


@dataclass(slots=True)
class _Writer:
    """The answer of one request, as it grows."""

    picker: Picker
    text: TextAssembler
    request: Request
    generated: int = 0


class EngineLoop:
    """Continuous batching on one context."""

    def __init__(
        self,
        model: Model,
        context: Context,
        send: Callable[[Event], None],
        shelf: Shelf | None = None,
    ) -> None:
        """Prepares the loop; ``send`` is called from the thread of ``run``.

        Args:
            model: The vocabulary.
            context: The cache.
            send: Takes what was generated.
            shelf: Keeps long prompts when the process ends.
        """
        self._model = model
        self._context = context
        self._send = send
        self._scheduler = Scheduler(context.limits)
        self._audit = Audit(self._scheduler, context)
        self._sessions = SessionCache(context, self._scheduler, shelf) if shelf else None
        self._desk: queue.SimpleQueue[Request | int | None] = queue.SimpleQueue()
        self._writers: dict[int, _Writer] = {}
        self._stats = Stats()
        self._told = (0, 0, 0, 0)
        self._lock = threading.Lock()
        self._decoding: frozenset[int] = frozenset()
        self._cancelled: set[int] = set()
        self._closing = False

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

    @property
    def keeps(self) -> bool:
        """Whether there may be something to write down when it is closed."""
        return self._sessions is not None

    def close(self) -> None:
        """Lets ``run`` end, with whatever it is doing; from any thread."""
        with self._lock:
            self._closing = True
            self._context.abort.set(True)
        self._desk.put(None)

    def run(self) -> None:
        """Serves until it is closed.

        Raises:
            LlamaError: The context is not to be trusted any more.
        """
        while not self._closing:
            self.turn()
        for request in list(self._writers):
            self._release(request)
        if self._sessions is not None:
            self._sessions.close()

    def turn(self) -> None:
        """Takes what is on the desk, waits when there is nothing else to do, and does one step."""
        idle = not self._writers
        while idle or not self._desk.empty():
            item = self._next() if idle else self._desk.get()
            if item is None:
                return
            self._take(item)
            idle = False
        plan = self._scheduler.plan()
        self._edit(plan)
        self._audit.check(plan, self._writers.keys())
        outputs = self._step(plan) if plan.chunks else []
        if self._writers and not plan.chunks:
            raise LlamaError("the scheduler found nothing to do for the requests there are")
        self._tell(outputs)

    def _next(self) -> Request | int | None:
        """Waits for what is to be done; writes sequences down when nothing comes for a while."""
        sessions, more = self._sessions, True
        while sessions is not None and more:
            try:
                return self._desk.get(timeout=sessions.QUIET)
            except queue.Empty:
                more = sessions.save(until=lambda: not self._desk.empty())
        return self._desk.get()

    def _take(self, item: Request | int) -> None:
        if isinstance(item, int):
            self._release(item)
            with self._lock:
                self._cancelled.discard(item)
            return
        if self._sessions is not None and not item.fresh:
            self._sessions.revive(list(item.tokens))
        limit = len(item.tokens) + item.budget
        self._scheduler.submit(item.id, item.tokens, limit, fresh=item.fresh)
        self._writers[item.id] = _Writer(self._picker(item), TextAssembler(item.stop), item)

    def _picker(self, request: Request) -> Picker:
        return Picker(
            self._context.sampler(request.sampling),
            request.guide,
            self._model.ends if request.guide or request.shortest else (),
            size=self._model.size,
            shortest=request.shortest,
            widest=request.sampling.top_k,
        )

    def _release(self, request: int) -> None:
        self._scheduler.release(request)
        writer = self._writers.pop(request, None)
        if writer is not None:
            writer.picker.close()

    def _edit(self, plan: Plan) -> None:
        for edit in plan.edits:
            if not self._context.apply(edit):
                raise LlamaError(f"the cache refused {edit}")

    def _step(self, plan: Plan) -> list[Output]:
        begun = time.perf_counter()
        outcome = self._decode(plan)
        if outcome is Outcome.ABORTED:
            self._undo(plan)
            return []
        if outcome is Outcome.NO_ROOM:
            stuck = self._scheduler.no_room()
            return [] if stuck is None else [self._fail(stuck)]
        self._scheduler.decoded(plan)
        self._count(plan, time.perf_counter() - begun)
        return self._sample(plan.chunks)

    def _decode(self, plan: Plan) -> Outcome:
        with self._lock:
            self._decoding = plan.serves
            self._context.abort.set(self._closing or self._decoding <= self._cancelled)
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

    def _count(self, plan: Plan, seconds: float) -> None:
        tokens = sum(len(chunk.tokens) for chunk in plan.chunks)
        prompt = tokens - sum(self._writers[chunk.job].generated > 0 for chunk in plan.chunks)
        on_prompts = seconds * prompt / tokens
        stats = self._stats
        stats.steps += 1
        stats.prefilled += prompt
        stats.generated += sum(chunk.sample for chunk in plan.chunks)
        stats.widest = max(stats.widest, len(plan.chunks))
        stats.prompt_seconds += on_prompts
        stats.answer_seconds += seconds - on_prompts

    def _sample(self, chunks: tuple[Chunk, ...]) -> list[Output]:
        outputs = []
        row = -1
        for chunk in chunks:
            row += len(chunk.tokens)
            if chunk.sample:
                outputs += self._pick(chunk.job, row)
        return outputs

    def _pick(self, request: int, row: int) -> list[Output]:
        """Chooses a token for a request and adds it to its answer; nothing where none is left."""
        writer = self._writers[request]
        token = writer.picker.pick(row, writer.generated)
        if token is None:
            self._release(request)
            self._send(Refused(request, "grammar", _STUCK))
            return []
        alternatives = writer.request.logprobs
        if alternatives is None or self._model.ends_text(token):
            return [self._write(request, token)]
        told = writer.picker.report(row, token, alternatives)
        return [replace(self._write(request, token), tokens=(told,))]

    def _write(self, request: int, token: int) -> Output:
        """Adds a token to a request's answer and ends it where it has to end."""
        writer = self._writers[request]
        writer.generated += 1
        finish: FinishReason | None = None
        text = ""
        if self._model.ends_text(token):
            finish = "stop"
        else:
            piece = self._model.piece(token, special=writer.request.specials)
            text = writer.text.feed(piece)
            if writer.picker.done:
                finish = "stop"
            elif not writer.text.stopped and writer.generated == writer.request.budget:
                finish = "length"
        if finish is not None:
            text += writer.text.finish()
        if writer.text.stopped:
            finish = "stop"
        cached = self._scheduler.cached(request)
        if writer.generated == 1:
            self._stats.reused += cached
        if finish is None:
            self._scheduler.extend(request, token)
        else:
            self._release(request)
        return Output(request, text, writer.generated, cached, finish, writer.text.stop)

    def _fail(self, request: int) -> Output:
        generated = self._writers[request].generated
        self._release(request)
        return Output(request, "", generated, 0, "error")

    def _tell(self, outputs: list[Output]) -> None:
        scheduler, stats = self._scheduler, self._stats
        stats.active, stats.queued = scheduler.active, scheduler.queued
        stats.preempted, stats.longest_wait = scheduler.preempted, scheduler.longest_wait
        shown = tuple(output for output in outputs if output.text or output.finish or output.tokens)
        # Nothing else changes without one of these.
        state = (stats.steps, stats.active, stats.queued, stats.preempted)
        if shown or state != self._told:
            self._told = state
            self._send(Step(shown, stats))
