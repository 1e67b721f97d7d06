"""A run as a file: whole, harmless, and only for whoever may see the run."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from council.agents.scripted import ScriptedAgent
from council.council import open_council
from council.errors import TransportError
from council.gateway.document import as_markdown
from council.gateway.markup import to_html
from council.gateway.run_facts import About, facts
from council.gateway.sheet import as_html
from council.prices import Cost
from council.sources import PanelSource
from serving.keys import parse_keys
from serving.options import Options
from tests.gateway.serving import gateway, watch

pytestmark = pytest.mark.anyio
RUNS = "/v1/council/runs"


class Outline(HTMLParser):
    """What a file has: its elements with their attributes, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def seats() -> list[ScriptedAgent]:
    return [
        ScriptedAgent("ada", "It is **42**, see https://example.org."),
        ScriptedAgent("bob", "It is 42."),
        ScriptedAgent("carl", "It is 41."),
        ScriptedAgent("eve", ["It", TransportError("connection refused")]),
    ]


async def ask(web: httpx.AsyncClient, question: str = "6 * 7?", **body: Any) -> str:
    """Asks and waits for the end; returns the run's id."""
    begun = await web.post(RUNS, json={"question": question, **body})
    assert begun.status_code == 201, begun.text
    id: str = begun.json()["id"]
    await watch(web, id)
    return id


async def test_the_file_holds_the_run_and_runs_nothing(tmp_path: Path) -> None:
    async with (
        gateway({"panel": seats()}, store=tmp_path / "runs") as site,
        site.client() as web,
    ):
        id = await ask(web, "6 * 7 <or> so?")
        found = await web.get(f"{RUNS}/{id}/transcript", params={"format": "html"})
    assert found.status_code == 200
    assert found.headers["content-type"] == "text/html; charset=utf-8"
    outline = Outline(found.text)
    for words in ("6 * 7 <or> so?", "degraded", "2 of 3 agree", "42 (won): 67%", "It is 41."):
        assert words in outline.words
    assert "eve: connection refused" in outline.words
    assert ("strong", {}) in outline.tags
    assert not {"script", "link", "img", "iframe", "form", "base"} & {t for t, _ in outline.tags}
    attributes = {name for _, attrs in outline.tags for name in attrs}
    assert not {name for name in attributes if name.startswith("on") or name == "style"}
    check_policy(found)


def check_policy(found: httpx.Response) -> None:
    """The file's own policy, and the response's, allow its style and nothing else."""
    [style] = re.findall(r"<style>(.*?)</style>", found.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in found.text
    assert found.headers["content-security-policy"] == f"{policy}; frame-ancestors 'none'"
    assert found.headers["x-content-type-options"] == "nosniff"


async def test_markdown_is_what_one_gets_without_a_wish() -> None:
    async with gateway({"panel": seats()}) as site, site.client() as web:
        id = await ask(web)
        found = await web.get(f"{RUNS}/{id}/transcript")
    assert found.headers["content-type"] == "text/markdown; charset=utf-8"
    assert found.text.startswith("# 6 * 7?\n\n- status: degraded\n- agreement: 2 of 3 agree\n")
    for part in (
        "## Remarks\n\n- eve: connection refused\n",
        "## Answer\n\nIt is **42**, see https://example.org.\n",
        "- 42 by ada, bob (weight 2)\n- 41 by carl (weight 1)\n",
        "## Dissent: 41 (carl)\n\nIt is 41.\n",
        "## eve (scripted): failed\n\nIt\n\n*connection refused*\n",
    ):
        assert part in found.text


@pytest.mark.parametrize("strategy", ["rank", "debate", "judge", "synthesize"])
async def test_it_says_how_the_answer_came_about(strategy: str) -> None:
    reply = "It is 42.\nRANKING: A > B\nBEST: 1\nANSWER: 42"
    panel: PanelSource = [ScriptedAgent(id, reply) for id in ("ada", "bob", "eve")]
    async with gateway({"panel": panel}) as site, site.client() as web:
        id = await ask(web, strategy=strategy)
        result = (await web.get(f"{RUNS}/{id}")).json()["result"]
        html = (await web.get(f"{RUNS}/{id}/transcript?format=html")).text
        text = (await web.get(f"{RUNS}/{id}/transcript?format=markdown")).text
    words = Outline(html).words
    assert ("<h2>Ranking</h2>" in html, "## Ranking\n" in text) == (bool(result["ranking"]),) * 2
    for held in result["rounds"]:
        title = f"Round {held['number']}"
        assert title in words
        assert title in text
    asked_for = [*result["others"], *([result["decider"]] if result["decider"] else [])]
    for reply_data in asked_for:
        told = f"{reply_data['id']} (scripted), {reply_data['stage']}: complete"
        assert told in words
        assert told in text


async def test_a_run_that_goes_on_has_no_transcript_yet() -> None:
    never = anyio.Event()
    async with (
        gateway({"panel": [ScriptedAgent("ada", ["It", never.wait])]}) as site,
        site.client() as web,
    ):
        id = (await web.post(RUNS, json={"question": "?"})).json()["id"]
        found = await web.get(f"{RUNS}/{id}/transcript")
        assert (found.status_code, found.json()["error"]["code"]) == (409, "run_not_over")
        await web.post(f"{RUNS}/{id}/cancel")
        found = await web.get(f"{RUNS}/{id}/transcript")
        assert found.status_code == 200
        assert "There is no answer." in found.text


async def test_what_is_no_run_or_no_format_is_refused() -> None:
    keys = parse_keys(["ann:key-of-ann", "ben:key-of-ben"], "--api-key")
    async with gateway({"panel": seats()}, serving=Options(keys=keys)) as site:
        async with site.client(Authorization="Bearer key-of-ann") as web:
            id = await ask(web)
            assert (await web.get(f"{RUNS}/{id}/transcript")).status_code == 200
            wrong = await web.get(f"{RUNS}/{id}/transcript?format=pdf")
            assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "format")
            assert (await web.get(f"{RUNS}/nothing/transcript")).status_code == 404
        async with site.client(Authorization="Bearer key-of-ben") as web:
            assert (await web.get(f"{RUNS}/{id}/transcript")).status_code == 404
        async with site.client() as web:
            assert (await web.get(f"{RUNS}/{id}/transcript")).status_code == 401


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<script>1</script>", "<p>&lt;script&gt;1&lt;/script&gt;</p>\n"),
        ("[a](javascript:b)", "<p>[a](javascript:b)</p>\n"),
        ("[a](data:text/html,b)", "<p>[a](data:text/html,b)</p>\n"),
        (
            "![a](https://b.test/c.png)",
            '<p>!<a href="https://b.test/c.png" rel="noopener noreferrer nofollow">a</a></p>\n',
        ),
        ("# a\n## b\n##### c", "<h3>a</h3>\n<h4>b</h4>\n<h6>c</h6>\n"),
        ("\x1b[31ma\u202eb\x00", "<p>ab</p>\n"),
    ],
    ids=["script", "javascript", "data", "image", "headings", "hidden"],
)
def test_what_a_model_wrote_is_text(text: str, html: str) -> None:
    assert to_html(text) == html


async def test_a_long_answer_is_shown_as_it_is() -> None:
    agent = ScriptedAgent("ada", "*word* " * 20_000)
    async with gateway({"panel": [agent]}) as site, site.client() as web:
        id = await ask(web, strategy="first")
        run = await site.state.runs.get(id, "")
    assert run.result is not None
    about = About("panel", 0.0)
    assert '<p class="plain">*word* *word*' in as_html(run.result, about)
    assert as_markdown(run.result, about).count("*word*") == 40_000


async def test_what_costs_next_to_nothing_is_told_as_money() -> None:
    async with open_council([ScriptedAgent("ada", "42")], strategy="first") as council:
        result = await council.ask("6 * 7?")
    tiny = replace(result, cost=Cost(amount=0.00001, at_least=0.00001))
    assert facts(tiny, About("panel", 0.0))["cost"] == "<$0.0001"
