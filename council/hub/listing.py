"""What the hub knows of a repository: its GGUF files, their sizes and checksums."""

from __future__ import annotations

import difflib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from council.config.hints import nearest
from council.config.keys import find_key
from council.config.model_folder import first_part
from council.errors import ConfigError, CouncilError
from council.hub.failures import UnknownRepo, fenced, require_hub

_MOST_HITS = 50


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository, at one commit.

    Attributes:
        path: Where it is in the repository.
        size: Bytes.
        sha256: Of its content, where the hub keeps it as a large file.
        blob: Git's own checksum of it, for the others.
    """

    path: str
    size: int
    sha256: str = ""
    blob: str = ""


@dataclass(frozen=True, slots=True)
class Repository:
    """The GGUF files of a repository.

    Attributes:
        name: `owner/name`.
        commit: Which state of it this is.
        files: By path.
    """

    name: str
    commit: str
    files: tuple[RemoteFile, ...]

    def wanted(self, path: str) -> tuple[RemoteFile, ...]:
        """A file, with the others of its model where that is cut into several.

        Raises:
            ConfigError: There is no such file; names the nearest.
        """
        first = first_part(Path(path))
        found = tuple(file for file in self.files if first_part(Path(file.path)) == first)
        if not any(file.path == path for file in found):
            raise ConfigError(
                f"{self.name} has no file {path!r}{nearest(path, [f.path for f in self.files])}"
            )
        return found


def endpoint() -> str:
    """The hub's URL: `HF_ENDPOINT`, or Hugging Face's own."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def token() -> str | None:
    """The user's token: `HF_TOKEN` of the environment or of `council keys`.

    None leaves it to the library, which knows who has logged in.
    """
    if os.environ.get("HF_TOKEN"):
        return None
    kept = find_key("HF_TOKEN")
    return kept[0] if kept else None


def read_repository(name: str, revision: str = "") -> Repository:
    """Asks the hub for a repository.

    Raises:
        ConfigError: There is none, it is not the user's to have, or the library is missing.
        TransportError: The hub cannot be reached, or fails.
    """
    require_hub()
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint(), token=token())
    what = f"{name} at {revision}" if revision else name
    try:
        with fenced(what, endpoint()):
            info = api.model_info(name, revision=revision or None, files_metadata=True, timeout=30)
    except UnknownRepo as error:
        raise ConfigError(f"{error}{_near(api, name)}") from None
    files = tuple(sorted(_files(info.siblings or ()), key=lambda file: file.path))
    if not files:
        raise ConfigError(f"{what} has no GGUF file: look for a repository with GGUF in its name")
    return Repository(info.id or name, info.sha or revision or "main", files)


def _files(siblings: Any) -> list[RemoteFile]:
    files = []
    for one in siblings:
        path = PurePosixPath(one.rfilename)
        if path.suffix != ".gguf" or path.is_absolute() or ".." in path.parts:
            continue
        sha256 = one.lfs["sha256"] if one.lfs else ""
        files.append(RemoteFile(str(path), one.size or 0, sha256, one.blob_id or ""))
    return files


def _near(api: Any, name: str) -> str:
    """Repositories of a similar name, as far as the hub's search finds any."""
    known: list[str] = []
    with suppress(CouncilError), fenced(name, endpoint()):
        hits = api.list_models(search=name.rpartition("/")[2], limit=_MOST_HITS)
        known = [hit.id for hit in hits]
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f" (near: {', '.join(close)})" if close else ""
