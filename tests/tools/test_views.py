"""What a person sees of tools while a run goes on."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from rich.console import Console

import council
from council.agents.scripted import ScriptedAgent, Step
from council.cli.view import LineView, LiveView
from council.messages import ChatToken, ToolCallDelta
from council.run import Run

pytestmark = pytest.mark.anyio


def add(a: int, b: int) -> str:
    if a == b:
        raise ValueError("twice\nthe same " + "x" * 200)
    return f"{a + b}\n"


@asynccontextmanager
async def asked() -> AsyncGenerator[Run, None]:
    """An expert that calls a tool twice, the second time in vain."""
    scripts: list[list[Step]] = [
        ["I look it\nup.", ChatToken(tool_calls=(ToolCallDelta(0, id, "add", arguments),))]
        for id, arguments in (("c1", '{"a": 17, "b": 25}'), ("c2", '{"a": 1,\n"b": 1}'))
    ]
    agent = ScriptedAgent("ada", *scripts, "It is 42.")
    async with council.open_council([agent]) as panel, panel.stream("?", tools=[add]) as run:
        yield run


async def test_plain_lines_say_what_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    async with asked() as run:
        with LineView() as view:
            async for event in run:
                view.show(event)
    lines = [line.partition(" | ")[2] for line in capsys.readouterr().err.splitlines()]
    told = [re.sub(r"after [\d.]+ s", "after 1 s", line) for line in lines]
    assert told[:4] == [
        "I look it",
        "up.",
        '(calls add {"a": 17, "b": 25})',
        "(add returned after 1 s: 42)",
    ]
    assert told[6] == '(calls add {"a": 1, "b": 1})'
    assert told[7].startswith("(add failed after 1 s: add failed: ValueError: twice the same xxx")
    assert told[7].endswith("x…)")
    assert told[8] == "It is 42."


async def test_a_terminal_shows_the_answer_without_the_words_before_it() -> None:
    console = Console(file=io.StringIO(), width=100, height=30, force_terminal=True)
    view = LiveView(console)
    states: list[str] = []
    async with asked() as run:
        async for event in run:
            view.show(event)
            with console.capture() as drawn:
                console.print(view.picture())
            states.append(drawn.get())
    view.close()
    assert any("calls add" in state and "I look it" not in state for state in states)
    assert any("add failed after" in state for state in states)
    assert "It is 42." in states[-1]
    assert "I look it" not in states[-1]
