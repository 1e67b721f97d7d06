"""The reader thread of a worker: from commands to requests that fit."""

from __future__ import annotations

import os
import queue
import threading
import traceback
from dataclasses import dataclass
from typing import BinaryIO

from backend.chat.gbnf import GrammarError
from backend.engine.embed_messages import Embed
from backend.engine.embedder import Embedder, NoEmbedder
from backend.engine.frames import read_commands
from backend.engine.grammars import Grammars
from backend.engine.guide import Guide
from backend.engine.llama import Model
from backend.engine.loop import EngineLoop, Request
from backend.engine.messages import Accepted, Command, Load, Refused, Rejected, Submit
from backend.engine.outbox import Outbox
from backend.engine.vocabulary_messages import Detokenize, Detokenized, Tokenize, Tokenized

_COUNTED = 10_000
"""Tokens by which a prompt that does not fit is counted further, to say how long it is."""
_ENDLESS = 1 << 60
"""More tokens than any answer has."""
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
        self._grammars: Grammars | None = None
        self.finished = threading.Event()

    def start(self) -> Load:
        """Starts the thread and waits for the first command."""
        threading.Thread(target=self._run, daemon=True).start()
        return self._loads.get()

    def open(self, services: Services) -> None:
        """From now on requests can be served."""
        self._grammars = Grammars(services.model.pieces, lambda: services.model.ends)
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
        elif isinstance(command, Tokenize | Detokenize):
            self._look_up(command, self._services.model)
        else:
            self._services.cancel(command.id)

    def _look_up(self, command: Tokenize | Detokenize, model: Model) -> None:
        """Answers what concerns the vocabulary only."""
        if isinstance(command, Detokenize):
            text = b"".join(model.piece(token, special=True) for token in command.tokens)
            self._outbox.send(Detokenized(command.id, text.decode("utf-8", "replace")))
            return
        tokens = model.tokenize(
            command.text, framed=command.add_special, parse_special=command.parse_special
        )
        wanted = tokens if command.pieces else []
        pieces = tuple(model.piece(token, special=True).decode("latin-1") for token in wanted)
        self._outbox.send(Tokenized(command.id, tuple(tokens), pieces))

    def _submit(self, command: Submit, services: Services) -> None:
        if services.loop is None:
            raise RuntimeError("a model that only makes vectors was asked to chat")
        # Tokenizing reads the vocabulary only, so it need not wait for a decode to end.
        enough = 2 * services.limit + _COUNTED
        tokens = _tokens(command, services.model, enough)
        room = services.limit - len(tokens)
        if room < 1 or not tokens:
            more = len(tokens) >= enough
            self._outbox.send(Rejected(command.id, len(tokens), services.limit, more))
            return
        try:
            guide = self._guide(command)
        except GrammarError as error:
            self._outbox.send(Refused(command.id, "grammar", f"grammar: {error}"))
            return
        self._outbox.send(Accepted(command.id, len(tokens)))
        budget = room if command.max_tokens is None else min(room, command.max_tokens)
        fresh = command.reuse is False or (command.reuse is None and _repeatable(command))
        request = Request(
            command.id,
            tuple(tokens),
            budget,
            command.sampling,
            command.stop,
            fresh,
            guide,
            command.logprobs,
            _ENDLESS if command.ignore_eos else command.sampling.min_tokens,
            command.specials,
        )
        services.loop.submit(request)

    def _guide(self, command: Submit) -> Guide | None:
        if command.constraint is None or self._grammars is None:
            return None
        return self._grammars.guide(command.constraint, command.specials)


def _tokens(command: Submit, model: Model, enough: int) -> list[int]:
    if isinstance(command.prompt, str):
        return model.tokenize(command.prompt, enough)
    return list(command.prompt[:enough])


def _repeatable(command: Submit) -> bool:
    """Whether the client expects the same text again: by a seed, or leaving nothing to chance."""
    return command.sampling.seed is not None or command.sampling.temperature == 0
