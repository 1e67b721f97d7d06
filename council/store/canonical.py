"""One text for one value, and a fingerprint of it: how requests and panels are recognised."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import TypeAdapter

from council.messages import ChatRequest
from council.store.secrets import without_secrets

_REQUEST: TypeAdapter[ChatRequest] = TypeAdapter(ChatRequest)


def canonical(value: Any) -> str:
    """JSON with sorted keys and no blanks; what JSON does not know is written as its `str`."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def fingerprint(text: str) -> str:
    """The SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def request_text(request: ChatRequest) -> str:
    """What a request asks, as canonical JSON without secrets.

    The request's id is left out, since it differs each time, and so are knobs that are not set:
    a knob that a later version brings changes no fingerprint.
    """
    fields = _REQUEST.dump_python(
        request, mode="json", exclude={"request_id"}, exclude_none=True, fallback=str
    )
    return canonical({**fields, "extra": without_secrets(fields["extra"], free=True)})
