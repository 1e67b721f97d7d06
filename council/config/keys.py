"""API keys that council keeps for the user: in the keyring, or in a file nobody else may read.

A file `keys.json` in the user's configuration folder names them all. A key itself stands there only
where no keyring can be used; else the file says `null`, and the keyring has it.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from council.config.places import config_folder
from council.errors import ConfigError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

Where = Literal["keyring", "file"]
"""What holds a key."""

FILE_NAME = "keys.json"
SERVICE = "council"
"""What council's entries are called in a keyring."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LEAST_PRIORITY = 1  # below it keyring counts backends that keep nothing, or keep it in the open
_MOST_BYTES = 1 << 20

_given: set[str] = set()


def key_file() -> Path:
    """The file that names the keys."""
    return config_folder() / FILE_NAME


def set_key(name: str, key: str) -> Where:
    """Keeps a key under the name of an environment variable; says what holds it.

    Raises:
        ConfigError: No variable can have this name, no header can carry the key, or nothing could
            be written.
    """
    _check_name(name)
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise ConfigError(f"{name}: a key has at least one character, and only printable ASCII")
    kept = _read()
    held = _put_into_keyring(name, key)
    _write({**kept, name: None if held else key})
    return "keyring" if held else "file"


def remove_key(name: str) -> None:
    """Forgets a key.

    Raises:
        ConfigError: There is none of this name, or the file cannot be written.
    """
    kept = _read()
    if name not in kept:
        raise ConfigError(f"no key {name!r} is kept{_known(kept)}")
    if kept.pop(name) is None and (keyring := _keyring()) is not None:
        # Somebody may have taken it out there already; what backends raise then is their own.
        with suppress(Exception):
            keyring.delete_password(SERVICE, name)
    _write(kept)


def kept_keys() -> dict[str, Where]:
    """The names of all keys, and what holds each.

    Raises:
        ConfigError: The file cannot be read, or others may read it.
    """
    return {name: "keyring" if key is None else "file" for name, key in sorted(_read().items())}


def find_key(name: str) -> tuple[str, Where] | None:
    """The key of that name and what holds it; None where none is kept.

    Raises:
        ConfigError: As for `kept_keys`, or the keyring does not give it.
    """
    kept = _read()
    if name not in kept:
        return None
    key = kept[name]
    found = _from_keyring(name) if key is None else key
    _given.add(found)
    return found, "keyring" if key is None else "file"


def given_keys() -> frozenset[str]:
    """What this process has been given by `find_key`: as secret as the environment's keys."""
    return frozenset(_given)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} is no name of a key: it is what panels write as ${{NAME}}, like"
            " OPENAI_API_KEY"
        )


def _known(kept: Mapping[str, str | None]) -> str:
    return f" (known: {', '.join(sorted(kept))})" if kept else ""


def _keyring() -> KeyringBackend | None:
    """The user's keyring; None where there is none that keeps anything."""
    try:
        import keyring
    except ImportError:
        return None
    try:
        backend = keyring.get_keyring()
        return backend if backend.priority >= _LEAST_PRIORITY else None
    except Exception:  # backends ask the desktop, and raise whatever comes of it
        return None


def _put_into_keyring(name: str, key: str) -> bool:
    backend = _keyring()
    if backend is None:
        return False
    try:
        backend.set_password(SERVICE, name, key)
    except Exception:  # a locked keyring, no desktop: the file is there for that
        return False
    return True


def _from_keyring(name: str) -> str:
    backend = _keyring()
    if backend is None:
        problem = "no keyring can be used here"
    else:
        try:
            found = backend.get_password(SERVICE, name)
        except Exception as error:  # as above
            found, problem = None, f"the keyring does not give it: {type(error).__name__}"
        else:
            problem = "it is not there any more"
        if found:
            return found
    raise ConfigError(
        f"the key {name} was put into the keyring, and {problem}: export {name}, or run"
        f" `council keys set {name}` again"
    )


def _read() -> dict[str, str | None]:
    path = key_file()
    try:
        # Not blocking: a pipe of this name would hold up everything for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            if os.name == "posix" and mode & 0o077:
                raise ConfigError(f"{path}: others may read or write it: run chmod 600 {path}")
            content = file.read(_MOST_BYTES)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    return _parsed(content, path)


def _parsed(content: bytes, path: Path) -> dict[str, str | None]:
    try:
        kept = json.loads(content)
    except ValueError:
        kept = None
    if not isinstance(kept, dict) or not all(isinstance(key, str | None) for key in kept.values()):
        # Nothing of the content is repeated: what cannot be read may be a key all the same.
        raise ConfigError(f"{path}: not a file of keys: remove it, and set the keys again")
    return kept


def _write(kept: Mapping[str, str | None]) -> None:
    """Writes all keys, whole or not at all, into a file for the user alone."""
    path = key_file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{FILE_NAME}.")
        try:
            with open(descriptor, "w", encoding="utf-8") as file:  # mkstemp's mode is 0600
                json.dump(dict(sorted(kept.items())), file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
