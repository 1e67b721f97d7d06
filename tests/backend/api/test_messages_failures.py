"""Every way a request of Anthropic's API can be refused, over a real socket."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anthropic
import httpx
import pytest

from tests.backend.dialects import FRANCE, NOISE, serving
from tests.backend.serving import PATIENCE, Server, client, health, until

pytestmark = pytest.mark.anyio
MESSAGES = "/v1/messages"
KEY = "key-0123456789abcdef"
TOOL = {"name": "add", "input_schema": {"type": "object"}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that wants a key."""
    folder = tmp_path_factory.mktemp("refusals")
    with serving(folder, "--api-key", f"ada:{KEY}", models=[NOISE]) as found:
        yield found


@pytest.fixture
async def web(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with client(server) as found:
        found.headers["x-api-key"] = KEY
        yield found


@pytest.fixture
async def sdk(server: Server) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """Anthropic's client."""
    async with anthropic.AsyncAnthropic(
        base_url=server.url, api_key=KEY, max_retries=0, timeout=PATIENCE
    ) as found:
        yield found


def ask(**fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": FRANCE}]
    return {"model": NOISE, "messages": messages, "max_tokens": 5, **fields}


def failure(response: httpx.Response, status: int) -> dict[str, str]:
    """The error object of a response, after checking its shape."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert set(body) == {"type", "error", "request_id"}
    assert body["type"] == "error"
    assert body["request_id"] == response.headers["request-id"]
    assert set(body["error"]) == {"type", "message"}
    error: dict[str, str] = body["error"]
    return error


@pytest.mark.parametrize("path", [MESSAGES, f"{MESSAGES}/count_tokens"])
async def test_bodies_that_are_none(web: httpx.AsyncClient, path: str) -> None:
    json_type = {"Content-Type": "application/json"}
    malformed = failure(await web.post(path, content=b"{", headers=json_type), 400)
    assert malformed["type"] == "invalid_request_error"
    assert "not valid JSON" in malformed["message"]
    failure(await web.post(path, content=b"{}", headers={"Content-Type": "text/plain"}), 400)
    large = failure(await web.post(path, json=ask(system="x" * (9 << 20))), 413)
    assert large["type"] == "request_too_large"


async def test_routes_and_methods(web: httpx.AsyncClient) -> None:
    wrong = await web.get(MESSAGES)
    assert failure(wrong, 405)["type"] == "invalid_request_error"
    assert "POST" in wrong.headers["allow"]
    assert failure(await web.get(f"{MESSAGES}/batches"), 404)["type"] == "not_found_error"
    # Other routes keep the shape that their own clients expect.
    assert set((await web.get("/v1/messages-of-mine")).json()) == {"error"}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"temperature": 1.5}, "temperature must be between 0 and 1"),
        ({"messages": []}, "messages"),
        (
            {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
            "tools[0]: type 'web_",
        ),
        ({"tools": [{"name": "f", "input_schema": {"type": 3}}]}, "tools[0].input_schema"),
        ({"tools": [TOOL, TOOL]}, "tools[1].name: 'add' is there twice."),
        ({"tool_choice": {"type": "any"}}, "tool_choice: a call is required, but there are no"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "divide"}},
            "tool_choice: there is no tool 'divide'; there are: add.",
        ),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "thinking.budget_tokens"),
        ({"output_config": {"format": {"type": "json_schema", "schema": {"type": 3}}}}, "schema"),
        ({"thinking": {"type": "enabled"}}, "thinking: this model does not reason"),
        ({"output_config": {"effort": "low"}}, "output_config.effort: "),
        ({"stop_sequences": [""]}, "stop_sequences[0]"),
    ],
)
async def test_fields(web: httpx.AsyncClient, fields: dict[str, Any], told: str) -> None:
    for stream in (False, True):
        refused = await web.post(MESSAGES, json=ask(stream=stream, **fields))
        assert told in failure(refused, 400)["message"]


@pytest.mark.parametrize("type", ["image", "document", "search_result", "server_tool_use"])
async def test_blocks_that_are_no_text(web: httpx.AsyncClient, type: str) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "aGk="}
    content = [{"type": "text", "text": "Look:"}, {"type": type, "source": source}]
    body = ask(messages=[{"role": "user", "content": content}])
    error = failure(await web.post(MESSAGES, json=body), 400)
    assert f"messages[0].content[1]: type '{type}' is not supported" in error["message"]


async def test_errors_arrive_as_the_clients_own(sdk: anthropic.AsyncAnthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="There are: 'noise'") as unknown:
        await sdk.messages.create(**ask(model="claude-9"))
    assert (unknown.value.type, bool(unknown.value.request_id)) == ("not_found_error", True)
    with pytest.raises(anthropic.BadRequestError, match="8192 tokens"):
        await sdk.messages.create(**ask(system="word " * 3000, stream=True))
    with pytest.raises(anthropic.BadRequestError, match="8192 tokens"):
        async with sdk.messages.stream(**ask(system="word " * 3000)):
            pass


async def test_keys(server: Server, sdk: anthropic.AsyncAnthropic) -> None:
    assert await sdk.messages.create(**ask())
    with pytest.raises(anthropic.AuthenticationError) as refused:
        await sdk.with_options(api_key="wrong").messages.create(**ask())
    assert refused.value.type == "authentication_error"
    async with client(server) as web:
        assert failure(await web.post(MESSAGES, json=ask()), 401)
        bearer = {"Authorization": f"Bearer {KEY}", "anthropic-version": "2023-06-01"}
        assert (await web.post(MESSAGES, json=ask(), headers=bearer)).status_code == 200


async def test_a_caller_who_asks_too_often(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("rates")
    with serving(folder, "--requests-per-minute", "1", models=[NOISE]) as server:
        async with anthropic.AsyncAnthropic(
            base_url=server.url, api_key="none", max_retries=0, timeout=PATIENCE
        ) as sdk:
            await sdk.messages.create(**ask())
            with pytest.raises(anthropic.RateLimitError) as limited:
                await sdk.messages.create(**ask())
    assert limited.value.type == "rate_limit_error"
    assert int(limited.value.response.headers["retry-after"]) > 0


async def test_a_model_that_dies_while_it_answers(web: httpx.AsyncClient) -> None:
    """The stream ends with an error event, and what comes next is refused until it is back."""
    pid = (await health(web))["pid"]
    found: list[str] = []
    body = ask(max_tokens=8000, stream=True)
    async with web.stream("POST", MESSAGES, json=body) as response:
        async for line in response.aiter_lines():
            found.append(line)
            if len(found) == 12:
                os.kill(pid, signal.SIGKILL)
    last = [line for line in found if line]
    assert last[-2] == "event: error"
    data = json.loads(last[-1].removeprefix("data: "))
    assert (data["type"], data["error"]["type"]) == ("error", "overloaded_error")
    assert data["request_id"] == response.headers["request-id"]
    await until(web, lambda found: found["status"] == "ready")
