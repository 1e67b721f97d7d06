"""The socket of a server, and how Hypercorn serves on it."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from serving.errors import ListenError
from serving.origins import is_loopback

if TYPE_CHECKING:
    from hypercorn.config import Config

_BACKLOG = 512
_KEEP_ALIVE = 75.0
"""Seconds an idle connection stays open, also one whose request never begins; longer than clients
keep theirs, which avoids a race."""
_GRACE = 1.0
"""Seconds that responses have to end once the server is being stopped."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        ListenError: The address is taken or is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenError(
            f"cannot listen on {host}:{port}: {error.strerror}; {_way_out(error)}"
        ) from error
    return listener


def _way_out(error: OSError) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return "--host takes an address of this machine (0.0.0.0 for all it has)"
    return "choose another --port (0 for any)"


def url_of(listener: socket.socket) -> str:
    """Where a listening socket can be reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_local(listener: socket.socket) -> bool:
    """Whether only this machine reaches it."""
    return is_loopback(listener.getsockname()[0])


def http_config(listener: socket.socket, *, keep_alive: float = _KEEP_ALIVE) -> Config:
    """How Hypercorn serves on a socket, which is its own from now on.

    Args:
        listener: The socket.
        keep_alive: Seconds that a connection may be idle, or take to say what it wants.
    """
    # Imported here: other servers listen on such sockets, too, and need no Hypercorn.
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.loglevel = "WARNING"
    config.graceful_timeout = _GRACE
    config.keep_alive_timeout = keep_alive
    config.include_server_header = False
    return config
