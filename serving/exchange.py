"""One request from its arrival to the end of its response, as routes and the log see it."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from serving.accounts import Account
from serving.errors import OutOfTime

BYTES_PER_TOKEN = 4
"""What a prompt is taken for until somebody has counted its tokens."""
_ID = re.compile(r"[!-~]{1,128}")
_UNREAD = 5.0
"""Seconds in which a response that is late has to end by itself."""


@dataclass(eq=False, slots=True)
class Exchange:
    """A request and what became of it.

    Attributes:
        id: The client's ``x-request-id``, or one made here.
        peer: The address it came from.
        method: Of the request.
        path: Of the request, without its query.
        origin: The page it came from.
        key: The name of the key it came with; "" where the server takes none.
        account: What its caller has used; None where nothing is limited.
        held: Tokens set aside for it.
        status: Of the response; None while there is none.
        keeps_body: Whether what was sent is to be noted.
        body: What was sent, in that case.
        over: Whether its response has ended; tasks that it has begun may outlive it.
        began: When it arrived, in seconds of ``time.perf_counter``.
    """

    id: str
    peer: str
    method: str
    path: str
    origin: str | None = None
    key: str = ""
    account: Account | None = None
    held: int = 0
    status: int | None = None
    keeps_body: bool = False
    body: bytes = b""
    over: bool = False
    began: float = field(default_factory=time.perf_counter)
    clock: Callable[[], int] = time.monotonic_ns
    _meters: list[Callable[[], int]] = field(default_factory=list)
    _late: Callable[[OutOfTime], object] | None = None
    _timer: asyncio.TimerHandle | None = None

    # for routes

    def expect(self, tokens: int) -> None:
        """Sets tokens aside before they are used, in place of what was so far.

        Args:
            tokens: Of prompt and answer, as well as can be told.

        Raises:
            RateExceeded: The caller has not as many left in this minute.
        """
        if self.account is not None and tokens > self.held:
            self.account.settle(self.held, 0, self.clock())
            self.held = 0
            self.held = self.account.hold(tokens, self.clock())

    def meter(self, used: Callable[[], int]) -> None:
        """Has the request pay for what this says when it is over, however it ends; in tokens."""
        self._meters.append(used)

    def when_late(self, fail: Callable[[OutOfTime], object]) -> None:
        """Has this end a response that has begun and takes too long; else it is cut off."""
        self._late = fail

    @property
    def tokens(self) -> int | None:
        """Tokens used so far, None for a request that is not about any."""
        return sum(used() for used in self._meters) if self._meters else None

    # for the gate

    def limit(self, seconds: float, whole: float) -> None:
        """Gives the response so many seconds more, of ``whole`` ones that the request had."""
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, seconds), self._expire, whole, task)

    def _expire(self, whole: float, task: asyncio.Task[object]) -> None:
        if self._late is None:
            task.cancel()
            return
        self._late(OutOfTime(whole))
        # Nobody sees that where the client does not read on.
        self._timer = asyncio.get_running_loop().call_later(_UNREAD, task.cancel)

    def close(self) -> None:
        """It is over: settles the account."""
        if self._timer is not None:
            self._timer.cancel()
        if self.account is not None:
            self.account.settle(self.held, self.tokens or 0, self.clock())
        self.held, self.over = 0, True
        self._meters.clear()
        self._late = None


_current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


def begin(exchange: Exchange) -> None:
    """Makes it the current one, for the task that serves it."""
    _current.set(exchange)


def current() -> Exchange | None:
    """The request that is being served; None outside of one."""
    return _current.get()


def when_over(finish: Callable[[], object]) -> None:
    """Has this called when the request that is being served is over, however it ends.

    Quart serves it, the whole response included, in a task of its own, and cancels that when the
    client goes away, at any point: also between the handler's return and a stream's first event,
    where no ``finally`` in the stream would run.
    """
    task = asyncio.current_task()
    assert task is not None
    task.add_done_callback(lambda _: finish())


def request_id() -> str:
    """The id of the request that is being served; "" outside of one."""
    exchange = _current.get()
    return exchange.id if exchange and not exchange.over else ""


def owner() -> str:
    """Who asks: the name of a key; "" where the server takes none."""
    exchange = _current.get()
    return exchange.key if exchange else ""


def usable_id(given: str | None) -> str:
    """The id that a client gave where it is printable and short, else a new one."""
    if given is not None and _ID.fullmatch(given):
        return given
    return "req_" + secrets.token_hex(12)
