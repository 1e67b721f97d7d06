"""Talk to the built-in panel: every question is asked with those before it and their answers.

python examples/conversation.py "What is 17 + 25?" "What is the capital of Japan?"

The built-in models were trained on single questions, so this shows how a conversation is kept and
not how well they follow one.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import council

PANEL = Path(__file__).parents[1] / "configs" / "panel.yaml"
QUESTIONS = ["What is 17 + 25?", "What is the capital of Japan?"]


async def main(questions: list[str]) -> None:
    async with council.open_council(PANEL) as panel:
        talk = panel.conversation(history="own", max_turns=10)
        for question in questions:
            result = await talk.ask(question)
            print(f"you:   {question}\npanel: {result.answer}")
            for warning in result.warnings:
                print(f"       ({warning})")
        # What a chat front end would keep between two visits:
        again = council.Conversation.from_json(talk.to_json(), panel)
        print(f"{len(again.turns)} turns are kept")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or QUESTIONS))
