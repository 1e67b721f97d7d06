"""Keys and headers that no request could carry, found before one is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from council.config.mistakes import KeyPath

if TYPE_CHECKING:
    from council.config.schema import EndpointConfig

_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def credential_problems(entry: EndpointConfig) -> Iterator[tuple[KeyPath, str]]:
    """What is wrong with an entry's `api_key` and `headers`: the key, and words without values."""
    if entry.api_key is not None:
        problem = _problem(entry.api_key.get_secret_value(), spaces=False)
        if problem:
            yield ("api_key",), f"the key {problem}: copy it again, without anything around it"
    for name, value in entry.headers.items():
        if not _HEADER_NAME.fullmatch(name):
            yield ("headers", name), "no HTTP header can have this name: letters, digits and `-`"
        problem = _problem(value.get_secret_value(), spaces=True)
        if problem:
            yield ("headers", name), f"the value {problem}, which no HTTP header can carry"


def _problem(secret: str, *, spaces: bool) -> str:
    """What keeps a text out of a header; white space around it does not, it is cut off."""
    text = secret.strip()
    if not text.isascii():
        return "has characters other than ASCII"
    if "\n" in text or "\r" in text:
        return "goes over several lines"
    if not spaces and any(character.isspace() for character in text):
        # No key has spaces; the word before one is most often the scheme.
        return "has the word `Bearer` before it" if _has_scheme(text) else "has a space inside"
    return "" if text.isprintable() else "has control characters"


def _has_scheme(text: str) -> bool:
    return text.lower().startswith("bearer ")
