"""Keys: who may ask, whose runs are whose, and what is charged to whom."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from httpx_sse import aconnect_sse

from serving.accounts import Rates
from serving.keys import parse_keys
from serving.options import Options
from tests.gateway.seats import three
from tests.gateway.serving import gateway, watch

pytestmark = pytest.mark.anyio
RUNS = "/v1/council/runs"
ANN, BEN = "ann-has-a-long-key", "ben-has-a-long-key"
KEYS = parse_keys([f"ann:{ANN}", f"ben:{BEN}"], "--api-key")


async def start(web: httpx.AsyncClient) -> str:
    begun = await web.post(RUNS, json={"question": "6 * 7?"})
    assert begun.status_code == 201, begun.text
    id: str = begun.json()["id"]
    return id


@pytest.mark.parametrize("kept", [True, False])
async def test_nobody_sees_the_runs_of_another_key(kept: bool, tmp_path: Path) -> None:
    store = tmp_path / "runs" if kept else None
    serving = Options(keys=KEYS)
    async with (
        gateway({"panel": three()}, store=store, serving=serving) as site,
        site.client(Authorization=f"Bearer {ANN}") as ann,
        site.client(**{"x-api-key": BEN}) as ben,
    ):
        id = await start(ann)
        await watch(ann, id)
        others = await start(ben)
        await watch(ben, others)
        for path in ("", "/events", "/transcript"):
            assert (await ben.get(f"{RUNS}/{id}{path}")).status_code == 404
            assert (await ann.get(f"{RUNS}/{id}{path}")).status_code == 200
        assert (await ben.post(f"{RUNS}/{id}/cancel")).status_code == 404
        assert (await ben.delete(f"{RUNS}/{id}")).status_code == 404
        assert (await ben.get(RUNS, params={"before": id})).status_code == 404
        assert [run["id"] for run in (await ann.get(RUNS)).json()["runs"]] == [id]
        assert [run["id"] for run in (await ben.get(RUNS)).json()["runs"]] == [others]
    if kept:  # the record keeps them apart too
        async with (
            gateway({"panel": three()}, store=store, serving=serving) as site,
            site.client(**{"x-api-key": BEN}) as ben,
        ):
            assert [run["id"] for run in (await ben.get(RUNS)).json()["runs"]] == [others]
            assert (await ben.get(f"{RUNS}/{id}")).status_code == 404
        async with gateway({"panel": three()}, store=store) as site, site.client() as anybody:
            listed = (await anybody.get(RUNS)).json()["runs"]
            assert [run["id"] for run in listed] == [others, id]


async def test_without_a_key_there_are_the_page_and_the_health_only() -> None:
    async with (
        gateway({"panel": three()}, serving=Options(keys=KEYS)) as site,
        site.client() as web,
    ):
        assert (await web.get("/health")).status_code == 200
        assert (await web.get("/")).status_code == 200
        for path in ("/v1/models", RUNS, "/v1/council/panels", "/metrics", "/openapi.json"):
            refused = await web.get(path)
            assert refused.status_code == 401
            assert refused.json()["error"]["code"] == "invalid_api_key"


async def test_a_run_is_charged_to_who_asked_even_after_the_request() -> None:
    serving = Options(keys=KEYS, rates=Rates(tokens=50))
    async with (
        gateway({"panel": three("42 " * 20)}, serving=serving) as site,
        site.client(**{"x-api-key": ANN}) as ann,
        site.client(**{"x-api-key": BEN}) as ben,
    ):
        id = await start(ann)
        # Watching costs nothing itself; the run has used more than there was.
        async with aconnect_sse(ann, "GET", f"{RUNS}/{id}/events") as source:
            if source.response.status_code == 200:
                assert [event async for event in source.aiter_sse()]
        run = site.state.runs.find_live(id)
        assert run is not None
        await run.over.wait()
        refused = await ann.post(RUNS, json={"question": "again?"})
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "rate_limit_exceeded"
        await start(ben)


async def test_a_foreign_page_may_not_ask() -> None:
    async with gateway({"panel": three()}) as site, site.client() as web:
        body = {"question": "6 * 7?"}
        page = await web.post(RUNS, json=body, headers={"Origin": "https://evil.example"})
        assert (page.status_code, page.json()["error"]["code"]) == (403, "not_welcome")
        rebound = await web.get("/v1/models", headers={"Host": "evil.example"})
        assert rebound.status_code == 403
