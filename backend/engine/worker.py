"""A model's worker process: ``python -m backend.engine.worker``, started by the server.

Frames of commands arrive on standard input, frames of events leave on standard output; ``frames``
has the format. The main thread owns llama.cpp; a reader thread takes commands, answers at once
whether a prompt fits, and ends the process when the server is gone.
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import BinaryIO

from backend.engine.embedder import Embedder, NoEmbedder
from backend.engine.identity import identity
from backend.engine.intake import Intake, Services
from backend.engine.llama import (
    LIBRARY,
    Context,
    LlamaError,
    Model,
    NativeLog,
    NoMemoryError,
    check_file,
    embedding_limit,
)
from backend.engine.loop import EngineLoop
from backend.engine.messages import Load, Loaded, LoadFailed, Note, Progress
from backend.engine.outbox import Outbox
from backend.engine.shelf import Shelf


class ProgressReport:
    """Tells the server how far loading is, in steps of a hundredth."""

    def __init__(self, outbox: Outbox) -> None:
        """Starts at nothing."""
        self._outbox = outbox
        self._told = 0.0

    def __call__(self, fraction: float) -> None:
        """llama.cpp has read this much of the file."""
        if fraction >= self._told + 0.01:
            self._told = fraction
            self._outbox.send(Progress(min(fraction, 1.0)))


def load_model(load: Load, outbox: Outbox) -> tuple[Services, Loaded]:
    """Loads what the server asked for.

    Raises:
        LlamaError: It cannot be loaded; the text says why.
    """
    check_file(Path(load.path))
    log = NativeLog()
    model = Model(load, log, ProgressReport(outbox))
    context = _context(model, load, log)
    limit = context.request_limit if context else embedding_limit(model, load)
    services = Services(
        model=model,
        limit=limit,
        loop=_loop(model, context, load, outbox) if context else None,
        embedder=_embedder(model, load, log, outbox, chats=context is not None),
    )
    return services, _card(model, limit, context)


def _loop(model: Model, context: Context, load: Load, outbox: Outbox) -> EngineLoop:
    return EngineLoop(model, context, outbox.send, _shelf(context, load, outbox))


def _shelf(context: Context, load: Load, outbox: Outbox) -> Shelf | None:
    """Where long prompts are kept; None where they cannot be, or are not to be."""
    folder = load.options.cache_dir
    if not folder:
        return None

    def note(text: str) -> None:
        outbox.send(Note(text))

    if not context.limits.share:
        note("no prompts are kept: this model's sequences cannot be shared, or are told not to be")
        return None
    try:
        place = Path(folder) / identity(load, LIBRARY, context.limits.buffers)
        return Shelf(place, load.options.cache_max, note)
    except OSError as error:
        note(f"no prompts are kept in {folder}: {error.strerror}")
        return None


def _context(model: Model, load: Load, log: NativeLog) -> Context | None:
    """The context for chats; None for a model that only makes vectors."""
    try:
        return Context(model, load, log) if model.chats else None
    except NoMemoryError:
        return None


def _embedder(
    model: Model, load: Load, log: NativeLog, outbox: Outbox, *, chats: bool
) -> Embedder | NoEmbedder:
    try:
        return Embedder(model, load, log, outbox, threaded=chats)
    except LlamaError as error:
        if not chats:
            raise
        return NoEmbedder(error, outbox)


def _card(model: Model, limit: int, context: Context | None) -> Loaded:
    return Loaded(
        ctx=limit,
        cells=context.limits.cells if context else 0,
        template=model.template,
        bos=model.bos,
        eos=model.eos,
        fingerprint=model.fingerprint,
        chat=context is not None,
        width=model.width,
        vocabulary=model.size,
        parameters=model.parameters,
        trained=model.trained,
    )


def serve(inbox: BinaryIO, outbox: Outbox) -> None:
    """The life of a worker: loads the model of the first command, then serves until the end."""
    intake = Intake(inbox, outbox)
    load = intake.start()
    try:
        services, card = load_model(load, outbox)
    except LlamaError as error:
        outbox.send(LoadFailed(str(error)))
        return
    intake.open(services)
    outbox.send(card)
    if services.loop is not None:
        services.loop.run()
        intake.finished.set()
        threading.Event().wait()  # until the reader thread ends the process
    elif isinstance(services.embedder, Embedder):
        services.embedder.run()


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes of the protocol, moved out of reach of native code that prints.

    Afterwards descriptor 0 is empty and descriptor 1 leads to standard error.
    """
    inbox, outbox = os.dup(0), os.dup(1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    return os.fdopen(inbox, "rb"), os.fdopen(outbox, "wb")


def main() -> None:
    """Runs the worker until the server closes its pipe."""
    # Ctrl-C reaches the whole process group; only the server decides when a worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inbox, outbox = take_pipes()
    serve(inbox, Outbox(outbox))


if __name__ == "__main__":
    main()
