"""A model's worker process: ``python -m backend.engine.worker``, started by the server.

Frames of commands arrive on standard input, frames of events leave on standard output; ``frames``
has the format. The main thread owns llama.cpp; a reader thread takes commands, answers at once
whether a prompt fits, and ends the process when the server is gone.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
import traceback
from pathlib import Path
from typing import BinaryIO

from backend.engine.frames import encode_event, read_commands
from backend.engine.llama import Context, LlamaError, Model, NativeLog
from backend.engine.loop import EngineLoop, Request
from backend.engine.messages import (
    Accepted,
    Command,
    Event,
    Load,
    Loaded,
    LoadFailed,
    Progress,
    Rejected,
    Submit,
)

_MAGIC = b"GGUF"


class Outbox:
    """Sends events to the server, from any thread."""

    def __init__(self, stream: BinaryIO) -> None:
        """Takes the pipe to the server."""
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, event: Event) -> None:
        """Sends one event; ends the process when the server is gone."""
        frame = encode_event(event)
        try:
            with self._lock:
                self._stream.write(frame)
                self._stream.flush()
        except OSError:
            os._exit(0)


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


class Intake:
    """The reader thread: from commands to requests that fit."""

    def __init__(self, inbox: BinaryIO, outbox: Outbox) -> None:
        """Takes the pipes from and to the server."""
        self._inbox = inbox
        self._outbox = outbox
        self._loads: queue.SimpleQueue[Load] = queue.SimpleQueue()
        self._model: Model | None = None
        self._loop: EngineLoop | None = None
        self._limit = 0

    def start(self) -> Load:
        """Starts the thread and waits for the first command."""
        threading.Thread(target=self._run, daemon=True).start()
        return self._loads.get()

    def open(self, model: Model, limit: int, loop: EngineLoop) -> None:
        """From now on requests of up to ``limit`` tokens can be served."""
        self._model, self._limit, self._loop = model, limit, loop

    def _run(self) -> None:
        """Takes commands until the server is gone, then ends the process, whatever it is doing.

        The main thread may be in a native call, which nothing can interrupt: hence ``os._exit``.
        """
        code = 1
        try:
            for command in read_commands(self._inbox):
                self._take(command)
            code = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(code)

    def _take(self, command: Command) -> None:
        if isinstance(command, Load):
            self._loads.put(command)
        elif self._model is None or self._loop is None:
            raise RuntimeError(f"{command.type!r} came before the model was loaded")
        elif isinstance(command, Submit):
            self._submit(command, self._model, self._loop)
        else:
            self._loop.cancel(command.id)

    def _submit(self, command: Submit, model: Model, loop: EngineLoop) -> None:
        # Tokenizing reads the vocabulary only, so it need not wait for a decode to end.
        tokens = model.tokenize(command.prompt)
        room = self._limit - len(tokens)
        if room < 1 or not tokens:
            self._outbox.send(Rejected(command.id, len(tokens), self._limit))
            return
        self._outbox.send(Accepted(command.id, len(tokens)))
        budget = room if command.max_tokens is None else min(room, command.max_tokens)
        fresh = command.reuse is False or (command.reuse is None and _repeatable(command))
        request = Request(command.id, tuple(tokens), budget, command.sampling, command.stop, fresh)
        loop.submit(request)


def _repeatable(command: Submit) -> bool:
    """Whether the client expects the same text again: by a seed, or leaving nothing to chance."""
    return command.sampling.seed is not None or command.sampling.temperature == 0


def check_file(path: Path) -> None:
    """Looks at a model file before native code does.

    Raises:
        LlamaError: It cannot be read, or is not in GGUF format.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except FileNotFoundError as error:
        raise LlamaError("there is no such file") from error
    except OSError as error:
        raise LlamaError(f"it cannot be read: {error.strerror}") from error
    if magic != _MAGIC:
        raise LlamaError("it is not a GGUF file")


def load_model(load: Load, outbox: Outbox) -> tuple[Model, Context]:
    """Loads what the server asked for.

    Raises:
        LlamaError: It cannot be loaded; the text says why.
    """
    check_file(Path(load.path))
    log = NativeLog()
    model = Model(load, log, ProgressReport(outbox))
    return model, Context(model, load, log)


def serve(inbox: BinaryIO, outbox: Outbox) -> None:
    """The life of a worker: loads the model of the first command, then serves until the end."""
    intake = Intake(inbox, outbox)
    load = intake.start()
    try:
        model, context = load_model(load, outbox)
    except LlamaError as error:
        outbox.send(LoadFailed(str(error)))
        return
    loop = EngineLoop(model, context, outbox.send)
    intake.open(model, context.request_limit, loop)
    outbox.send(
        Loaded(
            ctx=context.request_limit,
            cells=context.limits.cells,
            template=model.template,
            bos=model.bos,
            eos=model.eos,
            fingerprint=model.fingerprint,
        )
    )
    loop.run()


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
