"""Panels that ask each other through gateways, and the one that would ask itself without end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from council.agents.via import parse_via, via, via_value
from tests.gateway.seats import three
from tests.gateway.serving import Site, gateway, result_of, watch

pytestmark = pytest.mark.anyio
RUNS = "/v1/council/runs"


def asks(url: str, model: str = "panel") -> dict[str, Any]:
    """A panel of one expert, which is a panel of a gateway."""
    expert = {"id": "other", "model": model, "endpoint": f"{url}/v1"}
    return {"experts": [expert], "strategy": "first"}


async def ask(web: httpx.AsyncClient, panel: str) -> dict[str, Any]:
    begun = await web.post(RUNS, json={"question": "6 * 7?", "panel": panel})
    return result_of(await watch(web, begun.json()["id"]))


@asynccontextmanager
async def pointing(site: Site, at: str, name: str, model: str) -> AsyncIterator[None]:
    """Puts a panel into a gateway whose address was not known before."""
    from council.council import open_council
    from council.gateway.panels import open_panel

    async with open_council(asks(at, model)) as council:
        site.state.panels._panels[name] = open_panel(name, council)
        yield


async def test_a_panel_that_asks_itself_is_told_so() -> None:
    async with (
        gateway({"plain": three()}) as site,
        pointing(site, site.url, "loop", "loop"),
        site.client() as web,
    ):
        result = await ask(web, "loop")
        assert result["status"] == "failed"
        assert "The panel 'loop' asks itself" in result["error"]["message"]
        assert "HTTP 508" in result["error"]["message"]


async def test_two_gateways_that_ask_each_other_are_told_so() -> None:
    async with (
        gateway({"plain": three()}) as one,
        gateway({"plain": three()}) as two,
        pointing(one, two.url, "there", "back"),
        pointing(two, one.url, "back", "there"),
        one.client() as web,
    ):
        result = await ask(web, "there")
        assert result["status"] == "failed"
        assert "asks itself" in result["error"]["message"]


async def test_a_panel_may_ask_another_gateways_panel() -> None:
    async with (
        gateway({"plain": three()}) as one,
        gateway({"plain": three()}) as two,
        pointing(one, two.url, "there", "plain"),
        one.client() as web,
    ):
        result = await ask(web, "there")
        assert (result["status"], result["answer"]) == ("complete", "It is 42.")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (RUNS, {"panel": "panel", "question": "6 * 7?"}),
        (
            "/v1/chat/completions",
            {"model": "panel", "messages": [{"role": "user", "content": "6 * 7?"}]},
        ),
    ],
    ids=["runs", "chat"],
)
async def test_a_request_has_a_way_to_go_and_no_more(path: str, body: dict[str, Any]) -> None:
    async with gateway({"panel": three()}) as site, site.client() as web:
        far = await web.post(path, json=body, headers={"x-council-via": "a, b,c d"})
        assert far.status_code < 300
        farther = await web.post(path, json=body, headers={"x-council-via": "a, b, c, d, e"})
        assert farther.status_code == 508
        own = await web.post(path, json=body, headers={"x-council-via": site.state.runs.gateway})
        assert own.status_code == 508
        error = own.json()["error"]
        assert error["code"] == "panel_asks_itself"
        assert "'panel'" in error["message"]


def test_the_header() -> None:
    assert parse_via(None) == parse_via(" , ") == ()
    assert parse_via("a, b  c,d") == ("a", "b", "c", "d")
    assert len(parse_via("a " * 10_000)) <= 65
    assert via_value() == ""
    token = via.set(("a", "b"))
    try:
        assert parse_via(via_value()) == ("a", "b")
    finally:
        via.reset(token)
