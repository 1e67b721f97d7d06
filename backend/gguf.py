"""GGUF files as such: of which a model consists, and what a header says of the memory it needs."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any, BinaryIO

_MAGIC = b"GGUF"
_NUMBERS = {
    **{0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?"},
    **{10: "<Q", 11: "<q", 12: "<d"},
}
_TEXT, _ARRAY = 8, 9
_PART = re.compile(r"(.*)-00001-of-(\d{5})\.gguf")
_MOST_KEYS, _MOST_BYTES = 10_000, 1 << 30


class HeaderError(Exception):
    """The header cannot be read."""


def parts_of(path: Path) -> list[Path]:
    """The file, or all files of a model that is cut into several."""
    found = _PART.fullmatch(path.name)
    if found is None:
        return [path]
    name, count = found[1], int(found[2])
    return [path.with_name(f"{name}-{n:05}-of-{count:05}.gguf") for n in range(1, count + 1)]


def read_header(path: Path) -> dict[str, Any]:
    """The numbers, texts and short lists of a file's header, by key.

    Raises:
        HeaderError: It is no such file, or is damaged.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) != _MAGIC:
                raise HeaderError("it is not a GGUF file")
            _number(file, "<I")
            _number(file, "<Q")
            count = _number(file, "<Q")
            if count > _MOST_KEYS:
                raise HeaderError("its header is damaged")
            return {_text(file): _value(file, _number(file, "<I")) for _ in range(count)}
    except (OSError, OverflowError, RecursionError, struct.error) as error:
        raise HeaderError(f"its header cannot be read: {error}") from error


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _TEXT:
        return _text(file)
    if kind == _ARRAY:
        return _list(file)
    if kind not in _NUMBERS:
        raise HeaderError(f"its header has a value of unknown type {kind}")
    return _number(file, _NUMBERS[kind])


def _list(file: BinaryIO) -> list[Any] | None:
    """A list of numbers; None for one of texts, such as a vocabulary, which is passed over."""
    kind, count = _number(file, "<I"), _number(file, "<Q")
    if kind in _NUMBERS:
        size = struct.calcsize(_NUMBERS[kind])
        raw = _bytes(file, size * count)
        return [value for (value,) in struct.iter_unpack(_NUMBERS[kind], raw)]
    for _ in range(count):
        _value(file, kind)
    return None


def _text(file: BinaryIO) -> str:
    return _bytes(file, _number(file, "<Q")).decode("utf-8", "replace")


def _number(file: BinaryIO, form: str) -> Any:
    return struct.unpack(form, _bytes(file, struct.calcsize(form)))[0]


def _bytes(file: BinaryIO, size: int) -> bytes:
    if size > _MOST_BYTES:
        raise HeaderError("its header is damaged")
    found = file.read(size)
    if len(found) < size:
        raise HeaderError("its header is cut")
    return found
