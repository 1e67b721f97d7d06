"""Certificates made for a test."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


class Authority:
    """A CA that nobody knows, and the servers that show its certificates.

    Args:
        folder: Where its own certificate is written, as `ca.pem`.
    """

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def server(self, host: str = "127.0.0.1") -> ssl.SSLContext:
        """What a server for that host needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(host).configure_cert(context)
        return context
