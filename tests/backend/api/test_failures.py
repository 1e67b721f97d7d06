"""Every way a request can be refused, over a real socket."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.backend.serving import ask

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


def failure(response: httpx.Response, status: int) -> dict[str, Any]:
    """The error object of a response, after checking its shape."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert "Traceback" not in response.text
    error: dict[str, Any] = body["error"]
    return error


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"messages": [', b"\xff\xfe", b'{"model": "\\ud800"}']
)
async def test_malformed_json(web: httpx.AsyncClient, body: bytes) -> None:
    response = await web.post(CHAT, content=body, headers={"Content-Type": "application/json"})
    error = failure(response, 400)
    assert error["type"] == "invalid_request_error"
    assert "not valid JSON" in error["message"]


@pytest.mark.parametrize("body", ["[]", '"text"', "3", "null"])
async def test_a_body_that_is_no_object(web: httpx.AsyncClient, body: str) -> None:
    response = await web.post(CHAT, content=body, headers={"Content-Type": "application/json"})
    assert "must be a JSON object" in failure(response, 400)["message"]


async def test_another_content_type(web: httpx.AsyncClient) -> None:
    response = await web.post(
        CHAT, content=json.dumps(ask()), headers={"Content-Type": "text/plain"}
    )
    assert "application/json, not text/plain" in failure(response, 400)["message"]
    response = await web.post(CHAT, content=json.dumps(ask()))
    assert "application/json" in failure(response, 400)["message"]


async def test_another_method_names_those_allowed(web: httpx.AsyncClient) -> None:
    response = await web.get(CHAT)
    failure(response, 405)
    assert "POST" in response.headers["allow"]
    response = await web.delete("/health")
    failure(response, 405)
    assert "GET" in response.headers["allow"]


async def test_an_unknown_route(web: httpx.AsyncClient) -> None:
    assert failure(await web.get("/v1/nothing"), 404)["message"] == "There is no such route."


async def test_a_body_that_is_too_large(web: httpx.AsyncClient) -> None:
    response = await web.post(CHAT, json=ask("x" * (9 << 20)))
    assert "more than 8388608 bytes" in failure(response, 413)["message"]


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("temperature", 2.5, "between 0 and 2"),
        ("temperature", -0.1, "between 0 and 2"),
        ("top_p", 1.5, "between 0 and 1"),
        ("top_k", -1, "between 0 and 1000000"),
        ("min_p", 2, "between 0 and 1"),
        ("presence_penalty", 3, "between -2 and 2"),
        ("frequency_penalty", -3, "between -2 and 2"),
        ("repeat_penalty", 0, "between 0.1 and 10"),
        ("typical_p", 1.1, "between 0 and 1"),
        ("n", 0, "between 1 and 128"),
        ("n", 129, "between 1 and 128"),
        ("max_tokens", 0, "at least 1"),
        ("max_completion_tokens", -5, "at least 1"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_out_of_range(
    web: httpx.AsyncClient, field: str, value: float, allowed: str, stream: bool
) -> None:
    response = await web.post(CHAT, json=ask(stream=stream, **{field: value}))
    error = failure(response, 400)
    assert error["param"] == field
    for word in allowed.split(" and "):
        assert word in error["message"]
    assert str(value) in error["message"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages[0].content[0].type",
        ),
        ({"temperature": "warm"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"stop": [""]}, "stop[0]"),
        ({"stop": 5}, "stop"),
        ({"seed": "x"}, "seed"),
        ({"stream": "yes"}, "stream"),
    ],
)
async def test_a_wrong_field_is_named(
    web: httpx.AsyncClient, fields: dict[str, object], param: str
) -> None:
    response = await web.post(CHAT, json={**ask(), **fields})
    assert failure(response, 400)["param"] == param


async def test_messages_missing(web: httpx.AsyncClient) -> None:
    error = failure(await web.post(CHAT, json={}), 400)
    assert (error["param"], error["message"]) == ("messages", "messages is missing.")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("functions", [{"name": "f"}]),
        ("function_call", "auto"),
        ("audio", {"voice": "x"}),
        ("modalities", ["text", "audio"]),
        ("guided_regex", "("),
        ("structured_outputs", {"regex": "a"}),
        ("n_predict", 5),
        ("repetition_penalty", 1.1),
    ],
)
async def test_what_would_change_the_answer_is_refused(
    web: httpx.AsyncClient, field: str, value: object
) -> None:
    error = failure(await web.post(CHAT, json=ask(**{field: value})), 400)
    assert error["param"] == field
    assert error["code"] == "unsupported_parameter"


async def test_what_asks_for_nothing_is_ignored(web: httpx.AsyncClient) -> None:
    fields: dict[str, Any] = {
        "n": 1,
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "functions": [],
        "tool_choice": "none",
        "response_format": {"type": "text"},
        "logprobs": False,
        "logit_bias": {},
        "user": "me",
        "metadata": {"a": "b"},
        "store": True,
        "some_new_field": [1, 2],
    }
    response = await web.post(CHAT, json=ask(max_tokens=1, **fields))
    assert response.status_code == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_a_prompt_that_does_not_fit_gives_both_counts(
    web_pair: httpx.AsyncClient, stream: bool
) -> None:
    body = ask("x" * 500, model="org/short", stream=stream)
    error = failure(await web_pair.post(CHAT, json=body), 400)
    assert error["code"] == "context_length_exceeded"
    # 500 letters and ChatML's frame, in a model whose file says 96 tokens.
    # In the words by which clients know it.
    assert "this model's maximum context length is 96 tokens" in error["message"]
    assert "prompt is too long" in error["message"]
    counts = [int(word) for word in error["message"].split() if word.isdigit()]
    assert counts[0] > 500


async def test_an_unknown_model_lists_those_there_are(web_pair: httpx.AsyncClient) -> None:
    error = failure(await web_pair.post(CHAT, json=ask(model="gpt-9")), 404)
    assert error["code"] == "model_not_found"
    assert "'bytes', 'org/short'" in error["message"]


async def test_an_unknown_model_is_never_replaced_by_the_only_one(web: httpx.AsyncClient) -> None:
    assert failure(await web.post(CHAT, json=ask(model="gpt-9")), 404)["param"] == "model"


async def test_without_a_name_several_models_are_too_many(web_pair: httpx.AsyncClient) -> None:
    error = failure(await web_pair.post(CHAT, json=ask()), 400)
    assert error["param"] == "model"
    assert "'bytes', 'org/short'" in error["message"]


async def test_models_are_listed_and_found(web_pair: httpx.AsyncClient) -> None:
    listing = (await web_pair.get("/v1/models")).json()
    assert [model["id"] for model in listing["data"]] == ["bytes", "org/short"]
    found = (await web_pair.get("/v1/models/org/short")).json()
    assert (found["id"], found["object"]) == ("org/short", "model")
    assert failure(await web_pair.get("/v1/models/other"), 404)["code"] == "model_not_found"
