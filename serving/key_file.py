"""The file of keys: ``name: key`` a line, which nobody else may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from serving.accounts import Rates
from serving.errors import OptionError
from serving.keys import Key, make_key

_MOST_BYTES = 1 << 20
_RATES = {"requests-per-minute": "requests", "tokens-per-minute": "tokens"}
_FORM = "NAME: KEY [requests-per-minute=N] [tokens-per-minute=N]"


def read_key_file(path: Path, rates: Rates) -> tuple[Key, ...]:
    """The keys of a file.

    Args:
        path: The file.
        rates: Of the server, for what a key does not set.

    Raises:
        OptionError: It cannot be read, others may read it, or a line is malformed.
    """
    text = _read(path)
    keys = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            keys.append(_parse(line, f"{path}, line {number}", rates))
    if not keys:
        # A file that was emptied by mistake must not open the server to everybody.
        raise OptionError(f"{path}: there is no key in it; a line is {_FORM}")
    return tuple(keys)


def _read(path: Path) -> str:
    try:
        # Not blocking: a named pipe that nobody writes to would hold up the start for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with open(descriptor, encoding="utf-8") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OptionError(f"{path}: that is no file")
            if found.st_mode & 0o077:
                raise OptionError(
                    f"{path}: others may read or write it (mode {found.st_mode & 0o777:o}); run:"
                    f" chmod 600 {path}"
                )
            if found.st_size > _MOST_BYTES:
                raise OptionError(f"{path}: it has more than {_MOST_BYTES} bytes")
            return file.read()
    except UnicodeDecodeError as error:
        raise OptionError(f"{path}: it is no UTF-8 text") from error
    except OSError as error:
        raise OptionError(f"{path}: {error.strerror}") from error


def _parse(line: str, place: str, rates: Rates) -> Key:
    name, colon, rest = line.partition(":")
    words = rest.split()
    if not (colon and words):
        raise OptionError(f"{place}: expected {_FORM}")
    own = {"requests": rates.requests, "tokens": rates.tokens}
    for word in words[1:]:
        option, _, value = word.partition("=")
        if option not in _RATES or not (value.isascii() and value.isdigit() and len(value) < 10):
            raise OptionError(f"{place}: expected {_FORM}")
        own[_RATES[option]] = int(value)
    return make_key(name.strip(), words[0], place, Rates(**own) if words[1:] else None)
