"""The page's modules one by one, in the browser that they are written for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page

from council.agents.scripted import ScriptedAgent
from council.gateway.markup import clean
from tests.gateway.browser.visits import MARKS, visiting
from tests.gateway.serving import gateway

pytestmark = MARKS
_MARKDOWN = """async (text) => {
  const { markdown } = await import("/assets/markdown.js");
  const made = document.createElement("div");
  markdown(made, text);
  return made.innerHTML;
}"""
_GROWN = """async ([text, step]) => {
  const { Prose } = await import("/assets/prose.js");
  const made = document.createElement("div");
  const prose = new Prose(made);
  for (let at = step; at < text.length; at += step) prose.show(text.slice(0, at), false);
  prose.show(text, true);
  const tail = made.querySelector(".tail");
  tail.replaceWith(...tail.childNodes);
  return made.innerHTML;
}"""
_PARSED = """async ([text, step]) => {
  const { Parser } = await import("/assets/events.js");
  const parser = new Parser();
  const found = [];
  for (let at = 0; at < text.length; at += step) {
    found.push(...parser.feed(text.slice(at, at + step)));
  }
  return found.map(({ number, event }) => [number, event.type]);
}"""
_CLEANED = 'async (text) => (await import("/assets/dom.js")).clean(text)'
_TIMED = """async (text) => {
  const { markdown } = await import("/assets/markdown.js");
  const began = performance.now();
  markdown(document.createElement("div"), text);
  return performance.now() - began;
}"""
_LINK = 'rel="noopener noreferrer nofollow ugc"'
_PIECES = {
    "paragraphs": ("one\ntwo\n\nthree", '<p dir="auto">one<br>two</p><p dir="auto">three</p>'),
    "emphasis": (
        "**a** *b* __c__ _d_ ~~e~~",
        '<p dir="auto"><strong>a</strong> <em>b</em> <strong>c</strong> <em>d</em>'
        " <del>e</del></p>",
    ),
    "nested emphasis": ("**a *b* c**", '<p dir="auto"><strong>a <em>b</em> c</strong></p>'),
    "no emphasis": (
        "2 * 3 * 4, snake_case_name, **open",
        '<p dir="auto">2 * 3 * 4, snake_case_name, **open</p>',
    ),
    "escapes": (r"\*a\* \[b\]", '<p dir="auto">*a* [b]</p>'),
    "code": ("`a*b*` ``c`d``", '<p dir="auto"><code>a*b*</code> <code>c`d</code></p>'),
    "headings": ("# one\n### two ##", "<h3>one</h3><h5>two</h5>"),
    "rule": ("a\n\n---\n\nb", '<p dir="auto">a</p><hr><p dir="auto">b</p>'),
    "quote": ("> a\n> b", '<blockquote><p dir="auto">a<br>b</p></blockquote>'),
    "list": ("- a\n- b\n\n- c", "<ul><li>a</li><li>b</li><li>c</li></ul>"),
    "numbers": ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
    "nested list": (
        "1. a\n   - b\n   - c\n2. d",
        '<ol><li><p dir="auto">a</p><ul><li>b</li><li>c</li></ul></li><li>d</li></ol>',
    ),
    "table": (
        "|a|b|\n|---|--:|\n|1|`2`|",
        '<div class="wide" tabindex="0" role="region" aria-label="Table"><table><thead><tr>'
        '<th scope="col">a</th><th class="end" scope="col">b</th></tr></thead><tbody><tr>'
        '<td>1</td><td class="end"><code>2</code></td></tr></tbody></table></div>',
    ),
    "fence": (
        "```py\n*a*\n\n<b>\n```\nafter",
        '<pre tabindex="0" role="region" aria-label="Code in py"><code>*a*\n\n&lt;b&gt;</code>'
        '</pre><p dir="auto">after</p>',
    ),
    "link": (
        "[a *b*](https://c.test/d_(e))",
        '<p dir="auto"><a href="https://c.test/d_(e)" title="https://c.test/d_(e)"'
        f' target="_blank" {_LINK}>a <em>b</em></a></p>',
    ),
    "address": (
        "See https://c.test/d.",
        '<p dir="auto">See <a href="https://c.test/d" title="https://c.test/d" target="_blank"'
        f" {_LINK}>https://c.test/d</a>.</p>",
    ),
    "no link": ("[a](javascript:b)", '<p dir="auto"><span>a</span></p>'),
    "no markup": ("<b>a</b> &amp;", '<p dir="auto">&lt;b&gt;a&lt;/b&gt; &amp;amp;</p>'),
}
_LONG = "\n\n".join(text for text, _ in _PIECES.values()) + "\n\nThe *end*."
_HARD = {
    "brackets": "[" * 60_000,
    "links": "[a](" * 15_000,
    "stars": "*a " * 20_000,
    "pairs": "**a*" * 15_000,
    "ticks": "`a``" * 15_000,
    "quotes": ">" * 60_000,
    "items": "- " * 30_000,
    "spaces": "# a" + " " * 60_000 + "b",
    "empty items": "-\n\n" * 20_000,
    "bars": "a|b\n-|-\n" + "|" * 50_000,
    "targets": "[a](" + " " * 50_000,
    "dots": "http://a" + "." * 50_000 + "x",
}


@pytest.fixture(scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with (
        gateway({"panel": [ScriptedAgent("ada", "42")]}) as site,
        visiting(browser, site.url) as visit,
    ):
        await visit.page.goto(visit.url)
        yield visit.page


@pytest.mark.parametrize("piece", _PIECES)
async def test_markdown(page: Page, piece: str) -> None:
    text, html = _PIECES[piece]
    assert await page.evaluate(_MARKDOWN, text) == html


@pytest.mark.parametrize("step", [1, 2, 7, 50])
async def test_a_text_that_grows_ends_as_if_it_had_come_at_once(page: Page, step: int) -> None:
    whole = await page.evaluate(_MARKDOWN, _LONG)
    assert await page.evaluate(_GROWN, [_LONG, step]) == whole


@pytest.mark.parametrize("hard", _HARD)
async def test_no_text_takes_long_to_read(page: Page, hard: str) -> None:
    # What grows with the square of the length takes minutes for these.
    assert await page.evaluate(_TIMED, _HARD[hard]) < 10_000


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("step", [1, 3, 10_000])
async def test_any_cutting_of_a_stream_gives_the_same_events(
    page: Page, step: int, end: str
) -> None:
    lines = [
        *(": keep-alive", "", "id: 1", "event: run.started", 'data: {"type":', 'data: "a"}', ""),
        *("id:2", 'data:{"type":"b"}', "", "", "id: 3", 'data: {"type": "cut'),
    ]
    assert await page.evaluate(_PARSED, [end.join(lines), step]) == [[1, "a"], [2, "b"]]


@pytest.mark.parametrize(
    "text",
    [
        "plain\ttext\nwith lines",
        "\x1b[31mred\x1b[0m \x1b]8;;http://a.test\x1b\\link \x1b]0;never closed",
        "a\u202eb\u202c \u2066c\u2069 d\u200be\ufeff \U000e0041f \u00adg",
        "joined 👩\u200d🔬 نمی\u200cخواهم \u200fright",
        "\x00\x07\x08\x0b\r\x7f\x85\x9b",
    ],
    ids=["plain", "escapes", "hidden", "joined", "controls"],
)
async def test_the_page_and_the_file_clean_alike(page: Page, text: str) -> None:
    assert await page.evaluate(_CLEANED, text) == clean(text)
