"""The reader thread of a worker: from commands to requests that fit."""

from __future__ import annotations

import os
import queue
import threading
import traceback
from dataclasses import dataclass
from typing import BinaryIO

from backend.engine.embed_messages import Embed
from backend.engine.embedder import Embedder, NoEmbedder
from backend.engine.frames import read_commands
from backend.engine.llama import Model
from backend.engine.loop import EngineLoop, Request
from backend.engine.messages import Accepted, Command, Load, Rejected, Submit
from backend.engine.outbox import Outbox

_COUNTED = 10_000
"""Tokens by which a prompt that does not fit is counted further, to say how long it is."""


_PATIENCE = 10.0
"""Seconds the owner thread has to write down its cache."""


@dataclass(frozen=True, slots=True)
class Services:
    """What a loaded model can do.

    Attributes:
        model: Its vocabulary.
        limit: Most tokens (prompt and answer) of one chat.
        loop: Answers chats; None for a model that only makes vectors.
        embedder: Makes vectors, or says why there are none.
    """

    model: Model
    limit: int
    loop: EngineLoop | None
    embedder: Embedder | NoEmbedder

    def cancel(self, request: int) -> None:
        """Forgets a request of whatever kind; unknown ones are ignored."""
        if self.loop is not None:
            self.loop.cancel(request)
        self.embedder.cancel(request)


class Intake:
    """The reader thread: from commands to requests that fit."""

    def __init__(self, inbox: BinaryIO, outbox: Outbox) -> None:
        """Takes the pipes from and to the server."""
        self._inbox = inbox
        self._outbox = outbox
        self._loads: queue.SimpleQueue[Load] = queue.SimpleQueue()
        self._services: Services | None = None
        self.finished = threading.Event()

    def start(self) -> Load:
        """Starts the thread and waits for the first command."""
        threading.Thread(target=self._run, daemon=True).start()
        return self._loads.get()

    def open(self, services: Services) -> None:
        """From now on requests can be served."""
        self._services = services

    def _run(self) -> None:
        """Takes commands until the server is gone, then ends the process, whatever it is doing.

        The main thread may be in a native call, which nothing can interrupt: hence ``os._exit``.
        """
        code = 1
        try:
            for command in read_commands(self._inbox):
                self._take(command)
            self._close()
            code = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(code)

    def _close(self) -> None:
        """Lets the owner thread write down what the next process can use; within reason."""
        if self._services is None or self._services.loop is None:
            return
        if self._services.loop.keeps:
            self._services.loop.close()
            self.finished.wait(_PATIENCE)

    def _take(self, command: Command) -> None:
        if isinstance(command, Load):
            self._loads.put(command)
        elif self._services is None:
            raise RuntimeError(f"{command.type!r} came before the model was loaded")
        elif isinstance(command, Submit):
            self._submit(command, self._services)
        elif isinstance(command, Embed):
            self._services.embedder.embed(command)
        else:
            self._services.cancel(command.id)

    def _submit(self, command: Submit, services: Services) -> None:
        if services.loop is None:
            raise RuntimeError("a model that only makes vectors was asked to chat")
        # Tokenizing reads the vocabulary only, so it need not wait for a decode to end.
        enough = 2 * services.limit + _COUNTED
        tokens = services.model.tokenize(command.prompt, enough)
        room = services.limit - len(tokens)
        if room < 1 or not tokens:
            more = len(tokens) >= enough
            self._outbox.send(Rejected(command.id, len(tokens), services.limit, more))
            return
        self._outbox.send(Accepted(command.id, len(tokens)))
        budget = room if command.max_tokens is None else min(room, command.max_tokens)
        fresh = command.reuse is False or (command.reuse is None and _repeatable(command))
        request = Request(command.id, tuple(tokens), budget, command.sampling, command.stop, fresh)
        services.loop.submit(request)


def _repeatable(command: Submit) -> bool:
    """Whether the client expects the same text again: by a seed, or leaving nothing to chance."""
    return command.sampling.seed is not None or command.sampling.temperature == 0
