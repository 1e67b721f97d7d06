"""What fields are called in errors, where a dialect has other names than chat requests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from backend.errors import ApiError


@contextlib.contextmanager
def renamed(fields: Mapping[str, str]) -> Iterator[None]:
    """Lets errors name their field as a dialect does.

    Args:
        fields: Parts of a field's name and what stands there instead, the first one first.
    """
    try:
        yield
    except ApiError as error:
        name = field = error.param or ""
        for ours, theirs in fields.items():
            name = name.replace(ours, theirs)
        if field:
            error.param = name
            error.message = error.message.replace(field, name)
        raise
