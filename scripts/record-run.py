"""Makes docs/run.svg: a real run of the built-in panel as the terminal shows it at its end.

.venv/bin/python scripts/record-run.py
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from rich.console import Console

import council
from council.cli.summary import summary_lines
from council.cli.view import LiveView

ROOT = Path(__file__).parents[1]
QUESTION = "What is 17 + 25?"


async def main() -> None:
    """Runs the panel and writes the picture."""
    console = Console(
        record=True, width=96, height=20, force_terminal=True, color_system="truecolor"
    )
    console.print(f'[bold]$[/bold] council run configs/panel.yaml "{QUESTION}"', highlight=False)
    view = LiveView(console)
    panel = ROOT / "configs" / "panel.yaml"
    async with council.open_council(panel) as opened, opened.stream(QUESTION) as run:
        async for event in run:
            view.show(event)
    console.print(view.picture(final=True))
    for line in summary_lines(run.result):
        console.print(line, markup=False, highlight=False)
    console.print(run.result.answer, style="bold", highlight=False)
    svg = console.export_svg(title="council")
    # The picture has to stand alone: no fonts from elsewhere.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    (ROOT / "docs").mkdir(exist_ok=True)
    (ROOT / "docs" / "run.svg").write_text(svg)


if __name__ == "__main__":
    asyncio.run(main())
