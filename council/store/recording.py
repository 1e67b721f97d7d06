"""One run on its way into the record: what the event loop hands over, without ever waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import count

from council.errors import AgentError
from council.events import AnswerToken, Emit, Event, ExpertToken
from council.messages import ChatRequest, ChatToken
from council.replies import Failure
from council.store.items import Closed, Embeddings, Ended, Item, Sent, Vector

# These alone may wait for the writer's next turn: all else is written at once.
_MAY_WAIT = (ExpertToken, AnswerToken)


class Recording:
    """Takes what happens in one run to the writer; made by `Store.record`.

    Every method only appends to a list and, unless it is a token, wakes the writer.

    Args:
        put: Adds an item to the list that the writer takes this run's items from.
        wake: Makes the writer write at once.
    """

    def __init__(
        self,
        put: Callable[[Item], object],
        wake: Callable[[], object],
    ) -> None:
        self._put = put
        self._wake = wake
        self._numbers = count()
        self._numbered: dict[str, int] = {}
        self._closed = False

    def watch(self, emit: Emit) -> Emit:
        """The same way for events, with the record beside it."""
        put, wake = self._put, self._wake

        def emit_and_keep(event: Event) -> None:
            put(event)
            if type(event) not in _MAY_WAIT:
                wake()
            emit(event)

        return emit_and_keep

    def number(self, request: ChatRequest) -> None:
        """Gives a request its number before it goes out.

        Samples may be asked alike, and go out in any order: by their numbers they are told apart.
        """
        self._numbered[request.request_id] = next(self._numbers)

    def sent(self, expert: str, request: ChatRequest) -> int:
        """A request goes out; returns its number."""
        known = self._numbered.pop(request.request_id, None)
        number = next(self._numbers) if known is None else known
        self._hand_over(Sent(number, expert, request))
        return number

    def whole(self, number: int, tokens: Sequence[ChatToken]) -> None:
        """The reply to a request is whole."""
        self._hand_over(Ended(number, tokens))

    def failed(self, number: int, error: AgentError) -> None:
        """The reply to a request failed."""
        self._hand_over(Ended(number, failure=Failure.of(error)))

    def embedded(self, model: str, space: str, vectors: Sequence[Vector]) -> None:
        """Texts have their vectors."""
        self._hand_over(Embeddings(model, space, vectors))

    def close(self) -> None:
        """The run is over, finished or not. May be called more than once."""
        if not self._closed:
            self._closed = True
            self._hand_over(Closed(time.time()))

    def _hand_over(self, item: Item) -> None:
        self._put(item)
        self._wake()
