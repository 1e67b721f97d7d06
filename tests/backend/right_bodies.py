"""Bodies that are right, for each route that takes one."""

from __future__ import annotations

from typing import Any

SPARE = "spare"
"""The model that requests may unload; the other one, "main", is there to the end."""
_PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"city": "Oslo"}'}}
_TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "What is 2 + 2?"}]},
    {"role": "assistant", "content": "", "tool_calls": [_CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "4"},
    {"role": "user", "content": "And 3 + 3?"},
]
_SAMPLING = {
    **{"temperature": 0.5, "top_p": 0.9, "top_k": 5, "min_p": 0.1, "typical_p": 0.9, "seed": 7},
    **{"presence_penalty": 0.1, "frequency_penalty": 0.1, "repeat_penalty": 1.1, "n": 1},
    **{"logit_bias": {"5": 1}, "stop": ["\n"], "ignore_eos": False, "min_tokens": 0},
    **{"mirostat": 0, "dry_multiplier": 0.0, "xtc_probability": 0.0, "dynatemp_range": 0.0},
}
_TOOL = {"name": "f", "description": "d", "parameters": _PARAMETERS}
_IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
BODIES: dict[str, list[Any]] = {
    "/v1/chat/completions": [
        {"messages": _TURNS, "max_tokens": 2, **_SAMPLING},
        {
            "messages": [{"role": "user", "content": "hello"}],
            "max_completion_tokens": 2,
            "stream": True,
            "stream_options": {"include_usage": True},
            "logprobs": True,
            "top_logprobs": 2,
        },
        {
            "messages": _TURNS[:2],
            "max_tokens": 3,
            "tools": [{"type": "function", "function": _TOOL}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "parallel_tool_calls": False,
        },
        {
            "messages": _TURNS[:2],
            "max_tokens": 3,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "x", "strict": True, "schema": _PARAMETERS},
            },
        },
        {"messages": _TURNS[:2], "max_tokens": 2, "grammar": 'root ::= "yes" | "no"'},
        {"messages": _TURNS[:2], "max_tokens": 2, "json_schema": _PARAMETERS},
        {
            "messages": _TURNS[:2],
            "max_tokens": 2,
            "session_id": "s1",
            "enable_thinking": False,
            "reasoning_effort": "low",
            "chat_template_kwargs": {"x": 1},
        },
        {"messages": [{"role": "user", "content": [_IMAGE]}], "max_tokens": 1},
    ],
    "/v1/completions": [
        {"prompt": "2 + 2 =", "max_tokens": 2, "echo": True, "logprobs": 2, **_SAMPLING},
        {"prompt": ["a", "b"], "max_tokens": 2, "n": 2, "best_of": 2, "stream": True},
        {"prompt": [1, 2, 3], "max_tokens": 2, "suffix": None},
        {"prompt": [[1, 2], [3]], "max_tokens": 2},
    ],
    "/v1/embeddings": [
        {"input": ["a", "b"], "dimensions": 8, "encoding_format": "base64"},
        {"input": [[1, 2], [3]], "encoding_format": "float"},
    ],
    "/v1/messages": [
        {
            "max_tokens": 2,
            "system": [{"type": "text", "text": "Be brief."}],
            "messages": [
                {"role": "user", "content": "hello"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm", "signature": "s"},
                        {"type": "tool_use", "id": "t1", "name": "f", "input": {"city": "Oslo"}},
                    ],
                },
                {
                    "role": "user",
                    "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "4"}],
                },
            ],
            "tools": [{"name": "f", "description": "d", "input_schema": _PARAMETERS}],
            "tool_choice": {"type": "auto"},
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        },
        {
            "max_tokens": 2,
            "stream": True,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
            "stop_sequences": ["x"],
            **{"temperature": 0.5, "top_k": 3, "top_p": 0.9, "metadata": {"user_id": "u"}},
        },
    ],
    "/v1/messages/count_tokens": [
        {"messages": [{"role": "user", "content": "hello"}], "system": "s"}
    ],
    "/v1/responses": [
        {
            "input": "hello",
            "instructions": "Be brief.",
            "max_output_tokens": 16,
            "stream": True,
            **{"temperature": 0.5, "top_p": 0.9, "metadata": {"a": "b"}, "store": False},
        },
        {
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "hello"}]},
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c", "output": "4"},
            ],
            "max_output_tokens": 16,
            "tools": [{"type": "function", "name": "f", "parameters": _PARAMETERS}],
            "tool_choice": {"type": "function", "name": "f"},
            "text": {"format": {"type": "json_schema", "name": "x", "schema": _PARAMETERS}},
            "reasoning": {"effort": "low"},
        },
    ],
    "/tokenize": [
        {"content": "a b", "add_special": True, "parse_special": True, "with_pieces": True}
    ],
    "/detokenize": [{"tokens": [1, 2, 3]}],
    "/apply-template": [{"messages": _TURNS, "tools": [{"type": "function", "function": _TOOL}]}],
    "/models/load": [{"model": SPARE}],
    "/models/unload": [{"model": SPARE}],
}
"""Bodies that are right, by route; ``model`` is added."""
