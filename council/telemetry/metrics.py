"""A run as metrics: durations, tokens and failures."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry.metrics import MeterProvider

from council.events import (
    Event,
    ExpertCancelled,
    ExpertFailed,
    ExpertFinished,
    ExpertNotice,
    RunFinished,
    RunStarted,
)
from council.replies import Reply
from council.telemetry import names
from council.telemetry.clock import Clock
from council.telemetry.errors import error_type
from council.telemetry.subject import Subject

# The boundaries that the conventions give.
_SECONDS = tuple(0.01 * 2**power for power in range(14))
_TOKENS = tuple(4**power for power in range(14))


class Instruments:
    """The metrics of one provider.

    Args:
        provider: Where they are made.
        version: council's.
    """

    def __init__(self, provider: MeterProvider, version: str) -> None:
        meter = provider.get_meter("council", version, names.SCHEMA_URL)

        def seconds(name: str, said: str) -> Any:
            return meter.create_histogram(
                name, "s", said, explicit_bucket_boundaries_advisory=_SECONDS
            )

        self.duration = seconds(names.OPERATION_DURATION, "Duration of a call of a model.")
        self.first_chunk = seconds(names.TIME_TO_FIRST_CHUNK, "Time to a reply's first token.")
        self.run = seconds(names.RUN_DURATION, "Duration of a run.")
        self.tokens = meter.create_histogram(
            names.TOKEN_USAGE,
            "{token}",
            "Tokens of a call, as the server counted.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self.failures = meter.create_counter(
            names.EXPERT_FAILURES, "{failure}", "Replies that failed."
        )


_MADE: WeakKeyDictionary[MeterProvider, Instruments] = WeakKeyDictionary()


def instruments(provider: MeterProvider, version: str) -> Instruments:
    """The metrics of a provider, which are made once."""
    if provider not in _MADE:
        _MADE[provider] = Instruments(provider, version)
    return _MADE[provider]


class RunMetrics:
    """Takes a run's events and records its metrics.

    Args:
        made: Where they are recorded.
        subject: What is known of the run.
    """

    def __init__(self, made: Instruments, subject: Subject) -> None:
        self._made = made
        self._subject = subject
        self._started: RunStarted | None = None
        self._clock = Clock(0.0)
        self._recorded: set[tuple[str, int, str]] = set()

    def take(self, event: Event) -> None:
        """Takes one event."""
        match event:
            case RunStarted():
                self._started, self._clock = event, Clock(event.at)
            case ExpertNotice(kind="recorded"):
                self._recorded.add((event.expert, event.sample, event.stage))
            case ExpertFinished() | ExpertFailed() | ExpertCancelled():
                reply = event.reply
                # What comes from the record was measured, and paid for, when it was asked for.
                if (reply.id, reply.sample, reply.stage) not in self._recorded:
                    self._call(reply)
            case RunFinished():
                error = event.result.error
                kind = {names.ERROR: error_type(error)} if error else {}
                self._ended(event.result.seconds, event.result.status, kind)

    def close(self) -> None:
        """The run is over; one that has not finished was cancelled."""
        if self._started is not None:
            seconds = (self._clock.now() - self._clock.of(0.0)) / 1e9
            self._ended(seconds, "cancelled", {})

    def _ended(self, seconds: float, status: str, known: dict[str, str]) -> None:
        if self._started is not None:
            strategy = self._started.strategy
            known = {names.STRATEGY: strategy, names.STATUS: status, **known}
            self._made.run.record(seconds, known)
            self._started = None

    def _call(self, reply: Reply) -> None:
        common = {
            names.OPERATION: "chat",
            names.REQUEST_MODEL: reply.model,
            **self._subject.served(reply.id).attributes(),
        }
        usage = reply.usage
        if usage is not None and not usage.estimated:
            self._made.tokens.record(usage.prompt_tokens, {**common, names.TOKEN_TYPE: "input"})
            written = {**common, names.TOKEN_TYPE: "output"}
            self._made.tokens.record(usage.completion_tokens, written)
        if reply.status == "cancelled":
            return  # its duration says when somebody else was ready
        error = {names.ERROR: error_type(reply.error)} if reply.error else {}
        self._made.duration.record(reply.timings.total, {**common, **error})
        if reply.timings.first_token is not None:
            self._made.first_chunk.record(reply.timings.first_token, common)
        if reply.error is not None:
            whose = {names.EXPERT: reply.id, names.STAGE: reply.stage}
            self._made.failures.add(1, {**common, **error, **whose})
