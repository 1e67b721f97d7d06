"""The owner thread of an embedding context: texts of all requests share batches.

Other threads only put work on its desk (``submit``, ``cancel``).
"""

from __future__ import annotations

import base64
import queue
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from backend.engine.embed_messages import Embedded, EmbedFailed
from backend.engine.llama import EmbeddingContext, LlamaError
from backend.engine.messages import Event


@dataclass(eq=False, slots=True)
class EmbedJob:
    """A request whose texts all fit.

    Attributes:
        id: The server's number for it.
        texts: Their tokens, at least one text of at least one token.
        vectors: Those there are already, in the order of the texts.
    """

    id: int
    texts: list[list[int]]
    vectors: list[bytes] = field(default_factory=list)
    begun: int = 0


class EmbedLoop:
    """Embeds batch after batch."""

    def __init__(self, context: EmbeddingContext, send: Callable[[Event], None]) -> None:
        """Prepares the loop; ``send`` is called from the thread of ``run``."""
        self._context = context
        self._send = send
        self._desk: queue.SimpleQueue[EmbedJob | int] = queue.SimpleQueue()
        self._jobs: deque[EmbedJob] = deque()

    def submit(self, job: EmbedJob) -> None:
        """Queues a request; from any thread."""
        self._desk.put(job)

    def cancel(self, request: int) -> None:
        """Forgets a request; from any thread."""
        self._desk.put(request)

    def run(self) -> None:
        """Serves for ever."""
        while True:
            self.turn()

    def turn(self) -> None:
        """Takes what is on the desk, waits when there is nothing else to do, and does one batch."""
        while not self._jobs or not self._desk.empty():
            self._take(self._desk.get())
        batch: list[tuple[EmbedJob, int]] = []
        try:
            self._context.prepare()
            batch = self._fill()
            vectors = self._context.embed([job.texts[index] for job, index in batch])
        except LlamaError as error:
            self._fail({job.id for job, _ in batch} or {job.id for job in self._jobs}, str(error))
            return
        for (job, _), vector in zip(batch, vectors, strict=True):
            job.vectors.append(vector)
        self._finish()

    def _take(self, item: EmbedJob | int) -> None:
        if isinstance(item, EmbedJob):
            self._jobs.append(item)
        else:
            self._jobs = deque(job for job in self._jobs if job.id != item)

    def _fill(self) -> list[tuple[EmbedJob, int]]:
        """The next texts, one of each request in turn: a long list delays nobody else's short one.

        A text that is longer than a batch goes alone.
        """
        batch: list[tuple[EmbedJob, int]] = []
        room = self._context.tokens
        waiting = deque(self._jobs)
        while waiting and len(batch) < self._context.texts:
            job = waiting.popleft()
            size = len(job.texts[job.begun])
            if size > room and batch:
                break
            batch.append((job, job.begun))
            job.begun += 1
            room -= size
            if job.begun < len(job.texts):
                waiting.append(job)
        # Whoever was served last is asked last the next time.
        self._jobs.rotate(-1)
        return batch

    def _finish(self) -> None:
        for job in [job for job in self._jobs if len(job.vectors) == len(job.texts)]:
            self._jobs.remove(job)
            vectors = tuple(base64.b64encode(vector).decode() for vector in job.vectors)
            self._send(Embedded(job.id, vectors, sum(map(len, job.texts))))

    def _fail(self, requests: set[int], reason: str) -> None:
        self._jobs = deque(job for job in self._jobs if job.id not in requests)
        for request in requests:
            self._send(EmbedFailed(request, reason))
