"""LiteLLM at the bundled server: answers, a tool, a form, an error, vectors; and Anthropic's API.

pip install "litellm[mcp]"
python -m examples.clients.with_litellm
python -m examples.clients.with_litellm http://127.0.0.1:11434

The built-in models were not trained to call tools. So the call is required: then it is a valid one,
whatever model writes it.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

# Without it LiteLLM looks its prices up on the network when it is imported.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

import litellm
from pydantic import BaseModel, Field

from examples.clients.server import MODEL, server

# It would print a hint where it knows no price.
litellm.suppress_debug_info = True
QUESTION = [{"role": "user", "content": "What is 17 + 25?"}]
NUMBER = {"type": "integer", "minimum": 0, "maximum": 99}
ADD = {
    "name": "add",
    "description": "Adds two numbers.",
    "parameters": {
        "type": "object",
        "properties": {"a": NUMBER, "b": NUMBER},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
}
TOOLS = [{"type": "function", "function": ADD}]


class Sum(BaseModel):
    """The grammar sees to the form; whether it is right is up to the model."""

    total: int = Field(ge=0, le=999)


def main(url: str | None = None) -> None:
    with server(url) as address:
        at: dict[str, Any] = {"api_base": f"{address}/v1", "api_key": "none"}
        chat: dict[str, Any] = {**at, "model": f"openai/{MODEL}", "temperature": 0}
        print(said(litellm.completion(messages=QUESTION, **chat)))
        stream = litellm.completion(messages=QUESTION, stream=True, **chat)
        print("".join(chunk.choices[0].delta.content or "" for chunk in stream))
        with_tool(chat)
        form = said(litellm.completion(messages=QUESTION, response_format=Sum, **chat))
        print(f"in a form: {Sum.model_validate_json(form)!r}")
        too_long(chat)
        found = litellm.embedding(model=f"openai/{MODEL}", input=["one", "two"], **at)
        print(f"{len(found.data)} vectors of {len(found.data[0]['embedding'])} numbers")
        anthropic = {"model": f"anthropic/{MODEL}", "api_base": address, "api_key": "none"}
        print(f"as Anthropic: {said(litellm.completion(messages=QUESTION, **anthropic))}")


def with_tool(chat: dict[str, Any]) -> None:
    """One call, and what the model says to its result."""
    form = {"tools": TOOLS, "parallel_tool_calls": False}
    first = litellm.completion(messages=QUESTION, tool_choice="required", **form, **chat)
    message = first.choices[0].message
    (call,) = message.tool_calls
    arguments = json.loads(call.function.arguments)
    result = {"role": "tool", "tool_call_id": call.id, "content": str(add(**arguments))}
    print(f"calls {call.function.name}({arguments}), is told {result['content']}")
    print(said(litellm.completion(messages=[*QUESTION, message, result], **form, **chat)))


def too_long(chat: dict[str, Any]) -> None:
    """LiteLLM knows it by its message, and could go on with a fallback."""
    try:
        litellm.completion(messages=[{"role": "user", "content": "word " * 1000}], **chat)
    except litellm.ContextWindowExceededError as error:
        print(f"too long: {str(error)[-24:]}")


def add(a: int, b: int) -> int:
    return a + b


def said(answer: Any) -> str:
    return str(answer.choices[0].message.content)


if __name__ == "__main__":
    main(*sys.argv[1:])
