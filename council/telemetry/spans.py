"""A run as a trace: a span for the run, in it one for each call, in those one for each tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry import context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from council.events import (
    AnswerDiscarded,
    Convergence,
    Event,
    ExpertCancelled,
    ExpertFailed,
    ExpertFinished,
    ExpertNotice,
    ExpertStarted,
    RoundFinished,
    RunFinished,
    RunStarted,
    StrategyStandIn,
    ToolCalled,
    ToolReturned,
)
from council.telemetry import attributes, content, names
from council.telemetry.calls import Call
from council.telemetry.clock import Clock
from council.telemetry.errors import description, error_type
from council.telemetry.subject import Subject

Ended = ExpertFinished | ExpertFailed | ExpertCancelled
Key = tuple[str, int, str]


class RunSpans:
    """Takes a run's events and makes its trace; made where the run is asked for.

    The run's span is a child of the span that was current there. Inside of the run it is the
    current one, and during a call the call's: what experts, tools and their HTTP libraries trace
    themselves falls into place.

    Args:
        tracer: Where spans come from.
        subject: What is known of the run.

    Attributes:
        with_content: Whether the environment asks for prompts and answers.
    """

    def __init__(self, tracer: Tracer, subject: Subject) -> None:
        self._tracer = tracer
        self._subject = subject
        self.with_content = content.is_wanted()
        self._context = context.get_current()
        self._clock = Clock(0.0)
        self._run: Span | None = None
        self._calls: dict[Key, Call] = {}

    def take(self, event: Event) -> None:
        """Takes one event."""
        match event:
            case RunStarted():
                self._begin(event)
            case ExpertStarted():
                self._call(event)
            case ExpertNotice() | ToolCalled() | ToolReturned():
                call = self._calls.get((event.expert, event.sample, event.stage))
                if call is not None:
                    call.take(event, self._clock.of(event.at))
            case ExpertFinished() | ExpertFailed() | ExpertCancelled():
                self._answered(event)
            case RunFinished():
                self._finish(event)
            case _:
                self._note(event)

    def close(self) -> None:
        """Ends what is still open: the run was cancelled."""
        if self._run is None:
            return
        now = self._clock.now()
        for call in self._calls.values():
            call.end(now, {names.STATUS: "cancelled"})
        self._calls.clear()
        self._run.set_attribute(names.STATUS, "cancelled")
        self._run.end(now)
        self._run = None

    def _begin(self, event: RunStarted) -> None:
        self._clock = Clock(event.at)
        known = attributes.of_run(event, self._subject)
        if self.with_content:
            known[names.INPUT_MESSAGES] = content.question(event.question)
        self._run = self._tracer.start_span(
            f"invoke_agent {self._subject.name}",
            self._context,
            SpanKind.INTERNAL,
            known,
            start_time=self._clock.of(event.at),
        )
        self._context = set_span_in_context(self._run, self._context)
        # The run has a task of its own, so nobody else's current span is replaced.
        context.attach(self._context)

    def _call(self, event: ExpertStarted) -> None:
        self._open(event.expert, event.sample, event.stage, event.model, event.at).enter()

    def _open(self, expert: str, sample: int, stage: str, model: str, at: float) -> Call:
        span = self._tracer.start_span(
            f"chat {model}" if model else "chat",
            self._context,
            SpanKind.CLIENT,
            attributes.of_call(self._subject, expert, sample, stage, model),
            start_time=self._clock.of(at),
        )
        call = Call(self._tracer, span, self._context, content=self.with_content)
        self._calls[expert, sample, stage] = call
        return call

    def _answered(self, event: Ended) -> None:
        reply = event.reply
        key = (reply.id, reply.sample, reply.stage)
        if key not in self._calls:
            if reply.error is None:
                return  # cancelled before its turn
            self._open(*key, reply.model, event.at)
        call = self._calls.pop(key)
        known = attributes.of_reply(reply)
        if self.with_content:
            reason = attributes.finish_reason(reply)
            known[names.OUTPUT_MESSAGES] = content.answered(reply.text, reason, reply.reasoning)
        if reply.error is not None:
            call.span.set_status(self._failed(description(reply.error, whole=self.with_content)))
        call.end(self._clock.of(event.at), known)

    def _finish(self, event: RunFinished) -> None:
        if self._run is None:
            return
        result = event.result
        known = attributes.of_result(result)
        if result.error is not None:
            known[names.ERROR] = error_type(result.error)
            self._run.set_status(self._failed(description(result.error, whole=self.with_content)))
        if self.with_content and result.answer is not None:
            known[names.OUTPUT_MESSAGES] = content.answered(result.answer, "stop")
        self._run.set_attributes(known)
        self._run.end(self._clock.of(event.at))
        self._run = None

    def _note(self, event: Event) -> None:
        """An event of the strategy's, as one of the run's span."""
        name, known = "", dict[str, Any]()
        match event:
            case RoundFinished():
                name = names.EVENT_ROUND
                known = {names.ROUND: event.round, names.FLIPS: len(event.flips)}
                known[names.SIMILARITY] = event.similarity
            case Convergence():
                name, known = names.EVENT_CONVERGENCE, {names.ROUND: event.round}
                known[names.SIMILARITY] = event.similarity
            case StrategyStandIn():
                name = names.EVENT_STAND_IN
                known = {names.FAILED: event.failed, names.STAND_IN: event.stand_in}
            case AnswerDiscarded():
                name = names.EVENT_DISCARDED
        if name and self._run is not None:
            self._run.add_event(name, _set(known), self._clock.of(event.at))

    @staticmethod
    def _failed(said: str | None) -> Status:
        return Status(StatusCode.ERROR, said)


def _set(known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in known.items() if value is not None}
