"""One request in flight, seen from the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from backend.engine.messages import Output
from backend.errors import ApiError


class Generation:
    """A request between its submission and its last token.

    The supervisor puts in what the worker says; a route takes it out. Nothing here waits for a slow
    reader: what it has not taken yet is bounded by the tokens of one answer.
    """

    def __init__(self, number: int, cancel: Callable[[int], None]) -> None:
        """Takes the request's number and what to call when nobody wants it any more."""
        self._number = number
        self._cancel = cancel
        self._accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._arrived: asyncio.Queue[tuple[int, Output | ApiError]] = asyncio.Queue()
        self._choice = 0
        self._closed = False
        self.prompt_tokens = 0
        self.generated = 0

    # the worker's side

    def accept(self, prompt_tokens: int) -> None:
        """The prompt fits and has this many tokens."""
        self.prompt_tokens = prompt_tokens
        if not self._accepted.done():
            self._accepted.set_result(prompt_tokens)

    def put(self, output: Output) -> None:
        """Something was generated."""
        self.generated = output.generated
        self._arrived.put_nowait((self._choice, output))

    def fail(self, error: ApiError) -> None:
        """The request ends with this error, wherever it is."""
        if self._accepted.done():
            self._arrived.put_nowait((self._choice, error))
        else:
            self._accepted.set_exception(error)

    # the route's side

    async def accepted(self) -> None:
        """Waits until the worker takes the request.

        Raises:
            ApiError: It does not, or is gone.
        """
        await self._accepted

    async def next(self) -> Output:
        """The next output; the one with ``finish`` is the last.

        Raises:
            ApiError: The request failed.
        """
        return (await self.next_choice())[1]

    async def next_choice(self) -> tuple[int, Output]:
        """The next output of this request or of those that joined it, and which one's it is.

        Raises:
            ApiError: One of them failed.
        """
        choice, arrived = await self._arrived.get()
        if isinstance(arrived, ApiError):
            raise arrived
        return choice, arrived

    def join(self, first: Generation, choice: int) -> None:
        """Gives the outputs to the reader of another request, under this number."""
        while not self._arrived.empty():
            first._arrived.put_nowait((choice, self._arrived.get_nowait()[1]))
        self._arrived, self._choice = first._arrived, choice

    def close(self) -> None:
        """Nobody wants more: stops the work, wherever it is. Any number of times."""
        if not self._closed:
            self._closed = True
            self._accepted.cancel()
            self._cancel(self._number)
