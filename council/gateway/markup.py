"""What models write, made into HTML that can do nothing, and into text that hides nothing."""

from __future__ import annotations

import html
import re
from collections.abc import MutableMapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

_LONGEST = 60_000
"""Characters of a text that are read as Markdown; what is longer is shown as it is."""
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])", re.ASCII)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# What turns the order of text round or hides text in text, as `page/dom.js` has it.
_HIDDEN = re.compile(
    "[\u00ad\u180e\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_WEB = re.compile(r"https?://[^/\s]", re.IGNORECASE)


def clean(text: str) -> str:
    """Text without what changes how other text is seen: escape sequences, controls, hidden text."""
    return _HIDDEN.sub("", _CONTROLS.sub("", _ANSI.sub("", text)))


def escape(text: str) -> str:
    """Cleaned text for an element or an attribute."""
    return html.escape(clean(text))


def to_html(text: str) -> str:
    """Markdown as HTML without scripts, images or addresses other than the web's."""
    cleaned = clean(text)
    if len(cleaned) > _LONGEST:
        return f'<p class="plain">{html.escape(cleaned)}</p>'
    rendered: str = _READER.render(cleaned)
    return rendered


def _open_link(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    at: int,
    options: Any,
    env: MutableMapping[str, Any],
) -> str:
    tokens[at].attrSet("rel", "noopener noreferrer nofollow")
    return renderer.renderToken(tokens, at, options, env)


def _lower_headings(state: Any) -> None:
    """The file's own headings are above those of an answer."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"


def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "breaks": True})
    reader.enable(["table", "strikethrough"]).disable("image")
    reader.validateLink = lambda url: bool(_WEB.match(url))  # type: ignore[method-assign]
    reader.core.ruler.push("lower_headings", _lower_headings)
    reader.add_render_rule("link_open", _open_link)
    return reader


_READER = _reader()
