"""Lines of cells as bytes for a terminal, every border in its column whatever a text's width.

How wide an emoji, a joined family or a rare letter is, terminals do not agree on. So after each
text that is not plain, the cursor is put where the next cell belongs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS, Console
from rich.segment import Segment

# What our own borders and signs are made of is one cell wide to everybody.
_CERTAIN = re.compile("[ -~─-╿·…✓✗○◐●◆–⠀-⣿]*")
# Letters that a terminal may write from right to left: Hebrew, Arabic and their neighbours.
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff]")
# Ends their run, so that it takes no border along.
_LEFT_TO_RIGHT_MARK = "\u200e"


def colours_of(console: Console) -> ColorSystem | None:
    """The colours that a console can show; None for a terminal without styles."""
    return COLOR_SYSTEMS[console.color_system] if console.color_system else None


def is_certain(line: Iterable[Segment]) -> bool:
    """Whether all terminals agree on the widths in a line."""
    return all(_CERTAIN.fullmatch(cell.text) for cell in line)


def encoded(line: Iterable[Segment], colours: ColorSystem | None, *, no_color: bool) -> str:
    """A line as a terminal takes it."""
    cells = Segment.remove_color(line) if no_color else line
    parts: list[str] = []
    column = 0
    certain = True
    for cell in cells:
        if not cell.text:
            continue
        if not certain:
            parts.append(f"\x1b[{column + 1}G")
        parts.append(_styled(cell, colours))
        if _RIGHT_TO_LEFT.search(cell.text):
            parts.append(_LEFT_TO_RIGHT_MARK)
        column += cell_len(cell.text)
        certain = _CERTAIN.fullmatch(cell.text) is not None
    return "".join(parts)


def width_of(line: Iterable[Segment]) -> int:
    """How many cells a line has."""
    return sum(cell_len(cell.text) for cell in line)


def _styled(cell: Segment, colours: ColorSystem | None) -> str:
    return cell.style.render(cell.text, color_system=colours) if cell.style else cell.text
