"""The page for everybody: by keyboard, by ear, on a phone, light and dark, on paper, with a key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from council.agents.scripted import ScriptedAgent
from council.errors import TransportError
from council.messages import ChatToken
from serving.keys import parse_keys
from serving.options import Options
from tests.gateway.browser.visits import MARKS, visiting
from tests.gateway.serving import gateway

pytestmark = MARKS
_WIDE = f"""**42**, with a word of {"l" * 90}ength.

| {" | ".join(f"column{n}" for n in range(12))} |
|{"---|" * 12}
| {" | ".join("value" for _ in range(12))} |

```
{"a line of code that is longer than any phone is wide " * 4}
```
"""
# Of each text that can be seen: how far its colour stands out from the one behind it.
_CONTRASTS = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const line = (x) => ((x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * line(r) + 0.7152 * line(g) + 0.0722 * line(b);
  };
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const found = parts(getComputedStyle(element).backgroundColor);
      if (found.length < 4 || found[3] === 1) return found;
    }
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest(".unseen, .skip, option")) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(parts(style.color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([texts.currentNode.data.trim().slice(0, 40), ratio]);
  }
  return found;
}"""
_FOCUSED = """() => {
  const style = getComputedStyle(document.activeElement);
  return [document.activeElement.textContent.trim().slice(0, 20), style.outlineStyle];
}"""


def panel() -> list[ScriptedAgent]:
    """One who thinks, one who differs, and one who fails."""
    return [
        ScriptedAgent("ada", [ChatToken(reasoning="Let me see."), _WIDE]),
        ScriptedAgent("bob", "42"),
        ScriptedAgent("carl", "41"),
        ScriptedAgent("eve", ["It is", TransportError("connection refused")]),
    ]


async def open_all(page: Page) -> None:
    """Opens whatever one can open."""
    await page.locator("details").evaluate_all("(all) => all.forEach((one) => (one.open = true))")


async def test_a_question_is_asked_and_looked_into_by_keyboard_alone(browser: Browser) -> None:
    async with (
        gateway({"panel": panel()}) as site,
        visiting(browser, site.url) as visit,
    ):
        page, keys = visit.page, visit.page.keyboard
        await page.goto(visit.url)
        await expect(page.get_by_label("Ask the panel a question")).to_be_focused()
        await keys.type("What is 6 × 7?")
        await keys.press("Control+Enter")
        await expect(page.get_by_role("heading", level=1)).to_be_focused()
        await visit.status("Degraded")
        for _ in range(40):
            await keys.press("Tab")
            text, outline = await page.evaluate(_FOCUSED)
            assert outline == "solid", f"focus cannot be seen on {text!r}"
            if text.startswith("Votes"):
                break
        await keys.press("Enter")
        await expect(page.locator(".bars .won")).to_contain_text("42 (won)")
        await page.reload()
        await page.get_by_role("heading", level=1, name="What is 6 × 7?").wait_for()
        await keys.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await keys.press("Enter")
        await expect(page.get_by_role("main")).to_be_focused()


async def test_the_page_tells_its_parts_by_name(browser: Browser) -> None:
    async with (
        gateway({"panel": panel()}) as site,
        visiting(browser, site.url) as visit,
    ):
        page = visit.page
        await visit.ask("What is 6 × 7?")
        await visit.status("Degraded")
        for role, name in (
            ("banner", None),
            ("main", None),
            ("navigation", "Page"),
            ("complementary", "History"),
            ("region", "Answer"),
            ("region", "Experts"),
            ("region", "ada: answer"),
            ("searchbox", "Search in the history"),
            ("textbox", "Follow-up question"),
            ("combobox", "Strategy"),
        ):
            found = page.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]
            await expect(found).to_have_count(1)
        told = page.locator("#announcer")
        # Alone, or with the answer where that came before it was told.
        await expect(told).to_contain_text(re.compile("eve.*: connection refused"))
        await expect(told).to_have_attribute("aria-live", "polite")
        # Tokens are not told one by one.
        assert await page.locator(".card [aria-live], .answer[aria-live]").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_stands_out(browser: Browser, scheme: str) -> None:
    async with (
        gateway({"panel": panel()}) as site,
        visiting(browser, site.url, color_scheme=scheme) as visit,
    ):
        await visit.ask("What is 6 × 7?")
        await visit.status("Degraded")
        await open_all(visit.page)
        await expect(visit.page.get_by_role("link", name="What is 6 × 7?")).to_be_visible()
        found = await visit.page.evaluate(_CONTRASTS)
        assert len(found) > 50
        assert [pair for pair in found if pair[1] < 4.5] == []


async def test_nothing_is_wider_than_a_phone(browser: Browser) -> None:
    phone: dict[str, Any] = {
        "viewport": {"width": 360, "height": 740},
        "has_touch": True,
        "is_mobile": True,
    }
    async with (
        gateway({"panel": panel()}) as site,
        visiting(browser, site.url, **phone) as visit,
    ):
        page = visit.page
        await page.goto(visit.url)
        await page.get_by_label("Ask the panel a question").wait_for()
        width = "document.documentElement.scrollWidth"
        assert await page.evaluate(width) == 360
        await visit.ask("What is 6 × 7? " + "Long" * 60)
        await visit.status("Degraded")
        await open_all(page)
        assert await page.evaluate(width) == 360
        await page.get_by_role("link", name="History", exact=True).click()
        await expect(page.get_by_role("complementary")).to_be_focused()
        await expect(page.get_by_label("Search in the history")).to_be_in_viewport()


async def test_nothing_moves_for_who_wants_no_motion(browser: Browser) -> None:
    async with (
        gateway({"panel": panel()}) as site,
        visiting(browser, site.url, reduced_motion="reduce") as visit,
    ):
        await visit.ask("What is 6 × 7?")
        await visit.status("Degraded")
        state = visit.card("bob").locator(".state")
        await state.evaluate("(e) => (e.closest('.card').dataset.state = 'writing')")
        name = "(e) => getComputedStyle(e, '::before').animationName"
        assert await state.evaluate(name) == "none"
        await visit.page.emulate_media(reduced_motion="no-preference")
        assert await state.evaluate(name) == "breathe"


async def test_paper_gets_the_texts_and_no_buttons(browser: Browser) -> None:
    async with (
        gateway({"panel": panel()}) as site,
        visiting(browser, site.url) as visit,
    ):
        await visit.ask("What is 6 × 7?")
        await visit.status("Degraded")
        await visit.page.emulate_media(media="print")
        await expect(visit.answer).to_be_visible()
        for hidden in ("Ask again", "Ask the panel", "Delete"):
            await expect(visit.page.get_by_role("button", name=hidden)).to_have_count(0)
        await expect(visit.page.get_by_role("complementary")).to_have_count(0)


async def test_a_key_is_asked_for_and_kept_in_the_tab_alone(browser: Browser) -> None:
    options = Options(keys=parse_keys(["secret-key"], "--api-key"))
    async with (
        gateway({"panel": panel()}, serving=options) as site,
        visiting(browser, site.url, forgiven=["401"]) as visit,
    ):
        page = visit.page
        await page.goto(visit.url)
        key = page.get_by_label("API key")
        await expect(key).to_be_focused()
        await key.fill("wrong")
        await key.press("Enter")
        await expect(page.get_by_role("dialog")).to_have_count(1)
        await expect(page.get_by_label("API key")).to_have_value("")
        await page.get_by_label("API key").fill("secret-key")
        await page.get_by_role("button", name="Use this key").click()
        await visit.ask("What is 6 × 7?")
        await visit.status("Degraded")
        kept = "[JSON.stringify(sessionStorage), localStorage.length, document.cookie]"
        assert await page.evaluate(kept) == ['{"council.key":"secret-key"}', 0, ""]
        assert not any("secret-key" in address for address in visit.asked)


async def test_a_run_is_shared_as_a_file_and_as_markdown(browser: Browser, tmp_path: Path) -> None:
    async with (
        gateway({"panel": panel()}) as site,
        visiting(browser, site.url, permissions=["clipboard-read", "clipboard-write"]) as visit,
    ):
        page = visit.page
        await visit.ask("What is 6 × 7?")
        await visit.status("Degraded")
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Save as HTML").click()
        await (await download.value).save_as(tmp_path / "run.html")
        assert (await download.value).suggested_filename.endswith(".html")
        await page.get_by_role("button", name="Copy as Markdown").click()
        await expect(page.get_by_text("Copied.")).to_be_visible()
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("# What is 6 × 7?\n")
        assert "connection refused" in copied
    html = (tmp_path / "run.html").read_text()
    assert "<script" not in html
    assert "connection refused" in html


async def test_a_run_is_deleted_after_a_question(browser: Browser) -> None:
    async with (
        gateway({"panel": panel()}) as site,
        visiting(browser, site.url) as visit,
    ):
        page = visit.page
        await visit.ask("What is 6 × 7?")
        await visit.status("Degraded")
        page.once("dialog", lambda dialog: dialog.accept())
        await page.get_by_role("button", name="Delete").click()
        await expect(page.get_by_label("Ask the panel a question")).to_be_focused()
        await expect(page.get_by_text("Runs will be listed here.")).to_be_visible()
