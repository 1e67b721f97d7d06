"""What must not reach the record: keys, headers that carry them, and whatever looks like one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from pydantic import BaseModel, SecretStr

from council.agents.secrecy import LEAST, forms, names_secret, without_looks
from council.config import PanelConfig
from council.config.keys import given_keys

HIDDEN = "(secret)"

_VALUE = re.compile(r"(?i)^bearer\s+\S{6,}$")
_URL = re.compile(r"^[a-z][a-z0-9+.\-]*://")


def without_secrets(value: Any, *, free: bool = False) -> Any:
    """JSON values with `(secret)` in the place of what looks like one.

    A value counts as a secret by its key's name or its own look. In fields that are the user's own
    (`extra`, `extra_body`) it also does when it is the value of an environment variable, or a key
    that council keeps: there panel files take their secrets from.

    Args:
        value: JSON values, nested.
        free: Whether this is inside of such a field.
    """
    if isinstance(value, Mapping):
        return {
            key: HIDDEN
            if _hides(str(key), inner)
            else without_secrets(inner, free=free or _free(key))
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(inner, free=free) for inner in value]
    if not isinstance(value, str):
        return value
    return HIDDEN if free and _from_environment(value) else _plain(value)


def public_config(config: PanelConfig) -> dict[str, Any]:
    """A panel file's content as it was understood, without keys and headers' values."""
    values = config.model_dump(mode="json", exclude_defaults=True, fallback=str)
    public: dict[str, Any] = without_secrets(values)
    return public


def secrets_of(config: PanelConfig | None) -> tuple[str, ...]:
    """The secrets of a panel file that are long enough to be told from words."""
    if config is None:
        return ()
    found = {form for secret in _walk("", config) if len(secret) >= LEAST for form in forms(secret)}
    return tuple(sorted(found, key=len, reverse=True))


def environment_secrets() -> tuple[str, ...]:
    """The secrets of the environment: values of variables that are called so (`…_API_KEY`).

    Keys that council keeps count as well, as far as a panel has been given them.
    """
    named = {value for name, value in os.environ.items() if names_secret(name)} | given_keys()
    found = {form for value in named if len(value) >= LEAST for form in forms(value)}
    return tuple(sorted(found, key=len, reverse=True))


class Scrubber:
    """Takes known secrets out of lines of JSON, wherever a server may have repeated them."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._plain = tuple(secrets)
        self._secrets = tuple(
            dict.fromkeys(
                form
                for secret in secrets
                for form in (
                    json.dumps(secret, ensure_ascii=False)[1:-1],
                    json.dumps(secret)[1:-1],
                )
            )
        )

    def __call__(self, line: str) -> str:
        """The line without them."""
        for secret in self._secrets:
            if secret in line:
                line = line.replace(secret, HIDDEN)
        return line

    def text(self, text: str) -> str:
        """A text, JSON or not, without them: here they may stand with quotes of their own."""
        for secret in self._plain:
            text = text.replace(secret, HIDDEN)
        return self(text)


def _hides(name: str, value: Any) -> bool:
    """Whether a key's value is a secret; numbers and truths never are (`max_tokens`)."""
    return isinstance(value, str) and bool(value) and names_secret(name)


def _free(key: object) -> bool:
    return key in ("extra", "extra_body")


def _from_environment(text: str) -> bool:
    return len(text) >= LEAST and (text in os.environ.values() or text in given_keys())


def _plain(text: str) -> str:
    if _VALUE.match(text):
        return HIDDEN
    return without_looks(_public_url(text) if _URL.match(text) else text, HIDDEN)


def _public_url(text: str) -> str:
    """A URL without user, password and the values of its query."""
    try:
        parts = urlsplit(text)
        host = parts.netloc.rpartition("@")[2]
        query = "&".join(f"{name}={HIDDEN}" for name, _ in parse_qsl(parts.query, True))
    except ValueError:
        return HIDDEN
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def _walk(name: str, value: Any) -> Iterator[str]:
    """Every secret in a part of a panel file."""
    if isinstance(value, SecretStr):
        # A header that carries no key (a site's name) is no secret: texts may speak of it.
        if name in ("api_key", "proxy") or names_secret(name):
            yield from _pieces(value.get_secret_value())
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from _walk(field, getattr(value, field))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _walk(str(key), inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _walk(name, inner)
    elif isinstance(value, str):
        yield from _hidden_in(name, value)


def _hidden_in(name: str, text: str) -> Iterator[str]:
    if _hides(name, text) or _plain(text) == HIDDEN:
        yield from _pieces(text)
    elif _URL.match(text):
        yield from _url_secrets(text)


def _pieces(text: str) -> Iterator[str]:
    """A secret as it is, and what of it is secret by itself (`Bearer …`, a URL's password)."""
    yield text.strip()
    yield from text.split()[1:]
    if _URL.match(text):
        yield from _url_secrets(text)


def _url_secrets(text: str) -> Iterator[str]:
    try:
        parts = urlsplit(text)
    except ValueError:
        return
    yield from filter(None, (parts.password, *(value for _, value in parse_qsl(parts.query))))
