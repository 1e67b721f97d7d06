"""A run that a gateway makes stands in the trace of the request that asked for it."""

from __future__ import annotations

import pytest

from tests.gateway.seats import three
from tests.gateway.serving import gateway, watch
from tests.support.telemetry import collecting

pytestmark = pytest.mark.anyio

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


async def test_a_request_and_its_run_are_one_trace() -> None:
    with collecting() as collected:
        async with gateway({"panel": three()}) as site, site.client() as web:
            for sent in ({"traceparent": f"00-{TRACE}-{SPAN}-01"}, {}):
                asked = {"panel": "panel", "question": "6 * 7?"}
                begun = await web.post("/v1/council/runs", json=asked, headers=sent)
                await watch(web, begun.json()["id"])
        joined, alone = collected.spans("invoke_agent")
    assert joined.parent is not None
    assert f"{joined.parent.trace_id:032x}" == TRACE
    assert f"{joined.parent.span_id:016x}" == SPAN
    assert alone.parent is None
