"""States of sequences on disk, by the tokens they hold: a bounded folder of files.

A file is a magic line, the tokens, the state, and a digest of all that. It is written under another
name first, so one that is there is whole, or was damaged later; then it is removed with a word.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.engine.cells import common_length

LEAST = 128
"""Tokens that a file must spare, or add to what the others spare, to be worth its room."""
_MAGIC = b"council-kv 1\n"
_COUNTS = struct.Struct("<QQ")
_DIGEST = 32
_SUFFIX = ".council-kv"  # no other program's, whatever folder is named: old ones are deleted
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_STALE = 3600.0
"""Seconds after which nobody writes a file any more."""


class DamagedError(Exception):
    """A file is not what was written; the text says how."""


@dataclass(eq=False, slots=True)
class _Entry:
    tokens: list[int]
    path: Path
    size: int


class Shelf:
    """The states of one model. Used by several threads."""

    def __init__(self, folder: Path, most_bytes: int, note: Callable[[str], None]) -> None:
        """Looks through the folder, which need not exist.

        Args:
            folder: Whose files all belong to one model, loaded one way; beside it are others.
            most_bytes: Of the files of all models together; the longest unused go first.
            note: Told of each file that is damaged, and of failures to write.

        Raises:
            OSError: The folder cannot be made.
        """
        self._folder = folder
        self._most = most_bytes
        self._note = note
        self._lock = threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _clear_unfinished(folder)
        files = sorted(folder.glob(f"*{_SUFFIX}"), key=_last_use)
        found = [self._look(path) for path in files]
        self._entries = [entry for entry in found if entry is not None]

    def find(self, tokens: list[int]) -> int:
        """How many of the first tokens the best file holds."""
        with self._lock:
            return max((common_length(tokens, entry.tokens) for entry in self._entries), default=0)

    def wants(self, tokens: list[int]) -> bool:
        """Whether a sequence holds enough that no file does."""
        return len(tokens) - self.find(tokens) >= LEAST

    def take(self, tokens: list[int], least: int, most: int) -> tuple[list[int], bytes] | None:
        """The tokens and the state of the file that shares most with these.

        Args:
            tokens: What is looked for.
            least: How many of the first tokens the file must hold.
            most: Tokens for which there is room.
        """
        while (entry := self._best(tokens, least, most)) is not None:
            try:
                state = _read(entry.path)[1]
            except FileNotFoundError:
                self._forget(entry)  # another process needed the room
                continue
            except (OSError, DamagedError) as error:
                self._forget(entry)
                self._refuse(entry.path, str(error))
                continue
            self._use(entry)
            return entry.tokens, state
        return None

    def remove(self, tokens: list[int], reason: str) -> None:
        """Removes the file of these tokens, which ``take`` has given, and says why."""
        with self._lock:
            found = [entry for entry in self._entries if entry.tokens == tokens]
        for entry in found:
            self._forget(entry)
            self._refuse(entry.path, reason)

    def put(self, tokens: list[int], state: bytes) -> None:
        """Writes a file, in the place of those that hold a part of the same."""
        head = _MAGIC + _COUNTS.pack(len(tokens), len(state)) + _packed(tokens)
        digest = hashlib.blake2b(head, digest_size=_DIGEST)
        digest.update(state)
        path = self._folder / f"{hashlib.sha256(_packed(tokens)).hexdigest()[:32]}{_SUFFIX}"
        size = len(head) + len(state) + _DIGEST
        if size > self._most:
            return
        try:
            _write(path, (head, state, digest.digest()))
        except OSError as error:
            self._note(f"a prompt's state could not be kept in {self._folder}: {error.strerror}")
            return
        self._add(_Entry(tokens, path, size))

    def _add(self, entry: _Entry) -> None:
        with self._lock:
            spare = [old for old in self._entries if _is_part(old, entry)]
            self._entries = [old for old in self._entries if old not in spare]
            self._entries.append(entry)
        for old in spare:
            if old.path != entry.path:
                _remove(old.path)
        self._bound()

    def _bound(self) -> None:
        """Removes what was longest unused, by whatever model, until the rest is small enough."""
        files = sorted(self._folder.parent.glob(f"*/*{_SUFFIX}"), key=_last_use)
        sizes = {path: _size(path) for path in files}
        for path in files:
            if sum(sizes.values()) <= self._most:
                return
            del sizes[path]
            _remove(path)
            with self._lock:
                self._entries = [entry for entry in self._entries if entry.path != path]

    def _best(self, tokens: list[int], least: int, most: int) -> _Entry | None:
        with self._lock:
            fitting = [entry for entry in self._entries if len(entry.tokens) <= most]
        shared = {id(entry): common_length(tokens, entry.tokens) for entry in fitting}
        best = max(fitting, key=lambda entry: shared[id(entry)], default=None)
        return best if best is not None and shared[id(best)] >= least else None

    def _use(self, entry: _Entry) -> None:
        """The entry is the last that should go; its file's time says so to later servers."""
        with self._lock:
            if entry in self._entries:
                self._entries.remove(entry)
                self._entries.append(entry)
        with contextlib.suppress(OSError):
            os.utime(entry.path)

    def _look(self, path: Path) -> _Entry | None:
        try:
            return _Entry(_header(path), path, path.stat().st_size)
        except (OSError, DamagedError) as error:
            self._refuse(path, str(error))
            return None

    def _forget(self, entry: _Entry) -> None:
        with self._lock:
            if entry in self._entries:
                self._entries.remove(entry)

    def _refuse(self, path: Path, reason: str) -> None:
        self._note(f"{path} is not used, and is removed: {reason}")
        _remove(path)


def _is_part(old: _Entry, new: _Entry) -> bool:
    return common_length(old.tokens, new.tokens) == len(old.tokens)


def _packed(tokens: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(tokens)}i", *tokens)


def _header(path: Path) -> list[int]:
    """The tokens of a file of the right length; its digest is only checked when it is used."""
    with path.open("rb") as file:
        start = file.read(len(_MAGIC) + _COUNTS.size)
        if len(start) < len(_MAGIC) + _COUNTS.size or not start.startswith(_MAGIC):
            raise DamagedError("it does not begin as such a file does")
        count, length = _COUNTS.unpack(start[len(_MAGIC) :])
        if len(start) + 4 * count + length + _DIGEST != path.stat().st_size:
            raise DamagedError("it is cut, or has grown")
        return _numbers(file.read(4 * count))


def _read(path: Path) -> tuple[list[int], bytes]:
    whole = path.read_bytes()
    body, digest = whole[:-_DIGEST], whole[-_DIGEST:]
    if hashlib.blake2b(body, digest_size=_DIGEST).digest() != digest:
        raise DamagedError("its content has changed since it was written")
    count, _ = _COUNTS.unpack_from(body, len(_MAGIC))
    start = len(_MAGIC) + _COUNTS.size
    return _numbers(body[start : start + 4 * count]), body[start + 4 * count :]


def _numbers(raw: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(raw) // 4}i", raw))


def _write(path: Path, parts: Sequence[bytes]) -> None:
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    try:
        # Prompts are nobody else's business.
        with open(os.open(unfinished, _FLAGS, 0o600), "wb") as file:
            for part in parts:
                file.write(part)
        unfinished.replace(path)
    except OSError:
        _remove(unfinished)
        raise


def _clear_unfinished(folder: Path) -> None:
    """Removes what a process that was killed has left; what is recent may still be written."""
    for path in folder.glob("*.part"):
        if _last_use(path) < (time.time() - _STALE) * 1e9:
            _remove(path)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _last_use(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
