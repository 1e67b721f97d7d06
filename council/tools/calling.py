"""One call of a tool, to its outcome: whatever goes wrong is told to the model."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
from pydantic_core import to_json

from council.messages import ToolCall
from council.tools.functions import is_async
from council.tools.tool import BadArguments, Tool

MOST_CHARACTERS = 50_000
"""A model is told no more of a result than that: it would take the place of the question."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call.

    Attributes:
        text: What the model is to be told, however long it is; see `shortened`.
        failed: Whether that says why there is no result.
        seconds: How long it took.
    """

    text: str
    failed: bool
    seconds: float


async def outcome_of(
    call: ToolCall, tools: Mapping[str, Tool], limiter: anyio.CapacityLimiter
) -> Outcome:
    """Runs what a model has called.

    Args:
        call: What it wrote.
        tools: What it may call, by name.
        limiter: Bounds how many plain functions run at once, each in a thread. A cancelled one is
            left to itself.
    """
    started = anyio.current_time()
    failed = True
    try:
        text = await _result(call, tools, limiter)
        failed = False
    except BadArguments as error:
        text = f"the arguments of {call.name} are wrong: {error}"
    except (Exception, SystemExit) as error:
        # A tool that would end the process ends its call.
        text = f"{call.name} failed: {type(error).__name__}: {error}"
    return Outcome(_sendable(text), failed, anyio.current_time() - started)


async def _result(call: ToolCall, tools: Mapping[str, Tool], limiter: anyio.CapacityLimiter) -> str:
    tool = tools.get(call.name)
    if tool is None:
        raise LookupError(f"there is no such tool: there are {', '.join(tools)}")
    arguments = tool.arguments(call.arguments)
    if is_async(tool.run):
        result = tool.run(arguments)
    else:
        run = partial(_boxed, tool, arguments)
        (result,) = await anyio.to_thread.run_sync(run, abandon_on_cancel=True, limiter=limiter)
    if inspect.isawaitable(result):
        result = await result
    return result if isinstance(result, str) else to_json(result, fallback=str).decode()


def _boxed(tool: Tool, arguments: dict[str, Any]) -> tuple[object]:
    # Something to await would be refused as a thread's result.
    return (tool.run(arguments),)


def _sendable(text: str) -> str:
    # What is not UTF-8 (a file's name) comes with surrogates, which no JSON can carry.
    return text.encode("utf-8", "replace").decode()


def shortened(text: str) -> str:
    """As much of an outcome's text as a model is told."""
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]}\n[cut off here: it has {len(text)} characters]"
