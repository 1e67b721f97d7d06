"""The bytes of a request, within limits, and where in them an error is."""

from __future__ import annotations

import asyncio
import re

from quart import Request

from serving.errors import BodyTooLarge, BodyTooSlow
from serving.exchange import current
from serving.gate import installed

_DISCARDED = 8
"""How many times the limit is read, to be thrown away."""
_UNION_BRANCH = re.compile(r"str$|.*[\[\]-]")
"""Pydantic puts the branch of a union into an error's path; it means nothing to a client."""


async def read_body(request: Request) -> bytes:
    """The bytes of the body.

    One that is too large is read to its end all the same, within reason: a client that is still
    sending when the connection closes never sees the answer.

    Raises:
        BodyTooLarge: It has more bytes than the server's options allow.
        BodyTooSlow: It does not arrive in time.
    """
    options = installed().options
    most, patience = options.max_body, options.body_patience
    kept = bytearray()
    size = 0
    try:
        async with asyncio.timeout(patience):
            async for piece in request.body:
                size += len(piece)
                if size <= most:
                    kept += piece
                elif size > _DISCARDED * most:
                    break
    except TimeoutError as error:
        raise BodyTooSlow(patience) from error
    if size > most:
        raise BodyTooLarge(most)
    found = bytes(kept)
    if (exchange := current()) is not None and exchange.keeps_body:
        exchange.body = found
    return found


def field_path(loc: tuple[int | str, ...]) -> str:
    """The place of pydantic's error as a client would write it: ``messages[0].content``."""
    path = ""
    for step in loc:
        if isinstance(step, int):
            path += f"[{step}]"
        elif not _UNION_BRANCH.match(step):
            path += f".{step}" if path else step
    return path
