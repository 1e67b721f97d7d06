"""Texts continued without a chat template, on models whose tokens are bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import openai
import pytest

from tests.backend.api.test_failures import failure
from tests.backend.serving import PATIENCE, Server, client, until

pytestmark = pytest.mark.anyio
ROUTE = "/v1/completions"


@pytest.fixture
async def sdk(endless: Server) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's client."""
    async with openai.AsyncOpenAI(
        base_url=f"{endless.url}/v1", api_key="none", max_retries=0, timeout=PATIENCE
    ) as found:
        yield found


async def complete(sdk: openai.AsyncOpenAI, **fields: Any) -> Any:
    body = {"model": "endless", "prompt": "once", "temperature": 0, **fields}
    return await sdk.completions.create(**body)


async def test_a_text_goes_on(sdk: openai.AsyncOpenAI) -> None:
    answer = await complete(sdk)
    (choice,) = answer.choices
    assert (answer.object, choice.finish_reason, choice.logprobs) == (
        "text_completion",
        "length",
        None,
    )
    assert len(choice.text) == 16  # OpenAI's default
    assert answer.usage.prompt_tokens == len("once")
    assert answer.usage.completion_tokens == 16


async def test_tokens_go_on_as_their_text_does(sdk: openai.AsyncOpenAI) -> None:
    written = (await complete(sdk)).choices[0].text
    assert (await complete(sdk, prompt=list(b"once"))).choices[0].text == written
    both = await complete(sdk, prompt=[list(b"once"), list(b"upon")])
    assert both.choices[0].text == written
    assert both.usage.prompt_tokens == 8


async def test_choices_go_by_prompt(sdk: openai.AsyncOpenAI) -> None:
    answer = await complete(sdk, prompt=["one", "twofold"], n=2, best_of=2, echo=True)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    begun = [choice.text[:3] for choice in answer.choices]
    assert begun == ["one", "one", "two", "two"]
    assert answer.usage.completion_tokens == 4 * 16
    assert answer.usage.prompt_tokens == len("one") + len("twofold")


async def test_a_prompt_of_tokens_is_echoed_as_text(sdk: openai.AsyncOpenAI) -> None:
    answer = await complete(sdk, prompt=list(b"once"), echo=True, max_tokens=3)
    assert answer.choices[0].text.startswith("once")
    assert len(answer.choices[0].text) == 7


async def test_a_stream_says_what_the_whole_says(sdk: openai.AsyncOpenAI) -> None:
    fields: dict[str, Any] = {"prompt": ["one", "two"], "echo": True}
    whole = await complete(sdk, **fields)
    stream = await complete(sdk, **fields, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    for index in range(2):
        mine = [c.choices[0] for c in chunks if c.choices and c.choices[0].index == index]
        assert "".join(choice.text for choice in mine) == whole.choices[index].text
        assert [choice.finish_reason for choice in mine].count("length") == 1
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert {chunk.object for chunk in chunks} == {"text_completion"}


async def test_logprobs_in_their_old_form(sdk: openai.AsyncOpenAI) -> None:
    whole = (await complete(sdk, logprobs=2)).choices[0]
    found = whole.logprobs
    assert "".join(found.tokens) == whole.text
    assert found.text_offset == list(range(16))
    assert len(found.token_logprobs) == 16
    for token, value, top in zip(
        found.tokens, found.token_logprobs, found.top_logprobs, strict=True
    ):
        assert top[token] == value == max(top.values())
    stream = await complete(sdk, logprobs=2, stream=True)
    pieces = [chunk.choices[0].logprobs async for chunk in stream]
    tokens = [token for piece in pieces if piece for token in piece.tokens]
    offsets = [offset for piece in pieces if piece for offset in piece.text_offset]
    assert (tokens, offsets) == (found.tokens, found.text_offset)


async def test_a_grammar_holds_here_too(sdk: openai.AsyncOpenAI) -> None:
    answer = await complete(sdk, extra_body={"grammar": 'root ::= " upon a " ("time" | "night")'})
    assert answer.choices[0].text in (" upon a time", " upon a night")
    assert answer.choices[0].finish_reason == "stop"


async def test_a_stop_string(sdk: openai.AsyncOpenAI) -> None:
    full = (await complete(sdk)).choices[0].text
    answer = await complete(sdk, stop=full[4:6])
    assert answer.choices[0].text == full[: full.index(full[4:6])]
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"suffix": "x"}, "suffix"),
        ({"best_of": 2}, "best_of"),
        ({"echo": True, "logprobs": 1}, "logprobs"),
        ({"logprobs": 21}, "logprobs"),
        ({"prompt": []}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": [["x"]]}, "prompt"),
        ({"prompt": [[]]}, "prompt"),
        ({"prompt": [1, "x"]}, "prompt"),
        ({"prompt": [-1]}, "prompt"),
        ({"prompt": [259]}, "prompt"),
        ({"prompt": [1 << 40]}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x" * 70000}, "prompt"),
        ({"prompt": "x", "n": 0}, "n"),
        ({"prompt": "x", "grammar": "root"}, "grammar"),
        ({"prompt": "x", "json_schema": {"type": 1}}, "json_schema"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_cannot_be_done_names_its_field(
    web: httpx.AsyncClient, fields: dict[str, object], param: str, stream: bool
) -> None:
    response = await web.post(ROUTE, json={"prompt": "x", "stream": stream, **fields})
    assert failure(response, 400)["param"] == param


async def test_a_prompt_is_missing(web: httpx.AsyncClient) -> None:
    assert failure(await web.post(ROUTE, json={}), 400)["message"] == "prompt is missing."


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_ends_all_its_choices(endless: Server, stream: bool) -> None:
    body = {"prompt": ["a", "b"], "n": 2, "max_tokens": 60000, "stream": stream}
    async with client(endless) as web:
        async with anyio.create_task_group() as group:
            group.start_soon(_read, endless, body)
            await until(web, lambda found: found["active"] == 4)
            group.cancel_scope.cancel()
        found = await until(web, lambda found: found["active"] + found["queued"] == 0)
        assert found["restarts"] == 0


async def _read(server: Server, body: dict[str, object]) -> None:
    async with client(server) as web, web.stream("POST", ROUTE, json=body) as response:
        await response.aread()
