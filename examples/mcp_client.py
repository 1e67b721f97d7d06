"""Ask a panel through the Model Context Protocol, as a program with tools does.

python examples/mcp_client.py
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import TextContent

PANEL = Path(__file__).parents[1] / "configs" / "panel.yaml"


async def tell(progress: float, total: float | None, message: str | None) -> None:
    print(f"{progress:g} of {total:g}: {message}" if total else message)


async def main() -> None:
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "council", "mcp", str(PANEL)],
        env=dict(os.environ),
    )
    async with Client(stdio_client(command)) as client:
        listed = await client.list_tools()
        print(", ".join(tool.name for tool in listed.tools))
        question = {"question": "What is 17 + 25?"}
        answered = await client.call_tool("ask_panel", question, progress_callback=tell)
        for block in answered.content:
            if isinstance(block, TextContent):
                print(block.text)


if __name__ == "__main__":
    asyncio.run(main())
