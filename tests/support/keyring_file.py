"""A keyring that keeps its entries in a file: what a desktop's would be, where there is none."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class FileKeyring(KeyringBackend):
    """Entries in the file `TEST_KEYRING`; locked while a file of that name with `.locked` is there.

    keyring takes it where `PYTHON_KEYRING_BACKEND` names it.
    """

    priority = 5

    def get_password(self, service: str, username: str) -> str | None:
        """The entry, None where there is none."""
        return self._entries().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Makes the entry or replaces it."""
        self._write({**self._entries(), f"{service}/{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        """Takes the entry out."""
        entries = self._entries()
        if entries.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError(username)
        self._write(entries)

    def _entries(self) -> dict[str, str]:
        file = Path(os.environ["TEST_KEYRING"])
        if file.with_suffix(".locked").exists():
            raise KeyringLocked("locked")
        found: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        return found

    def _write(self, entries: dict[str, str]) -> None:
        Path(os.environ["TEST_KEYRING"]).write_text(json.dumps(entries))
