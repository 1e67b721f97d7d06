"""API keys: how they are written, and whether a request has one of them."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field

from serving.accounts import Rates
from serving.errors import OptionError

_PREFIX = "sk-council-"
_LEAST = 8
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SECRET = re.compile(r"[!-+\--9;-~]+")  # printable ASCII, but for spaces, commas and colons
_PEPPER = secrets.token_bytes(32)
"""Makes digests worthless to whoever sees this process' memory but not all of it."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that opens the server.

    Attributes:
        name: Who has it, for the log and as owner of what a client keeps here.
        digest: Of the key itself, which is not kept.
        rates: Its own rates; None for those of the server.
    """

    name: str
    digest: bytes = field(repr=False)
    rates: Rates | None = None


class Keys:
    """All keys of a server."""

    def __init__(
        self, keys: Sequence[Key], same: Callable[[bytes, bytes], bool] = hmac.compare_digest
    ) -> None:
        """Takes the keys, and what compares two digests in a time that does not depend on them.

        Raises:
            OptionError: Two have the same name.
        """
        for name, count in Counter(key.name for key in keys).items():
            if count > 1:
                raise OptionError(
                    f"two API keys have the name {name!r}; give one another: NAME:KEY"
                )
        self._keys = tuple(keys)
        self._same = same

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, given: Iterable[str]) -> Key | None:
        """The key that was given, if any of these is one.

        Each is compared with all keys, found or not, so that the time tells nothing.
        """
        found: Key | None = None
        for secret in given:
            digest = digest_of(secret)
            for key in self._keys:
                if self._same(digest, key.digest):
                    found = key
        return found


def digest_of(secret: str) -> bytes:
    """What is kept of a key while this process runs."""
    return hashlib.blake2b(secret.encode(), key=_PEPPER, digest_size=32).digest()


def new_secret() -> str:
    """A random key of 256 bits."""
    return _PREFIX + secrets.token_urlsafe(32)


def parse_keys(texts: Iterable[str], origin: str, first: int = 1) -> tuple[Key, ...]:
    """Reads ``KEY`` or ``NAME:KEY``; keys without a name are ``key1``, ``key2`` and so on.

    Args:
        texts: One for each key.
        origin: The option or variable they come from.
        first: The number of the first one.

    Raises:
        OptionError: One is malformed. The text does not show it.
    """
    found = []
    for number, text in enumerate(texts, start=first):
        name, colon, secret = text.strip().rpartition(":")
        name = name if colon else f"key{number}"
        found.append(make_key(name, secret, f"{origin}, key {number}"))
    return tuple(found)


def collect_keys(
    texts: Sequence[str], environment: MutableMapping[str, str], variable: str
) -> tuple[Key, ...]:
    """The keys of the command line and of a variable, which has commas between them.

    The variable is taken out of the environment: no child of the server needs it.

    Args:
        texts: What ``--api-key`` was given.
        environment: Where the variable is looked for.
        variable: Its name.

    Raises:
        OptionError: A key is malformed. The text does not show it.
    """
    more = [text for text in environment.pop(variable, "").split(",") if text.strip()]
    return (
        *parse_keys(texts, "--api-key"),
        *parse_keys(more, variable, first=len(texts) + 1),
    )


def sent_keys(authorization: str, x_api_key: str) -> list[str]:
    """The keys of a request, from the two headers that clients put them in; empty for none."""
    scheme, _, token = authorization.strip().partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return [key for key in (bearer, x_api_key.strip()) if key]


def make_key(name: str, secret: str, place: str, rates: Rates | None = None) -> Key:
    """A key of a name.

    Args:
        name: Who has it.
        secret: The key itself.
        place: Where it is written, for errors.
        rates: Its own rates.

    Raises:
        OptionError: Name or key are malformed. The text does not show the key.
    """
    if not _NAME.fullmatch(name):
        raise OptionError(
            f"{place}: a name has letters, digits, '.', '_' and '-', at most 64 of them"
        )
    if not _SECRET.fullmatch(secret):
        raise OptionError(
            f"{place}: a key is printable ASCII without spaces, commas and colons, written as KEY"
            " or NAME:KEY"
        )
    if len(secret) < _LEAST:
        raise OptionError(f"{place}: a key has at least {_LEAST} characters")
    return Key(name, digest_of(secret), rates)
