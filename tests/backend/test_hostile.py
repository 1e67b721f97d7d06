"""Requests that are meant to do harm: each is answered, and the model's process lives on.

After each one the next request is right, and it is the same worker that answers it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.backend.api.test_failures import CHAT, failure
from tests.backend.serving import Server, ask, client, health, running

pytestmark = pytest.mark.anyio
JSON = {"Content-Type": "application/json"}
DEEP = "[" * 100_000
NINES = "9" * 5000


@pytest.fixture(scope="module")
def servers(models: Path) -> Iterator[Server]:
    """A model of random weights and one that was trained, with tokenizers of their own."""
    arguments = ["--model", f"{models}/endless.gguf=random", "--model", "builtin:sage=trained"]
    with running(*arguments, "--ctx", "4096") as server:
        yield server


@pytest.fixture(params=["random", "trained"])
async def target(servers: Server, request: pytest.FixtureRequest) -> AsyncIterator[Target]:
    """One of the two models; it has to be unharmed afterwards."""
    async with client(servers) as web:
        target = Target(web, request.param)
        expected, pid = await target.greedy(), (await target.health())["pid"]
        yield target
        assert await target.greedy() == expected
        found = await target.health()
        assert (found["status"], found["pid"], found["restarts"]) == ("ready", pid, 0)


class Target:
    """A model to attack."""

    def __init__(self, web: httpx.AsyncClient, model: str) -> None:
        self.web = web
        self.model = model

    async def send(self, body: dict[str, object]) -> httpx.Response:
        return await self.web.post(CHAT, json={**body, "model": self.model})

    async def raw(self, fields: str) -> httpx.Response:
        """A body that no JSON library would write."""
        given = f'"model": "{self.model}", "max_tokens": 2, {fields}'
        return await self.web.post(CHAT, content=f"{{{given}}}".encode(), headers=JSON)

    async def greedy(self) -> str:
        response = await self.send(ask("a question", max_tokens=8, temperature=0))
        assert response.status_code == 200, response.text
        text: str = response.json()["choices"][0]["message"]["content"]
        return text

    async def health(self) -> dict[str, Any]:
        return await health(self.web, ["random", "trained"].index(self.model))


MESSAGES = '"messages": [{"role": "user", "content": "x"}]'


@pytest.mark.parametrize(
    "fields",
    [
        f'{MESSAGES}, "tool_choice": {DEEP}{"]" * 100_000}',
        f'{MESSAGES}, "metadata": {DEEP}',
        f'{MESSAGES}, "max_tokens": {NINES}',
        f'{MESSAGES}, "temperature": 1e400',
        f'{MESSAGES}, "temperature": NaN',
        f'{MESSAGES}, "temperature": -Infinity',
        f'{MESSAGES}, "seed": {NINES[:40]}',
        f'{MESSAGES}, "top_k": {NINES[:40]}',
        f'{MESSAGES}, "n": {NINES[:40]}',
        f'{MESSAGES}, "logit_bias": {{"{NINES}": 1}}',
        f'{MESSAGES}, "logit_bias": {{"1": 1e39}}',
        '"messages": [{"role": "user", "content": "\\ud800"}]',
    ],
    ids=lambda fields: fields[-60:-40],
)
async def test_json_that_no_library_writes(target: Target, fields: str) -> None:
    failure(await target.raw(fields), 400)


async def test_bytes_that_are_no_text(target: Target) -> None:
    body = json.dumps(ask("?", model=target.model)).encode().replace(b"?", b"\xff\xfe\x80")
    response = await target.web.post(CHAT, content=body, headers=JSON)
    assert "not valid JSON" in failure(response, 400)["message"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00",
        "a\x00b" * 50,
        "<|im_start|>system\n<|im_end|>" * 20,
        "\uffff\ufffe\U0010ffff\u202e" * 20,
        "e" + "\u0301" * 150,
        "{{ ''.__class__ }}{% for i in range(10**9) %}x{% endfor %}",
    ],
    ids=["empty", "nul", "nuls", "frames", "no characters", "marks", "template"],
)
async def test_text_that_is_odd(target: Target, text: str) -> None:
    response = await target.send(ask(text, max_tokens=2))
    assert response.status_code == 200, response.text
    assert response.json()["usage"]["prompt_tokens"] > 0


@pytest.mark.parametrize("unit", ["1", ".", " ", "\n", "a", "é", "字", "<|im_start|>", "a1 '\n"])
async def test_text_without_end(target: Target, unit: str) -> None:
    """llama.cpp's patterns call themselves for each digit: 50,000 were the end of a process."""
    for size in (100_000, 4_000_000):
        text = unit * (size // len(unit.encode()))
        error = failure(await target.send(ask(text, max_tokens=2)), 400)
        assert error["code"] == "context_length_exceeded"
        counts = [int(word) for word in error["message"].split() if word.isdigit()]
        assert counts[0] > counts[1]


async def test_messages_without_end(target: Target) -> None:
    messages = [{"role": "user", "content": ""}] * 100_000
    error = failure(await target.send({"messages": messages, "max_tokens": 2}), 400)
    assert error["code"] == "context_length_exceeded"
    assert "more than" in error["message"]


@pytest.mark.parametrize("arguments", [DEEP, DEEP + "]" * 100_000, '"\\ud800"', NINES, "{"])
async def test_arguments_of_a_tool(target: Target, arguments: str) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": arguments}}
    messages = [{"role": "assistant", "content": "x", "tool_calls": [call]}]
    response = await target.send({"messages": messages, "max_tokens": 1})
    if response.status_code != 200:
        assert failure(response, 400)["code"] == "context_length_exceeded"


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 2, "top_k": 0, "top_p": 1, "min_p": 0},
        {"temperature": 2, "top_k": 1_000_000, "top_p": 0, "min_p": 1, "typical_p": 0},
        {"temperature": 1e-300},
        {"temperature": 1e-5, "repeat_penalty": 0.1, "frequency_penalty": -2},
        {"temperature": 2, "repeat_penalty": 10, "presence_penalty": 2, "frequency_penalty": 2},
        {"temperature": 2, "logit_bias": {str(token): -100 for token in range(259)}},
        {"temperature": 0, "logit_bias": {str(token): 100 for token in range(259)}},
        {"seed": -(2**63)},
        {"seed": 2**63 - 1},
        {"max_tokens": 10**30, "stop": ["a", "e", " ", "<", "(", "1", "i", "o", "n", "t"]},
        {"stop": ["a" * 400_000 + str(number) for number in range(16)]},
        {"n": 128, "max_tokens": 1},
    ],
    ids=lambda fields: str(fields)[:40],
)
async def test_knobs_at_their_ends(target: Target, fields: dict[str, object]) -> None:
    response = await target.send(ask(**{"max_tokens": 20, **fields}))
    assert response.status_code == 200, response.text
    assert all(choice["finish_reason"] for choice in response.json()["choices"])


@pytest.mark.parametrize(
    "format",
    [
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {"$ref": "#"}}},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {"pattern": "("}}},
        {"type": "regex", "regex": "(a+)+$"},
        {"type": "grammar", "grammar": 'root ::= "a'},
        {"type": []},
        {},
    ],
    ids=str,
)
async def test_forms_of_an_answer(target: Target, format: dict[str, object]) -> None:
    error = failure(await target.send(ask(response_format=format)), 400)
    assert str(error["param"]).startswith("response_format")


@pytest.mark.parametrize("grammar", ['root ::= "a', "", "root ::= root", "\x00", 5, ["x"]])
async def test_a_grammar_is_refused_by_name(target: Target, grammar: object) -> None:
    response = await target.send(ask(grammar=grammar, max_tokens=1))
    if grammar:
        assert failure(response, 400)["param"] == "grammar"
    else:
        assert response.status_code == 200


@pytest.mark.parametrize("name", ["\x00", "a" * 100_000, "../../etc/passwd", "%00"])
async def test_names_of_models(target: Target, name: str) -> None:
    error = failure(await target.web.post(CHAT, json=ask(model=name)), 404)
    assert len(error["message"]) < 1000


@pytest.mark.parametrize(
    "given",
    [[-1], [2**31 - 1], [2**31], [10**30], [1.5], [True], [], "", [""], [[]], [[["a"]]], None],
    ids=str,
)
async def test_tokens_and_texts_to_embed(target: Target, given: object) -> None:
    body = {"model": target.model, "input": given}
    error = failure(await target.web.post("/v1/embeddings", json=body), 400)
    assert str(error["param"]).startswith("input")


@pytest.mark.parametrize("unit", ["1", ".", "\u0301", "a1 '\n"])
async def test_texts_without_end_to_embed(target: Target, unit: str) -> None:
    body = {"model": target.model, "input": unit * (200_000 // len(unit))}
    error = failure(await target.web.post("/v1/embeddings", json=body), 400)
    assert "tokens" in error["message"]
