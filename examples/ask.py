"""Ask the built-in panel one question and look at what came of it.

python examples/ask.py "What is the capital of Japan?"
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import council

PANEL = Path(__file__).parents[1] / "configs" / "panel.yaml"


async def main(question: str) -> None:
    result = await council.ask(question, panel=PANEL)
    print(f"answer: {result.answer}   ({result.status})")
    for reply in result.experts:
        print(f"  {reply.label:8} {reply.text!r} in {reply.timings.total:.2f} s")
    if result.agreement:
        print(f"  {result.agreement.agree} of {result.agreement.of} agree")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "What is 17 + 25?"))
