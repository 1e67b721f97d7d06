"""The built-in models through OpenAI's own client, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import openai
import pytest

from backend import builtin
from tests.backend.serving import Server, running

pytestmark = pytest.mark.anyio
NAMES = builtin.names()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """All built-in models."""
    arguments = [part for name in NAMES for part in ("--model", f"builtin:{name}")]
    with running(*arguments) as found:
        yield found


@pytest.fixture
async def sdk(server: Server) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's client."""
    async with openai.AsyncOpenAI(
        base_url=f"{server.url}/v1", api_key="none", max_retries=0
    ) as found:
        yield found


async def test_models_are_listed(sdk: openai.AsyncOpenAI) -> None:
    found = [model.id async for model in sdk.models.list()]
    assert found == [f"builtin:{name}" for name in NAMES]
    assert (await sdk.models.retrieve(found[0])).id == found[0]


@pytest.mark.parametrize("name", NAMES)
async def test_a_model_answers_and_ends_by_itself(sdk: openai.AsyncOpenAI, name: str) -> None:
    completion = await sdk.chat.completions.create(
        model=f"builtin:{name}",
        messages=[{"role": "user", "content": "What is 2 + 3?"}],
        temperature=0,
    )
    choice = completion.choices[0]
    assert choice.message.content
    assert choice.finish_reason == "stop"
    assert completion.usage is not None
    assert completion.usage.completion_tokens < 200


async def test_a_stream_says_what_the_whole_answer_says(sdk: openai.AsyncOpenAI) -> None:
    question = [{"role": "user", "content": "What is the capital of France?"}]
    whole = await sdk.chat.completions.create(
        model=f"builtin:{NAMES[0]}",
        messages=question,  # type: ignore[arg-type]
        temperature=0,
    )
    stream = await sdk.chat.completions.create(  # type: ignore[call-overload]
        model=f"builtin:{NAMES[0]}",
        messages=question,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage
    assert chunks[-2].choices[0].finish_reason == "stop"


async def test_vectors(sdk: openai.AsyncOpenAI) -> None:
    """The client asks for base64 and gives numbers."""
    found = await sdk.embeddings.create(model=f"builtin:{NAMES[0]}", input=["one", "two"])
    assert [len(entry.embedding) for entry in found.data] == [128, 128]
    assert sum(number * number for number in found.data[0].embedding) == pytest.approx(1, abs=1e-5)
    assert found.usage.prompt_tokens > 1


async def test_errors_arrive_as_the_clients_own(sdk: openai.AsyncOpenAI) -> None:
    messages = [{"role": "user", "content": "x"}]
    with pytest.raises(openai.NotFoundError) as unknown:
        await sdk.chat.completions.create(model="gpt-9", messages=messages)  # type: ignore[arg-type]
    assert unknown.value.code == "model_not_found"
    messages = [{"role": "user", "content": "word " * 3000}]
    with pytest.raises(openai.BadRequestError) as long:
        await sdk.chat.completions.create(
            model=f"builtin:{NAMES[0]}",
            messages=messages,  # type: ignore[arg-type]
            stream=True,
        )
    assert long.value.code == "context_length_exceeded"
