"""What servers say to `council doctor`."""

from __future__ import annotations

import json
from typing import Any

from council.testing import (
    DONE,
    END,
    FINISH,
    STREAM_HEAD,
    Step,
    chunked,
    keep_alive,
    plain_reply,
    sse,
)


def counted(*texts: str, **choice: Any) -> list[Step]:
    """A whole reply with usage, as a good server sends it; `choice` goes with each text."""
    pieces = [
        sse({"choices": [{"index": 0, "delta": {"content": text}, **choice}]}) for text in texts
    ]
    usage = sse({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": len(texts)}})
    return [STREAM_HEAD, *map(chunked, [*pieces, FINISH, usage, DONE]), END, keep_alive]


def listing(*names: str) -> list[Step]:
    """A list of models."""
    return plain_reply("200 OK", json.dumps({"data": [{"id": name} for name in names]}))


GOOD = counted("OK", " 1", " 2")
NO_LIST = plain_reply("404 Not Found", "")
