"""A run in a real browser: asked for, watched, looked into, found again, stopped, followed up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import anyio
from playwright.async_api import Browser, expect

from council.agents.scripted import ScriptedAgent
from council.testing.raw_server import unused_port
from council.testing.steps import Step
from tests.gateway.browser.visits import MARKS, SEATS, asked_over_http, cuttable, said, visiting
from tests.gateway.serving import gateway
from tests.support.panels import agents, ranks

pytestmark = MARKS
QUESTION = "What is 6 × 7?"


async def test_three_experts_write_before_the_answer_and_the_run_is_found_again(
    browser: Browser, tmp_path: Path
) -> None:
    go_on = {id: anyio.Event() for id in SEATS}

    def answering(id: str) -> Sequence[Step]:
        return said(f"{id} thinks ", "that it is ", go_on[id], "41." if id == "eve" else "42.")

    async with (
        asked_over_http(answering, store=tmp_path / "runs") as site,
        visiting(browser, site.url) as visit,
    ):
        page = visit.page
        await visit.ask(QUESTION)
        for id in SEATS:
            await expect(visit.card(id)).to_contain_text(f"{id} thinks that it is")
            await expect(visit.card(id).locator(".state")).to_have_text("Writing")
        await expect(visit.answer).to_have_text("")
        await expect(page.get_by_text("0 of 3 answers there")).to_be_visible()
        address = page.url
        assert re.search(r"#/run/\w+$", address)

        await page.reload()  # the run goes on, and is found again
        for id in SEATS:
            await expect(visit.card(id)).to_contain_text(f"{id} thinks that it is")
        go_on["eve"].set()
        await expect(visit.card("eve")).to_contain_text("Done")
        await expect(page.get_by_text("1 of 3 answers there")).to_be_visible()
        await expect(visit.answer).to_have_text("")
        go_on["ada"].set()
        go_on["bob"].set()
        await expect(visit.answer).to_have_text("ada thinks that it is 42.")
        await visit.status("Complete")
        await expect(page.locator(".bar .facts")).to_contain_text("2 of 3 agree · vote")
        await expect(page.locator("#announcer")).to_contain_text("The answer is there")

        await page.get_by_text("Votes", exact=True).click()
        await expect(page.locator(".bars .won")).to_have_text(re.compile(r"42 \(won\)67 %ada, bob"))
        await page.get_by_text("Dissent", exact=True).click()
        await expect(page.get_by_text("eve thinks that it is 41.").last).to_be_visible()

        await page.reload()
        await expect(visit.answer).to_have_text("ada thinks that it is 42.")
        await page.get_by_role("link", name="New question").click()
        await page.get_by_label("Search in the history").fill("6 × 7 thinks")
        await page.get_by_role("link", name=QUESTION).click()
        await expect(visit.answer).to_have_text("ada thinks that it is 42.")
        assert page.url == address


async def test_a_dead_expert_is_said(browser: Browser) -> None:
    dead = f"http://127.0.0.1:{unused_port()}/v1"
    async with (
        asked_over_http(lambda _: said("It is 42."), endpoints={"eve": dead}) as site,
        visiting(browser, site.url) as visit,
    ):
        await visit.ask(QUESTION)
        await visit.status("Degraded")
        await expect(visit.card("eve").locator(".state")).to_have_text("Failed")
        await expect(visit.card("eve").locator(".problem")).to_contain_text("Failed: ")
        await expect(visit.page.locator(".remarks")).to_contain_text("eve: ")
        await expect(visit.answer).to_have_text("It is 42.")
        await expect(visit.page.locator("#announcer")).to_contain_text("Degraded")


async def test_a_run_without_an_answer_is_said(browser: Browser) -> None:
    dead = f"http://127.0.0.1:{unused_port()}/v1"
    async with (
        asked_over_http(lambda _: said("42"), endpoints=dict.fromkeys(SEATS, dead)) as site,
        visiting(browser, site.url) as visit,
    ):
        await visit.ask(QUESTION)
        await visit.status("Failed")
        await expect(visit.page.get_by_text("There is no answer.")).to_be_visible()
        await expect(visit.page.locator(".remarks")).to_contain_text("quorum lost")
        await expect(visit.page.get_by_label("Follow-up question")).to_have_count(0)


async def test_a_run_is_stopped_with_what_it_has(browser: Browser) -> None:
    never = anyio.Event()
    async with (
        asked_over_http(lambda id: said(f"{id} begins", never, "42")) as site,
        visiting(browser, site.url) as visit,
    ):
        await visit.ask(QUESTION)
        await expect(visit.card("bob")).to_contain_text("bob begins")
        await visit.page.get_by_role("button", name="Stop").click()
        await visit.status("Stopped")
        await expect(visit.card("bob")).to_contain_text("bob begins")
        await expect(visit.page.get_by_role("button", name="Ask again")).to_be_visible()


async def test_it_is_asked_again_and_followed_up(browser: Browser, tmp_path: Path) -> None:
    seat = ScriptedAgent("ada", "Forty-two.", "Again: forty-two.", "As I said.")
    async with (
        gateway({"panel": [seat]}, store=tmp_path / "runs") as site,
        visiting(browser, site.url) as visit,
    ):
        page = visit.page
        await visit.ask(QUESTION, strategy="first")
        await expect(visit.answer).to_have_text("Forty-two.")
        await page.get_by_role("button", name="Ask again").click()
        await expect(visit.answer).to_have_text("Again: forty-two.")
        await expect(page.locator(".bar .facts")).to_contain_text("first")
        first = page.url
        await page.get_by_label("Follow-up question").fill("Are you sure?")
        await page.get_by_role("button", name="Ask the panel").click()
        await expect(visit.answer).to_have_text("As I said.")
        asked = [message.text for message in seat.requests[-1].messages]
        assert asked == [QUESTION, "Again: forty-two.", "Are you sure?"]
        await page.get_by_role("link", name="The question before").click()
        await expect(visit.answer).to_have_text("Again: forty-two.")
        assert page.url == first


async def test_a_run_that_is_not_there_is_said(browser: Browser) -> None:
    async with (
        gateway({"panel": [ScriptedAgent("ada", "42")]}) as site,
        visiting(browser, site.url, forgiven=["404"]) as visit,
    ):
        await visit.page.goto(f"{site.url}/#/run/nowhere")
        await expect(visit.page.get_by_role("alert")).to_contain_text("There is no run 'nowhere'")


async def test_what_the_gateway_refuses_is_said_at_the_form(browser: Browser) -> None:
    async with (
        gateway({"panel": [ScriptedAgent("ada", "42")]}) as site,
        visiting(browser, site.url, forgiven=["400"]) as visit,
    ):
        page = visit.page
        await page.goto(visit.url)
        await page.get_by_label("Ask the panel a question").fill("?")
        await page.get_by_label("Strategy").select_option("debate")
        await page.get_by_label("Strategy").evaluate(
            "(select) => { select.selectedOptions[0].value = 'debat'; }"
        )
        await page.get_by_role("button", name="Ask the panel").click()
        await expect(page.get_by_role("alert")).to_contain_text("unknown strategy 'debat'")
        await expect(page.get_by_role("button", name="Ask the panel")).to_be_enabled()


async def test_a_lost_connection_is_found_again(browser: Browser) -> None:
    go_on = anyio.Event()
    async with (
        asked_over_http(lambda id: said(f"{id} begins, ", go_on, "42")) as site,
        cuttable(site.port) as (url, cut),
        visiting(browser, url, forgiven=["net::ERR"]) as visit,
    ):
        await visit.ask(QUESTION)
        await expect(visit.card("ada")).to_contain_text("ada begins")
        cut(True)
        await expect(
            visit.page.get_by_text("The connection to the gateway is lost")
        ).to_be_visible()
        go_on.set()
        cut(False)
        await visit.status("Complete")
        await expect(visit.card("ada").locator(".prose")).to_have_text("ada begins, 42")
        await expect(visit.page.get_by_text("The connection to the gateway is lost")).to_be_hidden()


async def test_the_rounds_of_a_debate_are_told_while_they_are_held(browser: Browser) -> None:
    held = anyio.Event()
    seats = [
        ScriptedAgent("ada", "It is 42."),
        ScriptedAgent("bob", "It is 42."),
        ScriptedAgent("eve", "It is 41.", ["I was wrong. ", held.wait, "It is 42."]),
    ]
    async with (
        gateway({"panel": seats}) as site,
        visiting(browser, site.url) as visit,
    ):
        page = visit.page
        await visit.ask(QUESTION, strategy="debate")
        await expect(visit.card("eve").locator(".state")).to_have_text("Writing (round 1)")
        await expect(visit.card("eve")).to_contain_text("I was wrong.")
        await page.get_by_text("Rounds", exact=True).click()
        await expect(page.locator(".rounds")).to_contain_text("42 by ada, bob; 41 by eve")
        held.set()
        await visit.status("Complete")
        # What is open stays open, whatever comes.
        await expect(page.locator(".flips")).to_contain_text("eve changed from 41 to 42")
        await expect(page.locator(".rounds > li")).to_have_count(2)
        await page.locator(".rounds details", has_text="eve").first.click()
        await expect(page.locator(".rounds details[open]")).to_contain_text("It is 41.")


async def test_a_ranking_and_its_ballots_can_be_looked_into(browser: Browser) -> None:
    order = ranks("good", "fair", "poor")
    seats = agents(("poor", order), ("good", order), ("fair", order))
    async with (
        gateway({"panel": seats}) as site,
        visiting(browser, site.url) as visit,
    ):
        page = visit.page
        await visit.ask("Why?", strategy="rank")
        await visit.status("Complete")
        await expect(visit.answer).to_have_text("good")
        await page.get_by_text("Ranking", exact=True).click()
        rows = page.locator(".finding tbody tr")
        await expect(rows).to_have_text(["1.b1.002", "2.c0.502", "3.a0.002"])
        await page.get_by_text("Rankings, judgements and writing").click()
        await page.get_by_text("a: ranking", exact=True).click()
        await expect(page.locator(".reply[open]")).to_contain_text("RANKING")
