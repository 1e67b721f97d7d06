"""What models write can do nothing on the page, nor in the file that is shared."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser, Page, expect

from council.agents.scripted import ScriptedAgent
from council.messages import ChatToken
from tests.gateway.browser.visits import MARKS, visiting
from tests.gateway.serving import gateway

pytestmark = MARKS
_HOSTILE = """<script>window.hit = 1</script><img src=x onerror="window.hit = 2">
<svg onload="window.hit = 3"><iframe src="https://evil.test/"></iframe><style>*{display:none}</style>

[one](javascript:window.hit=4) [two](data:text/html,<script>window.hit=5</script>)
[three](https://example.org/ "onmouseover=window.hit=6") ![four](https://evil.test/x.png)
<https://example.org/five> [six](//evil.test) [seven](HTTPS://EXAMPLE.ORG/"onclick="window.hit=7)

| a | <b onclick="window.hit = 8">b</b> |
|---|---|
| `<script>` | **<u>** |

```html" onclick="window.hit = 9
</code></pre><script>window.hit = 10</script>
```

\x1b[31mred\x1b[0m \x1b]0;title\x07 safe\u202etxt.exe\u202c hid\u200bden\U000e0041 \x00\x08\x9b0m
"""
_UNSEEN = (
    "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u200b\\u202a-\\u202e\\u{e0000}-\\u{e007f}]"
)
_FIND = f"""() => ({{
  hit: window.hit ?? null,
  unseen: new RegExp("{_UNSEEN}", "u").exec(document.body.textContent),
  made: [...document.querySelectorAll("script, iframe, style, b, u, [onclick], [onload]")]
    .filter((each) => !each.closest("head")).map((each) => each.outerHTML),
  images: [...document.images].map((image) => image.getAttribute("src")),
  links: [...document.querySelectorAll("main a")].map((link) => [link.href, link.rel]),
}})"""
_LINKS = {"https://example.org/", "https://example.org/five", "https://evil.test/x.png"}
"""What is a link on the page and in the file; the two need not agree on what else is one."""


async def check(page: Page, images: list[str]) -> None:
    """Nothing was run, made or loaded, and only addresses of the web are links."""
    found = await page.evaluate(_FIND)
    assert (found["hit"], found["unseen"], found["made"]) == (None, None, [])
    assert found["images"] == images
    links = [(href, rel) for href, rel in found["links"] if not href.startswith("http://127.")]
    assert {href for href, _ in links} >= _LINKS
    assert all(href.startswith("https://") for href, _ in links)
    assert all("noopener" in rel and "noreferrer" in rel for _, rel in links)


async def test_hostile_answers_are_text(browser: Browser, tmp_path: Path) -> None:
    seats = [
        ScriptedAgent("ada", [ChatToken(reasoning=_HOSTILE), ChatToken(text=_HOSTILE)]),
        ScriptedAgent("bob", [ChatToken(text=_HOSTILE)], model="<script>window.hit=11</script>"),
    ]
    async with (
        gateway({"panel": seats}, store=tmp_path / "runs") as site,
        visiting(browser, site.url) as visit,
    ):
        await visit.ask("<img src=x onerror='window.hit=12'> Why so? \u202eWhy?", strategy="concat")
        await visit.status("Complete")
        await expect(visit.answer).to_contain_text("<script>window.hit = 1</script>")
        await expect(visit.answer).to_contain_text("red")
        await visit.page.get_by_text("Thinking", exact=True).click()
        await expect(visit.card("ada").locator(".thinking")).to_contain_text("window.hit = 2")
        await check(visit.page, ["assets/icon.svg"])

        async with site.client() as web:
            [run] = (await web.get("/v1/council/runs")).json()["runs"]
        file = f"{site.url}/v1/council/runs/{run['id']}/transcript?format=html"
        await visit.page.goto(file)
        await expect(visit.page.locator(".answer")).to_contain_text("window.hit = 1")
        await check(visit.page, [])


async def test_a_megabyte_is_shown_in_parts(browser: Browser, tmp_path: Path) -> None:
    word = "0123456789abcde "
    text = word * 65536
    seats = [
        ScriptedAgent(id, [ChatToken(text=text[at : at + 9000]) for at in range(0, 1 << 20, 9000)])
        for id in ("ada", "bob")
    ]
    async with (
        gateway({"panel": seats}, store=tmp_path / "runs") as site,
        visiting(browser, site.url) as visit,
    ):
        await visit.ask("How long?", strategy="first")
        await visit.status("Complete")
        more = visit.page.locator(".answer").get_by_role("button")
        await expect(more).to_have_text("Show 988,576 more characters")
        await more.click()
        await expect(more).to_have_count(0)
        shown = await visit.answer.evaluate("(answer) => answer.textContent.length")
        # Without the space that a text ends with.
        assert len(text) - 2 <= shown <= len(text)


async def test_a_card_stays_as_high_as_it_is(browser: Browser) -> None:
    seats = [ScriptedAgent("ada", "word " * 3000), ScriptedAgent("bob", "yes")]
    async with (
        gateway({"panel": seats}) as site,
        visiting(browser, site.url) as visit,
    ):
        await visit.ask("How long?", strategy="concat")
        await visit.status("Complete")
        boxes = [await visit.card(id).bounding_box() for id in ("ada", "bob")]
        assert boxes[0] is not None
        assert boxes[1] is not None
        assert boxes[0]["height"] == boxes[1]["height"] < 400
