"""Clients of other projects, used as their documentation shows."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import import_module

from benchmarks.client_bench.clients import Run, each
from benchmarks.client_bench.receipts import Receipt

# Else LiteLLM asks the network for prices when it is imported.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

_MESSAGES = [{"role": "user", "content": "?"}]


@asynccontextmanager
async def openai_sdk(url: str) -> AsyncGenerator[Run, None]:
    """The openai SDK with its default transport."""
    openai = import_module("openai")
    async with openai.AsyncOpenAI(base_url=url, api_key="x", max_retries=0, timeout=3600) as sdk:

        async def run(model: str, receipts: list[Receipt]) -> None:
            async def one(receipt: Receipt) -> None:
                stream = await sdk.chat.completions.create(
                    model=model, messages=_MESSAGES, stream=True
                )
                async for chunk in stream:
                    text = chunk.choices[0].delta.content
                    if text:
                        receipt.take(text)

            await each(one, receipts)

        yield run


@asynccontextmanager
async def litellm(url: str) -> AsyncGenerator[Run, None]:
    """LiteLLM's `acompletion`."""
    library = import_module("litellm")

    async def run(model: str, receipts: list[Receipt]) -> None:
        async def one(receipt: Receipt) -> None:
            stream = await library.acompletion(
                model=f"openai/{model}",
                messages=_MESSAGES,
                stream=True,
                api_base=url,
                api_key="x",
                timeout=3600,
                num_retries=0,
            )
            async for chunk in stream:
                text = chunk.choices[0].delta.content
                if text:
                    receipt.take(text)

        await each(one, receipts)

    yield run


@asynccontextmanager
async def pydantic_ai(url: str) -> AsyncGenerator[Run, None]:
    """An agent of Pydantic AI that streams text."""
    library = import_module("pydantic_ai")
    models = import_module("pydantic_ai.models.openai")
    providers = import_module("pydantic_ai.providers.openai")
    provider = providers.OpenAIProvider(base_url=url, api_key="x")

    async def run(model: str, receipts: list[Receipt]) -> None:
        agent = library.Agent(models.OpenAIChatModel(model, provider=provider))

        async def one(receipt: Receipt) -> None:
            async with agent.run_stream("?") as result:
                async for text in result.stream_text(delta=True, debounce_by=None):
                    receipt.take(text)

        await each(one, receipts)

    yield run
