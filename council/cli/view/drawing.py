"""A pane as lines of cells: a box with what it writes, or a single line."""

from __future__ import annotations

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.panel import Panel
from rich.segment import Segment
from rich.text import Text

from council.cli.view.marks import COLOURS, dot, sign
from council.cli.view.pane import PaneShown
from council.cli.view.tame import first_lines, last_lines, last_words, line_of

Line = list[Segment]

NAME = 24
"""The most cells that a name takes on a line."""

_FRAME = 4  # a border and a space on each side
_CAUSE = 3  # rows of a failure's cause where there is text to show as well


class Drawing:
    """Draws panes for one console; a box that has not changed is not drawn again."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._plain = console.options.ascii_only
        self._boxes: dict[tuple[str, int, int], tuple[PaneShown, list[Line]]] = {}

    def box(self, pane: PaneShown, width: int, height: int) -> list[Line]:
        """A box of exactly that size."""
        place = (pane.name, width, height)
        known = self._boxes.get(place)
        if known is None or known[0] != pane:
            known = self._boxes[place] = pane, self._box(pane, width, height)
        return known[1]

    def forget(self) -> None:
        """Drops what was drawn for another size of the terminal."""
        self._boxes.clear()

    def want(self, pane: PaneShown, width: int, most: int) -> int:
        """The height of a box that shows the pane whole, if it is no more than `most`."""
        return len(self._body(pane, width - _FRAME, most)) + 2

    def line(self, pane: PaneShown, width: int, named: int = 0) -> Line:
        """The pane on one line of exactly that width, its name in at least `named` cells."""
        name = self._name(pane, NAME)
        name.pad_right(max(0, named - name.cell_len))
        colour = COLOURS[pane.state]
        state = self._state(pane, max(1, (width - name.cell_len) * 2 // 3 - 3))
        text = Text.assemble((self._sign(pane), colour), " ", name, "  ", (state, colour))
        latest = last_words(pane.cause or pane.text or pane.thought, width - text.cell_len - 3)
        text.append(f"  {latest}", style="red" if pane.cause else "dim")
        return cells_of(self._console, text, width, pad=True)

    def _box(self, pane: PaneShown, width: int, height: int) -> list[Line]:
        colour = COLOURS[pane.state]
        body = self._body(pane, width - _FRAME, height - 2)
        panel = Panel(
            Text("\n", no_wrap=True, overflow="crop").join(body),
            box=box.ROUNDED,
            title=self._title(pane, width - 6),
            title_align="left",
            subtitle=self._footer(pane, width - 6),
            subtitle_align="left",
            border_style=colour,
            width=width,
            height=height,
        )
        return self._console.render_lines(panel, self._console.options.update(width=width))

    def _body(self, pane: PaneShown, width: int, rows: int) -> list[Text]:
        thinks = not pane.text.strip()
        most = min(rows, _CAUSE) if pane.text.strip() else rows
        cause = first_lines(self._console, pane.cause, width, most)
        free = rows - len(cause)
        style = "dim italic" if thinks else "" if pane.state != "cancelled" else "dim"
        shown = last_lines(self._console, pane.thought if thinks else pane.text, width, free)
        texts = [Text(line, style=style) for line in shown]
        return texts + [Text(line, style="red") for line in cause]

    def _title(self, pane: PaneShown, width: int) -> Text:
        name = self._name(pane, width)
        model = line_of(pane.model)
        if model and name.cell_len + 1 + cell_len(model) <= width:
            name.append(f" {model}", style="not bold dim")
        return name

    def _footer(self, pane: PaneShown, width: int) -> Text:
        state = self._state(pane, width - 2)
        return Text(f"{self._sign(pane)} {state}", style=COLOURS[pane.state])

    def _name(self, pane: PaneShown, width: int) -> Text:
        name = Text(line_of(pane.name), style="bold")
        name.truncate(width, overflow="ellipsis")
        return Text.assemble(name)

    def _sign(self, pane: PaneShown) -> str:
        return sign(pane.state, plain=self._plain)

    def _state(self, pane: PaneShown, width: int) -> str:
        """The state in words, and as many of the figures as there is room for."""
        between = dot(plain=self._plain)
        words = [line_of(pane.said), *pane.figures.words]
        if cell_len(between.join(words)) > width and pane.said == "done":
            words = words[1:]  # its sign says so
        said = Text(words[0])
        said.truncate(max(1, width), overflow="ellipsis")
        state = said.plain
        for word in words[1:]:
            longer = state + between + word
            state = longer if cell_len(longer) <= width else state
        return state


def cells_of(console: Console, text: Text, width: int, *, pad: bool) -> Line:
    """A text on one line, cut to that width, or with `pad` of exactly that width."""
    text.no_wrap = True
    text.truncate(width, overflow="ellipsis", pad=pad)
    options = console.options.update(width=width, height=1)
    return console.render_lines(text, options, pad=pad)[0]
