"""Markdown on a terminal, with every word of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Heading, Markdown

from council.cli.terminal import harmless

_SPACE_AT_THE_END = re.compile(r" +$", re.MULTILINE)
# What would hide a part of the answer: an image's address, a definition that nothing refers to.
_HIDING = ["image", "reference"]
# In one line alone `7.` and `- 5` are answers, and no lists.
_OF_LINES = ["list", "hr", "heading", "lheading", "blockquote", "code"]


def rendered(text: str, console: Console) -> str:
    """Markdown as lines for that console; line breaks stay where they are."""
    with console.capture() as capture:
        console.print(_markdown(harmless(text)))
    return _SPACE_AT_THE_END.sub("", capture.get()).strip("\n")


class _LeftHeading(Heading):
    """A heading that stands where the text begins."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class _Markdown(Markdown):
    elements = {**Markdown.elements, "heading_open": _LeftHeading}  # noqa: RUF012 (as in rich)


def _markdown(text: str) -> Markdown:
    # Addresses are shown and not hidden behind their text; code has the terminal's own colours.
    markdown = _Markdown(text, hyperlinks=False, code_theme="ansi_dark")
    markdown.parsed = _parser(one_line="\n" not in text.strip()).parse(text)
    for token in markdown.parsed:
        children = token.children or []
        _keep_products(children)
        for child in children:
            # Verses and lists without bullets are what their lines make them.
            child.type = "hardbreak" if child.type == "softbreak" else child.type
    return markdown


def _parser(*, one_line: bool) -> MarkdownIt:
    # With HTML as text: a tag in an answer is a part of it.
    parser = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
    return parser.disable(_HIDING + (_OF_LINES if one_line else []))


def _keep_products(tokens: Sequence[Token]) -> None:
    """Turns emphasis within a word back into its asterisks: `2*3*4` is arithmetic."""
    within: list[bool] = []
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "em_open":
            word = before is not None and before.type == "text" and before.content[-1:].isalnum()
            within.append(word and token.markup == "*")
        if token.type in ("em_open", "em_close"):
            plain = within[-1] if token.type == "em_open" else within.pop()
            if plain:
                token.type, token.tag, token.nesting, token.content = "text", "", 0, "*"
