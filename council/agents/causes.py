"""Why a connection failed, in the same plain words whichever library met it."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

import aiohttp
import httpx

_BY_ERRNO = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.ECONNABORTED: "connection aborted",
    errno.EPIPE: "connection reset",
    errno.ETIMEDOUT: "connection timed out",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ENETUNREACH: "network unreachable",
    errno.EADDRNOTAVAIL: "no address for it on this machine",
    errno.EMFILE: "too many open files",
}

_UNKNOWN_ISSUER = frozenset((2, 18, 19, 20, 21))  # of OpenSSL's X509_V_ERR_ codes

_SPEAKS_NO_TLS = frozenset(("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"))

_HUNG_UP = ("Server disconnected", "peer closed connection", "Not enough data")


def plain_cause(error: BaseException) -> str:
    """What went wrong, from the most telling error behind this one."""
    behind = list(_behind(error, set()))
    for words in (_system_words, _protocol_words):
        for found in behind:
            said = words(found)
            if said:
                return said
    return str(error) or type(error).__name__


def is_distrust(error: BaseException) -> bool:
    """Whether a certificate was looked at and not trusted."""
    return any(isinstance(found, ssl.SSLCertVerificationError) for found in _behind(error, set()))


def refused_by_proxy(error: BaseException) -> tuple[int, str] | None:
    """The status and reason of a proxy that would not connect, None if that is not the cause."""
    for found in _behind(error, set()):
        if isinstance(found, aiohttp.ClientHttpProxyError):
            return found.status, found.message
    if isinstance(error, httpx.ProxyError):
        # httpcore has only a text for it: `407 Proxy Authentication Required`.
        status, _, reason = str(error).partition(" ")
        return (int(status), reason) if status.isdecimal() else None
    return None


def _behind(error: BaseException, seen: set[int]) -> Iterator[BaseException]:
    """The error and all that led to it, the nearest first."""
    if id(error) in seen:
        return
    seen.add(id(error))
    yield error
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _behind(one, seen)
    before = error.__cause__ or error.__context__
    if before is not None:
        yield from _behind(before, seen)


def _system_words(error: BaseException) -> str | None:
    if isinstance(error, aiohttp.ClientSSLError):
        return None  # an SSLError by name; the one behind it knows more
    if isinstance(error, ssl.SSLError):
        return _tls_words(error)
    if isinstance(error, socket.gaierror):
        again = error.errno == socket.EAI_AGAIN
        return "the host's name cannot be looked up just now" if again else "no such host"
    if isinstance(error, OSError):
        return _BY_ERRNO.get(error.errno or 0)
    return None


def _tls_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        way_out = (
            " (name the file of its CA with `verify`; `verify: false` trusts anybody)"
            if error.verify_code in _UNKNOWN_ISSUER
            else ""
        )
        return f"certificate not trusted: {error.verify_message.rstrip('.')}{way_out}"
    if error.reason in _SPEAKS_NO_TLS:
        return "the server speaks no TLS (is it http:// and not https://?)"
    reason = (error.reason or "the server hung up").replace("_", " ").lower()
    return f"TLS failed: {reason}"


def _protocol_words(error: BaseException) -> str | None:
    text = str(error)
    if any(known in text for known in _HUNG_UP):
        return "the server hung up"
    foreign = (httpx.RemoteProtocolError, aiohttp.ClientResponseError, aiohttp.ClientPayloadError)
    return "that is no valid HTTP" if isinstance(error, foreign) else None
