"""Give experts Python functions to call before they answer, and watch them do it.

The built-in models are too small to call tools. So this asks a stand-in on this machine, which
speaks the chat API and calls `add` as a model would; or a real server:

python examples/tools.py
python examples/tools.py http://localhost:11434/v1 qwen3 "What is 17 + 25?"
"""

from __future__ import annotations

import asyncio
import re
import sys
from datetime import date

import council
from council.events import ToolCalled, ToolReturned
from council.testing import DONE, Request, Step, choice, misbehaving_server, stream, whole_reply

QUESTION = "What is 17 + 25?"


def add(a: int, b: int) -> int:
    """Adds two whole numbers, exactly."""
    return a + b


async def today() -> str:
    """The date of today, as YYYY-MM-DD."""
    return date.today().isoformat()


async def ask(endpoint: str, model: str, question: str) -> None:
    panel = {"experts": [{"id": id, "model": model, "endpoint": endpoint} for id in ("ada", "bob")]}
    async with (
        council.open_council(panel) as opened,
        opened.stream(question, tools=[add, today]) as run,
    ):
        async for event in run:
            match event:
                case ToolCalled():
                    print(f"{event.expert} calls {event.name} {event.arguments}")
                case ToolReturned():
                    print(f"{event.expert} is told {event.result} after {event.seconds:.3f} s")
                case _:
                    pass
    print(run.result.answer)


def stand_in(request: Request) -> list[Step]:
    """What a model would send: a call of `add`, and then what that gave, as a sentence."""
    messages = request.json["messages"]
    a, b = re.findall(r"\d+", messages[0]["content"])[:2]
    if messages[-1]["role"] == "tool":
        return whole_reply(f"{a} + {b} = {messages[-1]['content']}.")
    call = {"name": "add", "arguments": f'{{"a": {a}, "b": {b}}}'}
    piece = {"index": 0, "id": "call-1", "type": "function", "function": call}
    called = choice(delta={"tool_calls": [piece]}, finish_reason="tool_calls")
    return stream(called, DONE)


async def main(*arguments: str) -> None:
    if len(arguments) >= 2:
        endpoint, model, *question = arguments
        await ask(endpoint, model, " ".join(question) or QUESTION)
        return
    async with misbehaving_server(stand_in) as server:
        await ask(server.url, "stand-in", QUESTION)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
