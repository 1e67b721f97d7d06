"""Embedding, for a worker's intake: looks at texts where they arrive, computes elsewhere."""

from __future__ import annotations

import os
import threading
import traceback

from backend.engine.embed_loop import EmbedJob, EmbedLoop
from backend.engine.embed_messages import Embed, EmbedRefused, EmbedTooLong
from backend.engine.llama import EmbeddingContext, LlamaError, Model, NativeLog, embedding_limit
from backend.engine.messages import Load
from backend.engine.outbox import Outbox


class Embedder:
    """A model's vectors; nothing native is made before somebody asks for one."""

    def __init__(
        self, model: Model, load: Load, log: NativeLog, outbox: Outbox, *, threaded: bool
    ) -> None:
        """Prepares it.

        Args:
            model: Whose vectors.
            load: How it was loaded.
            log: What llama.cpp says.
            outbox: Takes the answers.
            threaded: Whether it starts a thread of its own; if not, somebody calls ``run``.

        Raises:
            LlamaError: The model makes no vectors.
        """
        self._model = model
        self._outbox = outbox
        self._limit = embedding_limit(model, load)
        self._loop = EmbedLoop(EmbeddingContext(model, load, log), outbox.send)
        self._started = not threaded

    def embed(self, command: Embed) -> None:
        """Takes a request, or refuses it at once."""
        texts = []
        for index, given in enumerate(command.inputs):
            tokens = self._model.tokenize_text(given) if isinstance(given, str) else list(given)
            if problem := self._problem(tokens):
                self._outbox.send(EmbedRefused(command.id, problem, index))
                return
            if len(tokens) > self._limit:
                self._outbox.send(EmbedTooLong(command.id, index, len(tokens), self._limit))
                return
            texts.append(tokens)
        self._loop.submit(EmbedJob(command.id, texts))
        self._start()

    def cancel(self, request: int) -> None:
        """Forgets a request; unknown ones are ignored."""
        self._loop.cancel(request)

    def run(self) -> None:
        """Serves for ever, in a thread that has nothing else to do."""
        self._loop.run()

    def _problem(self, tokens: list[int]) -> str:
        if not tokens:
            return "it has no tokens"
        wrong = [token for token in tokens if not 0 <= token < self._model.size]
        return f"the model has no token {wrong[0]}" if wrong else ""

    def _start(self) -> None:
        if not self._started:
            self._started = True
            threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        """A fault here must end the process, as it does in the main thread."""
        try:
            self._loop.run()
        except Exception:
            traceback.print_exc()
            os._exit(1)


class NoEmbedder:
    """Stands in for a model that makes no vectors, and says why."""

    def __init__(self, reason: LlamaError, outbox: Outbox) -> None:
        """Takes what was wrong."""
        self._reason = str(reason)
        self._outbox = outbox

    def embed(self, command: Embed) -> None:
        """Refuses."""
        self._outbox.send(EmbedRefused(command.id, self._reason))

    def cancel(self, request: int) -> None:
        """There is never anything to forget."""
