"""Checks of how an endpoint is reached: the certificates that are trusted, and the proxy."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")  # how OpenSSL finds a certificate in a folder


def checked_bundle(path: Path) -> str:
    """The path of a file or folder of certificates, absolute.

    Raises:
        ValueError: There is none, or it holds no certificate that OpenSSL would find.
    """
    path = path.expanduser().absolute()
    try:
        state = path.stat()
        usable = _has_hashes(path) if path.is_dir() else _is_pem(path, state.st_mtime_ns)
    except OSError as error:
        raise ValueError(f"no CA bundle at {path}: {error.strerror or error}") from None
    if not usable:
        way_out = "run `openssl rehash` on it, or name a file" if path.is_dir() else "PEM is needed"
        raise ValueError(f"{path} holds no certificate that can be read: {way_out}")
    return str(path)


def checked_proxy(url: str) -> str:
    """The URL of a proxy; errors repeat nothing of it: it may hold a password.

    Raises:
        ValueError: It is no http or https URL with a host.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname) and parts.port != 0 and url.isprintable() and " " not in url
    except ValueError:
        valid = False
    if not valid or parts.scheme not in ("http", "https"):
        kind = "a SOCKS proxy" if url.lower().startswith("socks") else "not an http(s) URL"
        raise ValueError(f"the proxy is {kind}: write e.g. http://user:password@localhost:3128")
    if ":" in unquote(parts.username or ""):
        raise ValueError("the user of a proxy can have no colon in its name")
    return url


def _has_hashes(folder: Path) -> bool:
    return any(_HASHED.fullmatch(entry.name) for entry in folder.iterdir())


@lru_cache(maxsize=16)  # a large panel names the same file for each of its experts
def _is_pem(file: Path, changed: int) -> bool:
    # Imported when it is needed: most panels name no bundle.
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except ssl.SSLError:
        return False
    return True
