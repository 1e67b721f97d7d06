"""The way of events from a worker to the server."""

from __future__ import annotations

import os
import threading
from typing import BinaryIO

from backend.engine.frames import encode_event
from backend.engine.messages import Event


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
