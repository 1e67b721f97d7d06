"""Models that the tests of all dialects ask, and what they are told to answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
from pydantic import BaseModel, ConfigDict

from tests.backend.random_model import CHATML, Shape, write_model
from tests.backend.serving import Server, client, health, running, until

NOISE, THINKER, SAGE = "noise", "thinker", "builtin:sage"
FRANCE = "What is the capital of France?"


class Weather(BaseModel):
    """Where to look, and how far ahead."""

    model_config = ConfigDict(extra="forbid", strict=True)

    city: Literal["Bern", "Oslo", "Zürich"]
    days: Literal[1, 3, 7]  # Anthropic's client takes limits of numbers out of a schema


class Yes(BaseModel):
    """An answer of one word."""

    model_config = ConfigDict(extra="forbid")

    yes: bool


FORMS: dict[str, type[BaseModel]] = {"weather": Weather, "agree": Yes}


@contextmanager
def serving(
    folder: Path, *arguments: str, models: Sequence[str] = (NOISE, THINKER, SAGE)
) -> Iterator[Server]:
    """A server with some of three models, which have 8192 tokens of context.

    "noise" writes ASCII for ever, "thinker" does so as well and takes all of it for thoughts; the
    built-in one answers.
    """
    write_model(folder / "noise.gguf", Shape(ascii_only=True))
    thinking = CHATML.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
    assert thinking != CHATML
    write_model(folder / "thinker.gguf", Shape(ascii_only=True, template=thinking))
    files = [name if name == SAGE else f"{folder}/{name}.gguf" for name in models]
    flags = [part for file in files for part in ("--model", file)]
    with running(*flags, "--ctx", "8192", *arguments) as server:
        yield server


def parsed(name: str, arguments: Any) -> BaseModel:
    """A call's arguments, which are as its tool wants them."""
    if isinstance(arguments, str):
        return FORMS[name].model_validate_json(arguments)
    return FORMS[name].model_validate(arguments)


def named_events(text: str) -> list[dict[str, Any]]:
    """The data of events, each of which says its type twice."""
    found = []
    for event in text.split("\n\n")[:-1]:
        first, second = event.split("\n")
        data = json.loads(second.removeprefix("data: "))
        assert first == f"event: {data['type']}"
        found.append(data)
    return found


async def leave(server: Server, path: str, body: dict[str, Any]) -> None:
    """Sends a request that would write 8000 tokens, leaves, and sees that this ends it."""

    async def ask() -> None:
        async with client(server) as web, web.stream("POST", path, json=body) as response:
            await response.aread()

    async with client(server) as web, anyio.create_task_group() as group:
        before = (await health(web))["engine"]["generated"]
        group.start_soon(ask)
        await until(web, lambda found: found["engine"]["generated"] > before + 5)
        group.cancel_scope.cancel()
    async with client(server) as web:
        found = await until(web, lambda found: found["active"] == 0)
    assert found["engine"]["generated"] < before + 8000
