"""Watch a panel while it answers: every token of every expert is an event.

python examples/stream_events.py
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import council
from council.events import AnswerToken, ExpertFailed, ExpertFinished, ExpertToken

PANEL = Path(__file__).parents[1] / "configs" / "panel.yaml"


async def main() -> None:
    async with council.open_council(PANEL) as panel, panel.stream("What is 17 + 25?") as run:
        async for event in run:
            match event:
                case ExpertToken(expert=expert, text=text):
                    print(f"{event.at:6.3f}  {expert:8} {text!r}")
                case ExpertFinished(expert=expert) | ExpertFailed(expert=expert, reply=_):
                    print(f"{event.at:6.3f}  {expert:8} {event.reply.status}")
                case AnswerToken(text=text):
                    print(f"{event.at:6.3f}  answer   {text!r}")
                case _:
                    pass
    print(run.result.status)


if __name__ == "__main__":
    asyncio.run(main())
