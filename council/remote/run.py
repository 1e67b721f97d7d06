"""A run at a gateway: iterated for its events, with its result, as a run on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from pydantic import ValidationError

from council.answer_form import AnswerForm
from council.errors import AgentError, CouncilError
from council.events import Event, RunFinished
from council.remote.address import run_path
from council.remote.beginning import end
from council.remote.failures import error_of
from council.remote.feed import EventFeed
from council.remote.gateway import Gateway
from council.remote.so_far import SoFar
from council.replies import Failure
from council.result import Result
from council.strategies.extractors.json_text import canonical


class RemoteRun:
    """A run under way at a gateway; iterate it for its events, which end with `run.finished`.

    Made by `Remote.stream` and `Remote.attach`. Nothing is read ahead: while nobody iterates, the
    gateway keeps the events.

    Attributes:
        id: The run's id.
        error: What made the run fail, once it has; `Remote.ask` raises it.
    """

    def __init__(self, id: str, gateway: Gateway, feed: EventFeed, form: AnswerForm | None) -> None:
        self.id = id
        self.error: CouncilError | None = None
        self._gateway = gateway
        self._feed = feed
        self._form = form
        self._result: Result | None = None
        self._so_far = SoFar(id)
        self._lost = False

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        try:
            event = await self._feed.next()
        except AgentError:
            self._lost = True
            raise
        if event is None:
            raise StopAsyncIteration
        if isinstance(event, RunFinished):
            return self._finish(event)
        self._so_far.take(event)
        return event

    @property
    def number(self) -> int:
        """The number of the last event that was read; `attach(id, after=number)` goes on there."""
        return self._feed.number

    @property
    def result(self) -> Result:
        """The result; raises RuntimeError while it has not come."""
        if self._result is None:
            raise RuntimeError("the run is not finished: iterate its events first, or ask()")
        return self._result

    def snapshot(self) -> Result:
        """The result as it would be if the run were stopped now, as far as events have come."""
        return self._result or self._so_far.result()

    async def cancel(self) -> None:
        """Ends the run at the gateway; its events then end with a result that says so.

        Raises:
            TransportError: The gateway cannot be reached.
            StoreError: It does not know the run any more.
        """
        await self._gateway.call("POST", run_path(self.id, "cancel"))

    async def aclose(self, *, end_it: bool) -> None:
        """Lets go of the events.

        Args:
            end_it: End the run, too, if it has not ended. One that was lost is left to itself: its
                gateway cannot be reached.
        """
        await self._feed.aclose()
        if end_it and self._result is None and not self._lost:
            await end(self._gateway, self.id)

    def _finish(self, event: RunFinished) -> RunFinished:
        result = self._as_asked(event.result)
        self._result = result
        if result.error is not None:
            self.error = error_of(result.error, result)
        return replace(event, result=result)

    def _as_asked(self, result: Result) -> Result:
        """The result with its value as an instance of the model that was asked for, if one was."""
        model = self._form.model if self._form else None
        if model is None or result.answer is None:
            return result
        try:
            return replace(result, parsed=model.model_validate_json(canonical(result.parsed)))
        except ValidationError as error:
            # The gateway has the schema alone; what the class checks besides is checked here.
            faults = "; ".join(str(fault["msg"]) for fault in error.errors()[:3])
            failure = Failure(
                "strategy", f"the answer fits the schema, but is no {model.__name__}: {faults}"
            )
            return replace(result, status="failed", answer=None, parsed=None, error=failure)
