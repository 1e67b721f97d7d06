"""`POST /v1/messages` of a gateway, over real sockets."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from council.agents.scripted import ScriptedAgent
from council.errors import StreamError
from tests.gateway.dialects import QUESTION, Waiting, named, three
from tests.gateway.serving import PATIENCE, gateway

pytestmark = pytest.mark.anyio
PATH = "/v1/messages"


def asked(**fields: Any) -> dict[str, Any]:
    return {"model": "panel", "max_tokens": 9, "messages": [QUESTION], **fields}


async def test_a_whole_answer() -> None:
    async with gateway({"panel": three()}) as site, site.client() as web:
        response = await web.post(PATH, json=asked())
        assert response.status_code == 200, response.text
        body = response.json()
        assert body["content"] == [{"type": "text", "text": "It is 42."}]
        assert body["stop_reason"] == "end_turn"
        assert body["usage"]["output_tokens"] == 9  # three words of three experts
        assert body["council"]["status"] == response.headers["x-council-status"] == "complete"
        assert body["council"]["run_id"] == response.headers["x-council-run"]
        assert response.headers["request-id"] == response.headers["x-request-id"]


async def test_a_stream() -> None:
    async with gateway({"panel": three()}) as site, site.client() as web:
        response = await web.post(PATH, json=asked(stream=True))
        assert response.headers["content-type"].startswith("text/event-stream")
        found = named(response.text)
        assert [event["type"] for event in found] == [
            *("message_start", "content_block_start", "content_block_delta"),
            *("content_block_stop", "message_delta", "message_stop"),
        ]
        assert found[-2]["council"]["run_id"] == response.headers["x-council-run"]


async def test_the_system_prompt_reaches_the_experts() -> None:
    agents = three()
    async with gateway({"panel": agents}) as site, site.client() as web:
        system = [{"type": "text", "text": "Be brief."}]
        assert (await web.post(PATH, json=asked(system=system))).status_code == 200
    [request] = agents[0].requests
    assert [(turn.role, turn.text) for turn in request.messages] == [
        ("system", "Be brief."),
        ("user", "What is 6 * 7?"),
    ]


async def test_errors_are_in_the_apis_shape() -> None:
    experts = [ScriptedAgent(id, StreamError("cut off")) for id in ("ada", "bob")]
    async with gateway({"panel": experts}) as site, site.client() as web:

        async def error(status: int, **fields: Any) -> dict[str, Any]:
            response = await web.post(PATH, json=asked(**fields))
            assert response.status_code == status, response.text
            body: dict[str, Any] = response.json()
            assert body["type"] == "error"
            assert body["request_id"] == response.headers["request-id"]
            found: dict[str, Any] = body["error"]
            return found

        assert (await error(404, model="nobody"))["type"] == "not_found_error"
        tools = [{"name": "add", "input_schema": {"type": "object"}}]
        refused = await error(400, tools=tools)
        assert refused["type"] == "invalid_request_error"
        assert refused["message"].startswith("tools is not supported by a panel")
        assert (await error(502))["type"] == "api_error"
        streamed = named((await web.post(PATH, json=asked(stream=True))).text)
        assert [event["type"] for event in streamed] == ["message_start", "error"]
        assert "cut off" in streamed[-1]["error"]["message"]


async def test_tokens_are_estimated() -> None:
    agents = three()
    async with gateway({"panel": agents}) as site, site.client() as web:
        body = {"model": "panel", "system": "Be brief.", "messages": [QUESTION]}
        response = await web.post(f"{PATH}/count_tokens", json=body)
        length = len("Be brief.") + len("What is 6 * 7?")
        assert response.json() == {
            "input_tokens": -(-length // 4),
            "council": {"estimated": True},
        }
        missing = await web.post(f"{PATH}/count_tokens", json={**body, "model": "nobody"})
        assert missing.status_code == 404
    assert agents[0].requests == []


async def test_a_client_that_leaves_stops_its_run() -> None:
    eve = Waiting()
    async with gateway({"panel": [*three()[:2], eve]}) as site, site.client() as web:
        with anyio.fail_after(PATIENCE):
            async with web.stream("POST", PATH, json=asked(stream=True)) as response:
                assert "message_start" in await anext(response.aiter_lines())
                await eve.asked.wait()
            await eve.stopped.wait()
            await site.state.runs.wait_over()
