"""What people write for a file on the hub."""

from __future__ import annotations

import re
from dataclasses import dataclass

from council.errors import ConfigError

_PREFIX = re.compile(r"hf://|https?://(?:www\.)?(?:huggingface\.co|hf\.co)/")
_WORD = re.compile(r"[\w.\-]+", re.ASCII)
_PAGES = ("blob", "resolve", "raw", "tree")


@dataclass(frozen=True, slots=True)
class Address:
    """A repository on the hub, and a file in it if one is named.

    Attributes:
        repo: `owner/name`.
        file: The file's path in it; empty for the repository itself.
        revision: A branch, tag or commit; empty where none is named.
    """

    repo: str
    file: str = ""
    revision: str = ""


def read_address(text: str) -> Address:
    """Reads `owner/name`, `owner/name/path/to/file.gguf`, or the URL of such a page.

    Raises:
        ConfigError: It is none of these.
    """
    prefix = _PREFIX.match(text)
    rest = text[prefix.end() :].partition("?")[0] if prefix else text
    owner, *parts = rest.strip().strip("/").split("/")
    if not parts or not _WORD.fullmatch(owner) or not _WORD.fullmatch(parts[0]):
        raise ConfigError(
            f"{text!r} is no repository on the hub: write OWNER/NAME, or OWNER/NAME/FILE.gguf"
        )
    name, *path = parts
    revision = ""
    if prefix and len(path) > 1 and path[0] in _PAGES:
        revision, path = path[1], path[2:]
    return Address(f"{owner}/{name}", "/".join(path), revision)
