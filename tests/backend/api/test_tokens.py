"""What a model is given: tokens of texts, texts of tokens, rendered templates."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.backend.api.test_failures import failure
from tests.backend.serving import ask

pytestmark = pytest.mark.anyio
TEXT = "Zürich, 😀 <|im_end|>"


async def post(web: httpx.AsyncClient, route: str, **body: object) -> dict[str, Any]:
    response = await web.post(route, json=body)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_there_and_back(web: httpx.AsyncClient) -> None:
    tokens = (await post(web, "/tokenize", content=TEXT))["tokens"]
    plain = len(TEXT.replace("<|im_end|>", "").encode())
    assert len(tokens) == plain + 1  # a byte a token, and one that is special
    assert (await post(web, "/detokenize", tokens=tokens))["content"] == TEXT


async def test_special_tokens_can_be_plain_text(web: httpx.AsyncClient) -> None:
    tokens = (await post(web, "/tokenize", content=TEXT, parse_special=False))["tokens"]
    assert len(tokens) == len(TEXT.encode())
    assert (await post(web, "/detokenize", tokens=tokens))["content"] == TEXT


async def test_pieces_are_text_or_bytes(web: httpx.AsyncClient) -> None:
    found = (await post(web, "/tokenize", content="aü<|im_end|>", with_pieces=True))["tokens"]
    pieces = [entry["piece"] for entry in found]
    assert pieces == ["a", [0xC3], [0xBC], "<|im_end|>"]
    assert all(isinstance(entry["id"], int) for entry in found)


async def test_nothing_is_nothing(web: httpx.AsyncClient) -> None:
    assert (await post(web, "/tokenize", content=""))["tokens"] == []
    assert (await post(web, "/detokenize", tokens=[]))["content"] == ""


async def test_a_template_is_applied_as_for_a_chat(web: httpx.AsyncClient) -> None:
    prompt = (await post(web, "/apply-template", **ask("hello")))["prompt"]
    assert prompt == "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"
    usage = (await post(web, "/v1/chat/completions", **ask("hello", max_tokens=1)))["usage"]
    tokens = (await post(web, "/tokenize", content=prompt, add_special=True))["tokens"]
    assert len(tokens) == usage["prompt_tokens"]


async def test_a_template_shows_its_tools(web: httpx.AsyncClient) -> None:
    tool = {"type": "function", "function": {"name": "weather_of", "description": "Sky."}}
    prompt = (await post(web, "/apply-template", **ask(tools=[tool])))["prompt"]
    assert "weather_of" in prompt


@pytest.mark.parametrize(
    ("route", "body", "param"),
    [
        ("/tokenize", {}, "content"),
        ("/tokenize", {"content": 3}, "content"),
        ("/tokenize", {"content": "x" * 1_000_001}, "content"),
        ("/detokenize", {"tokens": ["x"]}, "tokens[0]"),
        ("/detokenize", {"tokens": [-1]}, "tokens[0]"),
        ("/detokenize", {"tokens": [259]}, "tokens"),
        ("/detokenize", {"tokens": [1 << 40]}, "tokens[0]"),
        ("/apply-template", {"messages": []}, "messages"),
    ],
)
async def test_a_wrong_field_is_named(
    web: httpx.AsyncClient, route: str, body: dict[str, object], param: str
) -> None:
    assert failure(await web.post(route, json=body), 400)["param"] == param


async def test_several_models_have_to_be_told_apart(web_pair: httpx.AsyncClient) -> None:
    assert failure(await web_pair.post("/tokenize", json={"content": "x"}), 400)["param"] == "model"
    assert (await post(web_pair, "/tokenize", content="x", model="bytes"))["tokens"] == [ord("x")]
    body = {"content": "x", "model": "gpt-9"}
    assert failure(await web_pair.post("/tokenize", json=body), 404)["code"] == "model_not_found"
