"""One file from the hub: what there is already is gone on with, and what came is verified."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import BinaryIO

from council.config.model_folder import in_words
from council.errors import AgentError, ConfigError, TransportError
from council.hub.failures import fenced
from council.hub.listing import RemoteFile, Repository, endpoint, token
from council.retry import RetryPolicy

RETRIES = RetryPolicy(retries=5, base=1.0)
"""How patient one file is; whatever arrives begins the count anew."""

_PIECE = 1 << 18

Progress = Callable[[int], None]
"""Told how many bytes of a file there are by now."""


def fetch(repository: Repository, file: RemoteFile, target: Path, tell: Progress) -> bool:
    """Brings a file of the hub to this machine; False where it was there already.

    A file that is begun is called `.NAME.….part` until it is whole and verified. Who is interrupted
    goes on from there the next time.

    Args:
        repository: Where it is.
        file: Which one.
        target: Where it is to be.
        tell: Told of progress.

    Raises:
        ConfigError: Another file is there, the disk is too small or cannot be written to, or the
            user may not have the file.
        TransportError: The hub cannot be reached, or fails, several times in a row; or what came
            is not what the hub says it is.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            _check_kept(file, target)
            tell(file.size)
            return False
        with _part_path(file, target).open("a+b", buffering=0) as opened:
            _lock(opened, target)
            if not target.exists():  # else another process has just finished it
                _complete(repository, file, _Part(file, opened), tell)
                os.replace(opened.name, target)
    except OSError as error:
        raise ConfigError(f"{target}: {error.strerror or error}") from None
    return True


class _Part:
    """A file that is not whole yet, and the checksum of what there is of it.

    Args:
        file: What it is to become.
        opened: The file, for reading and appending.
    """

    def __init__(self, file: RemoteFile, opened: BinaryIO) -> None:
        self._file = file
        self._opened = opened
        self.folder = Path(opened.name).parent
        opened.seek(0)
        self._digest, self.size = _digest_of(opened, file)
        if self.size > file.size:
            self.begin_anew()

    def add(self, piece: bytes) -> None:
        """Adds what arrived; raises TransportError for more than there should be."""
        if self.size + len(piece) > self._file.size:
            raise TransportError(f"{self._file.path}: more arrives than the hub says it has")
        rest = memoryview(piece)
        while rest:  # an unbuffered file may take less than it is given
            rest = rest[self._opened.write(rest) :]
        self._digest.update(piece)
        self.size += len(piece)

    def begin_anew(self) -> None:
        """Throws away what there is."""
        self._opened.truncate(0)
        self._digest, self.size = _new_digest(self._file), 0

    def is_right(self) -> bool:
        """Whether it has the checksum of the hub."""
        return self._digest.hexdigest() == (self._file.sha256 or self._file.blob)


def _check_kept(file: RemoteFile, target: Path) -> None:
    with target.open("rb") as opened:
        same = target.stat().st_size == file.size
        same = same and _digest_of(opened, file)[0].hexdigest() == (file.sha256 or file.blob)
    if not same:
        raise ConfigError(
            f"{target} is there, and is not the file of the hub: remove it, or choose another"
            " folder with --to"
        )


def _part_path(file: RemoteFile, target: Path) -> Path:
    """The name of a file that is not whole yet: another content never goes on with it."""
    return target.with_name(f".{target.name}.{(file.sha256 or file.blob)[:12]}.part")


def _lock(opened: BinaryIO, target: Path) -> None:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(f"{target}: another process is pulling it: wait for that one") from None


def _complete(repository: Repository, file: RemoteFile, part: _Part, tell: Progress) -> None:
    """Receives what is missing, and verifies the whole."""
    missing, free = file.size - part.size, shutil.disk_usage(part.folder).free
    if missing > free:
        raise ConfigError(
            f"{part.folder}: {in_words(missing)} are needed and {in_words(free)} are free: make"
            " room, or choose another folder with --to"
        )
    tell(part.size)
    tried, random = 0, Random()
    while part.size < file.size:
        before = part.size
        try:
            _receive(repository, file, part, tell)
        except AgentError as error:
            tried = 1 if part.size > before else tried + 1
            wait = RETRIES.wait(tried, error, random)
            if wait is None:
                raise
            time.sleep(wait)
    if not part.is_right():
        part.begin_anew()  # going on with it would never end well
        raise TransportError(
            f"{file.path}: what arrived is not what the hub says it is (checksum): pull it again"
        )


def _receive(repository: Repository, file: RemoteFile, part: _Part, tell: Progress) -> None:
    """Adds what one response brings, from where the part ends."""
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    url = hf_hub_url(repository.name, file.path, revision=repository.commit, endpoint=endpoint())
    headers = {
        **build_hf_headers(token=token(), library_name="council"),
        # Bytes as they are: a compressed reply would be another length.
        "Accept-Encoding": "identity",
        **({"Range": f"bytes={part.size}-"} if part.size else {}),
    }
    seconds = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with (
        fenced(f"{repository.name}/{file.path}", endpoint()),
        get_session().stream("GET", url, headers=headers, timeout=seconds) as response,
    ):
        if response.status_code >= 400:
            response.read()
        hf_raise_for_status(response)
        if part.size and not _goes_on(response.status_code, response.headers, part.size):
            part.begin_anew()
        for piece in response.iter_bytes(_PIECE):
            part.add(piece)
            tell(part.size)
    if part.size < file.size:
        raise TransportError(f"{file.path}: the connection ended before the file did")


def _goes_on(status: int, headers: Mapping[str, str], begin: int) -> bool:
    """Whether a response is what was asked for: the bytes from `begin` on."""
    return status == 206 and headers.get("content-range", "").startswith(f"bytes {begin}-")


def _new_digest(file: RemoteFile) -> hashlib._Hash:
    """The checksum that the hub has of such a file: of small ones it is Git's."""
    if file.sha256:
        return hashlib.sha256()
    return hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)


def _digest_of(content: BinaryIO, file: RemoteFile) -> tuple[hashlib._Hash, int]:
    """The checksum of what there is, and how many bytes that are."""
    digest, size = _new_digest(file), 0
    while piece := content.read(_PIECE):
        digest.update(piece)
        size += len(piece)
    return digest, size
