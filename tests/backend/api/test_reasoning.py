"""Thoughts, templates that are told things, prefilled answers, and answers that do not end."""

from __future__ import annotations

import functools
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from backend.api.answers import Answering, Ask
from backend.api.plans import Plan
from backend.chat.formats.base import Thinking
from backend.chat.formats.hermes import Hermes
from backend.chat.reader import Reader
from backend.chat.wanted import Wanted
from backend.engine.generation import Generation
from backend.engine.inflight import Job
from backend.engine.messages import Output
from backend.engine.sampling import Sampling
from tests.backend.api.test_failures import failure
from tests.backend.random_model import CHATML, Shape, write_model
from tests.backend.serving import Server, ask, client, running

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
THINKING = CHATML.replace(
    "<|im_start|>assistant\n{% endif %}",
    "<|im_start|>assistant\n{% if shout %}!{% endif %}"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n"
    "{% else %}<think>\n{% endif %}{% endif %}",
)
THINKER, SAGE = "thinker", "builtin:sage"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A model that thinks without end, and one that ends."""
    path = tmp_path_factory.mktemp("thinker") / "thinker.gguf"
    write_model(path, Shape(ascii_only=True, template=THINKING))
    with running("--model", str(path), "--model", SAGE, "--ctx", "2048") as found:
        yield found


@pytest.fixture
async def web_here(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client."""
    async with client(server) as found:
        yield found


async def answer(web: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    response = await web.post(CHAT, json=ask(**{"model": THINKER, "max_tokens": 20, **fields}))
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def message(web: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    found: dict[str, Any] = (await answer(web, **fields))["choices"][0]["message"]
    return found


async def prompt(web: httpx.AsyncClient, **fields: object) -> str:
    response = await web.post("/apply-template", json=ask(**{"model": THINKER, **fields}))
    assert response.status_code == 200, response.text
    text: str = response.json()["prompt"]
    return text


async def test_thoughts_are_no_content(web_here: httpx.AsyncClient) -> None:
    found = await answer(web_here)
    said = found["choices"][0]["message"]
    assert said["content"] == ""
    assert len(said["reasoning_content"]) > 10
    assert found["usage"]["completion_tokens_details"] == {"reasoning_tokens": 20}


@pytest.mark.parametrize(
    "fields",
    [
        {"enable_thinking": False},
        {"reasoning_effort": "none"},
        {"chat_template_kwargs": {"enable_thinking": False}},
    ],
)
async def test_thinking_can_be_left_out(
    web_here: httpx.AsyncClient, fields: dict[str, object]
) -> None:
    found = await answer(web_here, **fields)
    said = found["choices"][0]["message"]
    assert "reasoning_content" not in said
    assert len(said["content"]) == 20
    assert found["usage"]["completion_tokens_details"] == {"reasoning_tokens": 0}


async def test_thoughts_in_a_stream(web_here: httpx.AsyncClient) -> None:
    whole = await message(web_here, seed=1)
    counted = {"stream_options": {"include_usage": True}}
    body = ask(model=THINKER, max_tokens=20, seed=1, stream=True, **counted)
    async with web_here.stream("POST", CHAT, json=body) as response:
        lines = [line async for line in response.aiter_lines() if line.startswith("data: {")]
    *chunks, last = [json.loads(line.removeprefix("data: ")) for line in lines]
    assert last["usage"]["completion_tokens_details"] == {"reasoning_tokens": 20}
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    thoughts = "".join(delta.get("reasoning_content", "") for delta in deltas)
    assert thoughts.strip() == whole["reasoning_content"].strip()
    assert "".join(delta.get("content", "") for delta in deltas) == ""


async def test_thoughts_are_counted_in_a_response(web_here: httpx.AsyncClient) -> None:
    body = {"model": THINKER, "input": "hello", "max_output_tokens": 20}
    usage = (await web_here.post("/v1/responses", json=body)).json()["usage"]
    assert usage["output_tokens_details"] == {"reasoning_tokens": 20}


def answering(texts: list[str]) -> Answering:
    """An answer of these tokens, all of which have arrived."""
    generation = Generation(1, lambda number: None)
    for count, text in enumerate(texts, start=1):
        generation.put(Output(1, text, count, 0, "stop" if count == len(texts) else None))
    reader = functools.partial(Reader, Hermes(), [], Thinking("<think>", "</think>"))
    plan = Plan((Job("x", Sampling(), None, ()),), reader)
    return Answering("m", "f", [Ask(Wanted([]), Sampling())], [plan], [[generation]])


async def test_the_tokens_of_thoughts_are_counted() -> None:
    texts = ["<think>", "so", " it", "", "</th", "ink>", "\n\n", "Yes", ", ", "it is", ""]
    whole = answering(texts)
    [choice] = await whole.whole()
    assert (choice.reasoning, choice.content) == ("so it", "Yes, it is")
    stepwise = answering(texts)
    async for _ in stepwise.steps():
        pass
    assert (whole.reasoning_tokens, stepwise.reasoning_tokens) == (6, 6)


async def test_a_schema_holds_where_no_thoughts_are(web_here: httpx.AsyncClient) -> None:
    form = {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"]}
    found = await message(
        web_here, enable_thinking=False, json_schema={**form, "additionalProperties": False}
    )
    assert json.loads(found["content"])["a"] in (1, 2)


async def test_a_template_is_told_what_it_looks_at(web_here: httpx.AsyncClient) -> None:
    assert (await prompt(web_here)).endswith("assistant\n<think>\n")
    shouted = await prompt(web_here, chat_template_kwargs={"shout": True})
    assert shouted.endswith("assistant\n!<think>\n")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        (
            {"model": THINKER, "chat_template_kwargs": {"whisper": 1}},
            "chat_template_kwargs.whisper",
        ),
        ({"model": THINKER, "chat_template_kwargs": {"messages": []}}, "chat_template_kwargs"),
        ({"model": SAGE, "enable_thinking": True}, "enable_thinking"),
        ({"model": SAGE, "reasoning_effort": "high"}, "reasoning_effort"),
        ({"model": SAGE, "reasoning_effort": "enormous"}, "reasoning_effort"),
    ],
)
async def test_what_a_model_would_pass_over_is_refused(
    web_here: httpx.AsyncClient, fields: dict[str, object], param: str
) -> None:
    assert failure(await web_here.post(CHAT, json=ask(**fields)), 400)["param"] == param


@pytest.mark.parametrize(
    "fields",
    [
        {"enable_thinking": False},
        {"reasoning_effort": "none"},
        {"chat_template_kwargs": {"enable_thinking": False}},
        {"reasoning_effort": None, "chat_template_kwargs": {}},
    ],
)
async def test_what_asks_for_nothing_does_no_harm(
    web_here: httpx.AsyncClient, fields: dict[str, object]
) -> None:
    assert (await message(web_here, model=SAGE, **fields))["content"]


async def test_an_answer_that_was_begun_goes_on(web_here: httpx.AsyncClient) -> None:
    begun = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "The answer is"}]
    text = await prompt(web_here, model=SAGE, messages=begun)
    assert text.endswith("The answer is")
    assert (await answer(web_here, model=SAGE, messages=begun))["choices"][0]["message"]["content"]


async def test_an_answer_can_be_made_not_to_end(web_here: httpx.AsyncClient) -> None:
    fields: dict[str, object] = {"model": SAGE, "text": "What is 2 + 3?", "temperature": 0}
    short = await answer(web_here, **fields, max_tokens=200)
    length = short["usage"]["completion_tokens"]
    assert short["choices"][0]["finish_reason"] == "stop"
    longer = await answer(web_here, **fields, max_tokens=200, min_tokens=length + 5)
    assert longer["usage"]["completion_tokens"] >= length + 5
    endless = await answer(web_here, **fields, max_tokens=length + 20, ignore_eos=True)
    assert endless["usage"]["completion_tokens"] == length + 20
    assert endless["choices"][0]["finish_reason"] == "length"
