"""Messages as bytes: four bytes of length (big endian), then that many bytes of JSON.

The same bytes are written by blocking code in the worker and by asyncio in the server, so this file
knows the format and both ways to read it, and nothing of pipes or processes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, BinaryIO

from pydantic import Field, TypeAdapter

from backend.engine.messages import Command, Event, Step

_PREFIX = 4
_commands: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="type")])
_steps = TypeAdapter(Step)
_events: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])


def encode_command(command: Command) -> bytes:
    """The frame of a command."""
    return _frame(_commands.dump_json(command))


def encode_event(event: Event) -> bytes:
    """The frame of an event."""
    if isinstance(event, Step):  # one for each token: half the time without the choice of a type
        return _frame(_steps.dump_json(event))
    return _frame(_events.dump_json(event))


def read_commands(stream: BinaryIO) -> Iterator[Command]:
    """Yields commands from a blocking stream until it ends, also when it ends inside a frame.

    Raises:
        pydantic.ValidationError: The frame holds something else.
    """
    while prefix := stream.read(_PREFIX):
        size = int.from_bytes(prefix, "big")
        body = stream.read(size)
        if len(prefix) < _PREFIX or len(body) < size:
            return
        yield _commands.validate_json(body)


async def read_event(stream: asyncio.StreamReader) -> Event | None:
    """The next event, or None when the stream has ended, also when it ended inside a frame.

    Raises:
        pydantic.ValidationError: The frame holds something else.
    """
    try:
        prefix = await stream.readexactly(_PREFIX)
        body = await stream.readexactly(int.from_bytes(prefix, "big"))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return _events.validate_json(body)


def _frame(body: bytes) -> bytes:
    return len(body).to_bytes(_PREFIX, "big") + body
