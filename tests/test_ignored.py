"""What a reply shows to have been ignored, alone and in the result of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import council
from council.ignored import ignored_by_each, ignored_knobs
from council.messages import ChatMessage, ChatRequest, Sampling, TokenLogprob, Usage
from council.replies import Reply, Timings
from council.testing import (
    DONE,
    END,
    STREAM_HEAD,
    Step,
    chunked,
    keep_alive,
    raw_server,
    sse,
    whole_reply,
)

REPLY = Reply(
    id="ada",
    model="m",
    sample=0,
    stage="answer",
    status="complete",
    text="one two three",
    reasoning="",
    finish_reason="stop",
    error=None,
    usage=Usage(9, 3),
    timings=Timings(0.1, 0.2),
)
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}


def request(**fields: Any) -> ChatRequest:
    return ChatRequest("m", (ChatMessage("user", "?"),), **fields)


def ignored(asked: ChatRequest, choices: int = 1, **reply: Any) -> dict[str, str]:
    return ignored_knobs(asked, replace(REPLY, **reply), choices)


CASES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"logprobs": 0}, {}, "ada ignores `logprobs`: it sent none"),
    ({"extra": {"logprobs": True}}, {}, "ada ignores `logprobs`: it sent none"),
    ({"n": 3}, {}, "ada ignores `n`: 3 answers were asked for, 1 came"),
    ({"extra": {"n": 3}}, {"choices": 2}, "ada ignores `n`: 3 answers were asked for, 2 came"),
    (
        {"response_format": {"type": "json_object"}},
        {},
        "ada ignores `response_format`: the text is not JSON",
    ),
    (
        {"extra": {"response_format": SCHEMA}},
        {"text": '```json\n{"a": 1}\n```'},
        "ada ignores `response_format`: the text is not JSON",
    ),
    (
        {"extra": {"response_format": SCHEMA}},
        {"text": "[" * 100_000},
        "ada ignores `response_format`: the text is not JSON",
    ),
    (
        {"sampling": Sampling(max_tokens=10)},
        {"usage": Usage(9, 20)},
        "ada ignores `max_tokens`: about 20 tokens came, 10 were allowed",
    ),
    (
        {"extra": {"max_completion_tokens": 10}},
        {"usage": Usage(9, 20)},
        "ada ignores `max_tokens`: about 20 tokens came, 10 were allowed",
    ),
    (
        {"sampling": Sampling(max_tokens=10)},
        {"usage": Usage(9, 29, estimated=True), "text": "long" * 29},
        "ada ignores `max_tokens`: about 29 tokens came, 10 were allowed",
    ),
    (
        {"sampling": Sampling(stop=("!", "two"))},
        {},
        "ada ignores `stop`: 'two' is in the text",
    ),
    ({"extra": {"stop": "two"}}, {}, "ada ignores `stop`: 'two' is in the text"),
    ({"extra": {"stop_sequences": ["two"]}}, {}, "ada ignores `stop`: 'two' is in the text"),
]


@pytest.mark.parametrize(("asked", "reply", "sentence"), CASES)
def test_what_is_ignored(asked: dict[str, Any], reply: dict[str, Any], sentence: str) -> None:
    assert list(ignored(request(**asked), **reply).values()) == [sentence]
    assert ignored(request(**asked), **{**reply, "status": "failed"}) == {}


@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        ({}, {}),
        ({"logprobs": 1}, {"logprobs": (TokenLogprob("one", -0.1),)}),
        ({"logprobs": 1}, {"text": "", "finish_reason": "tool_calls"}),
        ({"logprobs": 1, "extra": {"logprobs": False}}, {}),
        ({"extra": {"logprobs": None}}, {}),
        ({"n": 1}, {}),
        ({"n": 2}, {"choices": 2}),
        ({"response_format": {"type": "text"}}, {}),
        ({"response_format": SCHEMA}, {"text": ' {"a": [1]}\n'}),
        ({"response_format": SCHEMA}, {"text": '{"a": ', "finish_reason": "length"}),
        ({"response_format": SCHEMA}, {"text": "", "refusal": "No."}),
        ({"extra": {"response_format": "json"}}, {}),
        ({"sampling": Sampling(max_tokens=10)}, {"usage": Usage(9, 12)}),
        ({"sampling": Sampling(max_tokens=10)}, {"usage": Usage(9, 90, reasoning_tokens=85)}),
        ({"sampling": Sampling(max_tokens=10)}, {"usage": Usage(9, 90), "reasoning": "hm" * 99}),
        ({"sampling": Sampling(max_tokens=10)}, {"usage": None}),
        ({"sampling": Sampling(max_tokens=10), "n": 3}, {"usage": Usage(9, 30), "choices": 3}),
        (
            {"sampling": Sampling(max_tokens=1), "extra": {"max_tokens": None}},
            {"usage": Usage(9, 99)},
        ),
        ({"sampling": Sampling(stop=("four", ""))}, {}),
        ({"extra": {"stop": "two", "include_stop_str_in_output": True}}, {}),
        ({"extra": {"stop": None, "n": "many", "max_tokens": True}}, {}),
    ],
)  # fmt: skip
def test_what_is_not(asked: dict[str, Any], reply: dict[str, Any]) -> None:
    assert ignored(request(**asked), **reply) == {}


def test_each_knob_of_an_expert_is_named_once() -> None:
    asked = request(n=2, sampling=Sampling(stop=("two",)))
    other = replace(REPLY, id="bob")
    sentences = ignored_by_each(
        [(asked, REPLY, 1), (asked, replace(REPLY, sample=1), 1), (asked, other, 2)]
    )
    assert [sentence.partition(":")[0] for sentence in sentences] == [
        "ada ignores `n`",
        "ada ignores `stop`",
        "bob ignores `stop`",
    ]


def several(count: int) -> list[Step]:
    """That many answers to one request, by turns."""
    choices = [{"index": i, "delta": {"content": "yes"}} for i in range(count)]
    ends = [{"index": i, "delta": {}, "finish_reason": "stop"} for i in range(count)]
    events = [sse({"choices": [choice]}) for choice in choices + ends]
    return [STREAM_HEAD, *map(chunked, [*events, DONE]), END, keep_alive]


EXPECTED = [
    "bad ignores `n`: 2 answers were asked for, 1 came",
    "bad ignores `stop`: 'e' is in the text",
]


def bad_expert(url: str) -> dict[str, Any]:
    knobs = {"extra_body": {"n": 2}, "sampling": {"stop": "e"}}
    return {"id": "bad", "model": "m", "endpoint": url, "samples": 2, **knobs}


@pytest.mark.anyio
@pytest.mark.parametrize("strategy", ["vote", "first", "concat", "synthesize"])
async def test_every_strategys_result_warns(strategy: str) -> None:
    async with raw_server(whole_reply("yes")) as server:
        panel = {"experts": [bad_expert(server.url)], "strategy": strategy}
        result = await council.ask("?", panel=panel)
    assert [warning for warning in result.warnings if "ignores" in warning] == EXPECTED


@pytest.mark.anyio
async def test_a_server_that_ignores_nothing_is_not_named() -> None:
    async with raw_server(several(2)) as good, raw_server(whole_reply("yes")) as bad:
        expert = {"id": "good", "model": "m", "endpoint": good.url, "extra_body": {"n": 2}}
        result = await council.ask("?", panel={"experts": [expert, bad_expert(bad.url)]})
    assert list(result.warnings) == EXPECTED
