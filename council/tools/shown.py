"""What of a tool's arguments and results may be shown and kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from council.store.secrets import Scrubber, without_secrets

EXCERPT = 2000
"""Characters of arguments, and of a result, that events and records have."""

MOST_READ = 1_000_000
"""Characters; in what is longer nobody looks for secrets, so that none of it is shown."""


class Shown:
    """Hides secrets in texts of tools, and shortens them.

    Known secrets are taken out first: half of one, left by the cut, nobody would find.

    Args:
        secrets: Texts that must not be shown.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self.scrubbed = Scrubber(secrets).text
        """Takes known secrets out of a text, as they are or escaped in JSON."""

    def __call__(self, text: str) -> str:
        """An excerpt without secrets; what looks like one is hidden by the record's own rules."""
        if len(text) > MOST_READ:
            return f"({len(text)} characters)"
        text = _without_looks(self.scrubbed(text))
        return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"


def _without_looks(text: str) -> str:
    value = _json(text)
    hidden = without_secrets(value)
    # As the model wrote it, unless something is hidden.
    if hidden == value:
        return text
    # Half of a surrogate pair, which JSON can escape but no event can carry, may be in it.
    return json.dumps(hidden, ensure_ascii=False).encode("utf-8", "replace").decode()


def _json(text: str) -> Any:
    """The value that a text is the JSON of; a text that is none is a value itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
