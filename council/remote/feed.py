"""A run's events, over as many connections as that takes."""

from __future__ import annotations

import logging
from random import Random
from typing import Any

import anyio
import jiter
from httpx_sse import ServerSentEvent
from pydantic import ValidationError

from council.errors import AgentError, ConfigError, StreamError
from council.events import Event, RunFinished, from_json
from council.remote.address import run_path
from council.remote.entries import RemoteRecord, read_as
from council.remote.gateway import Connection, Gateway
from council.retry import RetryPolicy

_LOG = logging.getLogger(__name__)


class EventFeed:
    """Reads a run's events one after the other, each once.

    A connection that is lost, or that its reader was cancelled on, is opened again behind the last
    event; tries are counted from the last event that came.

    Args:
        gateway: Whose run it is.
        run: The run's id.
        after: The number of the last event that is known, 0 for none.
        policy: How often and how patiently to connect again.
        random: The source of jitter.

    Attributes:
        number: The number of the last event that was given.
        done: Whether that was the run's last.
    """

    def __init__(
        self, gateway: Gateway, run: str, after: int, policy: RetryPolicy, random: Random
    ) -> None:
        self.number = after
        self.done = False
        self._gateway = gateway
        self._run = run
        self._policy = policy
        self._random = random
        self._connection: Connection | None = None
        self._opened = False
        self._tried = 0

    async def next(self) -> Event | None:
        """The next event that this version of council knows; None behind the last.

        Raises:
            AgentError: The gateway could not be reached again; the run goes on there.
            StoreError: It does not know the run, or no longer.
        """
        while not self.done:
            event = await self._read()
            if isinstance(event, RunFinished):
                await self._end()
            if event is not None:
                return event
        return None

    async def aclose(self) -> None:
        """Lets go of the connection; the next event would be asked for on another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()

    async def _read(self) -> Event | None:
        """The event that comes next; None for one that does not count, or a lost connection."""
        try:
            message = await self._message()
            if message is None:
                return await self._last()
        except AgentError as error:
            await self.aclose()
            await self._pause(error)
            return None
        except BaseException:
            # Half a message may have been read: it comes again whole on another connection.
            await self.aclose()
            raise
        return self._event(message) if self._is_new(message) else None

    async def _message(self) -> ServerSentEvent | None:
        """What comes next; None where the gateway has no more."""
        if self._connection is None:
            path = run_path(self._run, "events")
            try:
                self._connection = await self._gateway.events(path, self.number)
            except ConfigError:
                if not self._opened:
                    raise
                return None  # after a crash it has fewer events than it had sent
            self._opened = True
        return await self._connection.read()

    async def _last(self) -> Event:
        """The run's last event where there are none to come, made of what the gateway keeps.

        Raises:
            StreamError: There are more to come.
        """
        data = await self._gateway.call("GET", run_path(self._run))
        record = read_as(RemoteRecord, data, self._gateway.shown)
        if record.result is None or record.events > self.number:
            raise StreamError(f"{self._gateway.shown} ended the event stream before the run")
        return RunFinished(record.result.seconds, record.result)

    async def _pause(self, error: AgentError) -> None:
        """Waits for the next try; raises where there is none."""
        self._tried += 1
        wait = self._policy.wait(self._tried, error, self._random)
        if wait is None:
            way_out = f"run {self._run} may go on there: attach to it with after={self.number}"
            error.args = (f"{error} ({way_out})",)
            raise error
        await anyio.sleep(wait)

    def _is_new(self, message: ServerSentEvent) -> bool:
        """Whether it is an event, and was not given before."""
        if not message.data:  # of a keep-alive, the blank line behind the comment
            return False
        number = int(message.id) if message.id.isdecimal() else self.number + 1
        if number <= self.number:
            return False
        self.number = number
        self._tried = 0
        return True

    def _event(self, message: ServerSentEvent) -> Event | None:
        """The event in a message; None for one of a newer gateway.

        Raises:
            StreamError: It is no event, or the run's last and unreadable.
        """
        try:
            return from_json(message.data)
        except ValidationError:
            pass
        kind = _type_of(message.data)
        if kind is None or kind == "run.finished":
            raise StreamError(
                f"event {self.number} of run {self._run} cannot be read ({kind or 'no event'}): is"
                " the gateway of another version of council?"
            )
        _LOG.debug("event %d of run %s is passed over: %s", self.number, self._run, kind)
        return None

    async def _end(self) -> None:
        self.done = True
        if self._connection is not None:
            await self._connection.drain()
        await self.aclose()


def _type_of(data: str) -> str | None:
    """What an event calls itself; None where it is none."""
    try:
        read: Any = jiter.from_json(data.encode())
    except ValueError:
        return None
    kind = read.get("type") if isinstance(read, dict) else None
    return kind if isinstance(kind, str) else None
