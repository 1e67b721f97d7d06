"""Who else hears of a run: made for each run, and None where nobody does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Protocol

from council.events import AnswerToken, Emit, Event, ExpertToken
from council.expert import Expert
from council.logs import log
from council.telemetry import sdk
from council.telemetry.run_log import LOGGER, RunLog
from council.telemetry.subject import Subject

# A run has thousands of these, and what they come to is told when a reply is whole.
_TOKENS = (ExpertToken, AnswerToken)
_log = logging.getLogger(__name__)


class Sink(Protocol):
    """Takes a run's events, all but tokens."""

    def take(self, event: Event) -> None: ...

    def close(self) -> None: ...


class Listener(Protocol):
    """Stands beside the way that a run's events take."""

    def watch(self, emit: Emit) -> Emit: ...

    def close(self) -> None: ...


class Listening:
    """Tells sinks of a run's events. Where one fails it is told no more, and the run goes on.

    Args:
        sinks: At least one.
        around: What has to stand around the experts' agents.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        around: Callable[[Sequence[Expert]], tuple[Expert, ...]] = tuple,
    ) -> None:
        self._sinks = list(sinks)
        self.around = around

    def watch(self, emit: Emit) -> Emit:
        """The same way for events, with the sinks beside it."""

        def emit_and_tell(event: Event) -> None:
            if type(event) not in _TOKENS:
                self._tell(event)
            emit(event)

        return emit_and_tell

    def close(self) -> None:
        """The run is over, finished or not."""
        for sink in self._sinks:
            try:
                sink.close()
            except Exception as error:
                self._lost(sink, error)
        self._sinks.clear()

    def _tell(self, event: Event) -> None:
        for sink in tuple(self._sinks):
            try:
                sink.take(event)
            except Exception as error:
                # An exporter's defect must not cost an answer.
                self._sinks.remove(sink)
                self._lost(sink, error)

    @staticmethod
    def _lost(sink: Sink, error: Exception) -> None:
        cause = f"{type(error).__name__}: {error}"
        log(_log, logging.INFO, "telemetry.lost", sink=type(sink).__name__, cause=cause)


def listening(subject: Subject) -> Listening | None:
    """What listens to a run; made in the context that the run is asked for in."""
    logged = RunLog(subject) if LOGGER.isEnabledFor(logging.INFO) else None
    traced = sdk.spans(subject)
    found: tuple[Sink | None, ...] = (logged, traced, sdk.metrics(subject))
    sinks = [sink for sink in found if sink is not None]
    if not sinks:
        return None
    if traced is None or not traced.with_content:
        return Listening(sinks)
    from council.telemetry.content import shown_by

    return Listening(sinks, shown_by)


@contextmanager
def heard_by(*listeners: Listener | None) -> Iterator[Callable[[Emit], Emit] | None]:
    """The way of a run's events past all listeners, who are closed at the end of the block.

    Yields:
        None where there are no listeners.
    """
    there = [each for each in listeners if each is not None]

    def watch(emit: Emit) -> Emit:
        for each in there:
            emit = each.watch(emit)
        return emit

    with ExitStack() as stack:
        for each in there:
            stack.enter_context(closing(each))
        yield watch if there else None
