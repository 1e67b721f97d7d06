"""A server that misbehaves on command: by the model's name, or by a script."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

from council.config.hints import nearest
from council.testing.behaviours import BEHAVIOURS, steps_of
from council.testing.frames import plain_reply
from council.testing.raw_server import Answer, RawServer, serving, serving_in_thread
from council.testing.steps import Request, Step

Reply = str | Sequence[Step]
"""A behaviour's name, or the steps of a reply."""

Script = Reply | Callable[[Request], Reply]
"""What to answer each request with, or a function that says so for each."""


@asynccontextmanager
async def misbehaving_server(
    *script: Script, tls: ssl.SSLContext | None = None, in_thread: bool = False
) -> AsyncGenerator[RawServer, None]:
    """A server of OpenAI's chat API for the length of the block, on this machine alone.

    Args:
        script: How the n-th request is answered; further ones get the last. Without a script the
            request's `model` names the behaviour, and `GET …/models` lists them.
        tls: Makes it an HTTPS server.
        in_thread: Runs it in a thread with an event loop of its own, for clients that block
            theirs. What the script makes events of is then called in that thread.

    Raises:
        ValueError: The script names a behaviour that does not exist.

    Example:
        >>> async with misbehaving_server("busy", "whole") as server:
        ...     agent = OpenAIHTTPAgent("ada", "m", server.url)
    """
    answer = answering(*script)
    if in_thread:
        with serving_in_thread(answer, tls=tls) as server:
            yield server
        return
    async with serving(answer, tls=tls) as server:
        yield server


def answering(*script: Script) -> Answer:
    """What such a script answers; arguments and errors as for `misbehaving_server`."""
    if not script:
        return by_model
    for name in script:
        if isinstance(name, str) and name not in BEHAVIOURS:
            raise ValueError(f"there is no behaviour {name!r}{nearest(name, list(BEHAVIOURS))}")
    scripts = list(script)

    def answer(request: Request) -> Sequence[Step]:
        now = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        reply = now(request) if callable(now) else now
        return steps_of(reply) if isinstance(reply, str) else reply

    return answer


def by_model(request: Request) -> Sequence[Step]:
    """Answers as the request's `model` is called."""
    if request.line.startswith("GET "):
        return plain_reply("200 OK", json.dumps({"data": [{"id": name} for name in BEHAVIOURS]}))
    try:
        return steps_of(request.json["model"])
    except (ValueError, KeyError, TypeError):
        known = ", ".join(BEHAVIOURS)
        message = f"`model` has to be the name of a behaviour: {known}"
        return plain_reply("404 Not Found", json.dumps({"error": {"message": message}}))
