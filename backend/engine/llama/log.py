"""What llama.cpp says while it works, kept to explain a failure."""

from __future__ import annotations

import ctypes
from collections import deque
from typing import Any

import llama_cpp as lib

from backend.engine.llama.reasons import plain

_LOG_ERROR = 4
_LOG_CALLBACKS: list[Any] = []


class LlamaError(Exception):
    """llama.cpp refused; the text is for a person."""


class NativeLog:
    """Silences llama.cpp and keeps its last errors, to explain a failure."""

    def __init__(self) -> None:
        """Takes over the log of the whole process."""
        self._errors: deque[str] = deque(maxlen=20)
        callback = lib.llama_log_callback(self._note)
        # llama.cpp keeps the pointer until another one is set, however long this object lives.
        _LOG_CALLBACKS.append(callback)
        lib.llama_log_set(callback, ctypes.c_void_p(0))

    def _note(self, level: int, text: bytes, _data: object) -> None:
        if level == _LOG_ERROR:
            self._errors.append(text.decode("utf-8", "replace").strip())

    def clear(self) -> None:
        """Forgets what was told so far: something else begins."""
        self._errors.clear()

    def reason(self, fallback: str) -> str:
        """The first error, without the name of the C++ function: later ones only repeat it."""
        if not self._errors:
            return fallback
        said = self._errors[0].split(": ", 1)[-1]
        for beginning in ("error loading model: ", "failed to apply lora adapter: "):
            said = said.removeprefix(beginning)
        return plain(said)
