"""pydantic-ai at the bundled server: an answer, a stream, and answers as objects.

pip install "pydantic-ai-slim[openai]"
python -m examples.clients.with_pydantic_ai
python -m examples.clients.with_pydantic_ai http://127.0.0.1:11434
"""

from __future__ import annotations

import asyncio
import sys

from pydantic import BaseModel, Field
from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from examples.clients.server import MODEL, server

QUESTION = "What is 17 + 25?"


class Sum(BaseModel):
    """The grammar sees to the form; whether it is right is up to the model."""

    total: int = Field(ge=0, le=999)


def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


async def ask(address: str) -> None:
    provider = OpenAIProvider(base_url=f"{address}/v1", api_key="none")
    for kind in (OpenAIChatModel, OpenAIResponsesModel):
        model = kind(MODEL, provider=provider, settings={"temperature": 0})
        async with Agent(model).run_stream(QUESTION) as stream:
            print("".join([piece async for piece in stream.stream_text(delta=True)]))
        native = await Agent(model, output_type=NativeOutput(Sum)).run(QUESTION)
        print(f"in a form: {native.output!r}")
        # The form is a tool that has to be called; `tools=[add]` would be more of them.
        called = await Agent(model, output_type=ToolOutput(Sum)).run(QUESTION)
        print(f"by a call: {called.output!r}")


def main(url: str | None = None) -> None:
    with server(url) as address:
        asyncio.run(ask(address))


if __name__ == "__main__":
    main(*sys.argv[1:])
