"""An agent of your own next to scripted ones, a fallback, and a panel made by hand.

Anything with `id`, `model`, an async generator `chat` and `aclose` is an agent: a database, a rule,
a person. Needs no model at all:

python examples/custom_agent.py
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator

import council
from council import ChatRequest, ChatToken, Expert, FallbackAgent, ScriptedAgent, TransportError


class Calculator:
    """Answers sums, and says so when it is asked something else."""

    id = "calculator"
    model = "arithmetic"

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        numbers = [int(n) for n in re.findall(r"\d+", request.messages[-1].text)]
        yield ChatToken(text=f"{sum(numbers)}" if numbers else "I don't know.")
        yield ChatToken(finish_reason="stop")

    async def aclose(self) -> None:
        """Holds nothing."""


async def main() -> None:
    flaky = ScriptedAgent("flaky", TransportError("the server is down"))
    spare = ScriptedAgent("spare", "I think it is 42.")
    panel = [
        Expert("calculator", Calculator(), weight=2.0),
        Expert("guesser", ScriptedAgent("guesser", "It must be 41.")),
        Expert("backed-up", FallbackAgent("backed-up", [flaky, spare])),
    ]
    result = await council.ask("What is 17 + 25?", panel=panel, strategy="vote")
    print(f"{result.answer} ({result.status})")
    for dissent in result.dissent:
        print(f"dissent: {', '.join(dissent.experts)}: {dissent.text}")


if __name__ == "__main__":
    asyncio.run(main())
