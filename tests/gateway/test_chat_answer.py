"""What an answer says of its run: why it ended, its text, the field `council`, its tokens."""

from __future__ import annotations

import json
from typing import Any

import pytest

from council.agents.scripted import ScriptedAgent, Steps
from council.council import ask
from council.errors import StreamError
from council.gateway.chat_answer import ChatChunks, Head, completion, usage
from council.gateway.errors import RunFailed
from council.gateway.summary import council_field, finish_of, text_of
from council.gateway.telling import Teller
from council.messages import ChatToken, Usage
from council.result import Result

pytestmark = pytest.mark.anyio
CUT = [ChatToken(text="It is 42", finish_reason="length")]
WHOLE = "It is 42."
HEAD = Head("chatcmpl-1", 7, "panel", "r1", ("temperature",))


async def result(*scripts: Steps | tuple[Steps, Steps], **options: Any) -> Result:
    """What experts who say that come to."""
    agents = [
        ScriptedAgent(id, *(script if isinstance(script, tuple) else (script,)))
        for id, script in zip("abcde", scripts, strict=False)
    ]
    return await ask("What is 6 * 7?", panel=agents, **options)


@pytest.mark.parametrize(
    ("scripts", "strategy", "finish"),
    [
        ((WHOLE, WHOLE), "vote", "stop"),
        ((CUT, CUT), "vote", "length"),
        ((WHOLE, WHOLE, CUT), "vote", "stop"),
        ((WHOLE, CUT), "concat", "length"),
        ((WHOLE, WHOLE), "concat", "stop"),
        (((WHOLE, CUT), WHOLE), "synthesize", "length"),
        (((CUT, WHOLE), CUT), "synthesize", "stop"),
    ],
    ids=["vote", "cut", "another-cut", "concat-cut", "concat", "writer-cut", "writer-whole"],
)
async def test_why_an_answer_ended(scripts: Any, strategy: str, finish: str) -> None:
    assert finish_of(await result(*scripts, strategy=strategy)) == finish


async def test_a_form_keeps_the_models_own_json() -> None:
    form = {"type": "object"}
    own = await result('{ "n":42 }', '{ "n":42 }', response_format=form)
    assert text_of(own) == '{ "n":42 }'
    fenced = await result('```json\n{"ü": 1}\n```', '```json\n{"ü": 1}\n```', response_format=form)
    assert text_of(fenced) == '{"ü": 1}'


async def test_what_is_said_of_the_run() -> None:
    found = council_field(await result(WHOLE, WHOLE, "It is 41."), ("n",), ("late",))
    assert list(found) == [
        *("run_id", "status", "reasons", "warnings", "strategy", "agreement", "votes"),
        *("dissent", "cost", "seconds", "ignored", "discarded"),
    ]
    assert (found["status"], found["ignored"], found["discarded"]) == ("complete", ["n"], ["late"])
    assert found["dissent"][0]["experts"] == ["c"]
    assert json.loads(json.dumps(found)) == found


async def test_a_whole_body() -> None:
    body = completion(HEAD, await result(WHOLE, WHOLE), "a: It is 42.")
    [choice] = body.pop("choices")
    assert choice == {
        "index": 0,
        "message": {
            "role": "assistant",
            "content": WHOLE,
            "refusal": None,
            "reasoning_content": "a: It is 42.",
        },
        "logprobs": None,
        "finish_reason": "stop",
    }
    assert list(body) == ["id", "object", "created", "model", "usage", "council"]


def test_tokens_are_counted_as_the_api_has_them() -> None:
    assert usage(Usage(10, 5, cached_tokens=4)) == {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 4},
    }
    thought = usage(Usage(1, 5, reasoning_tokens=3))
    assert thought["completion_tokens_details"] == {"reasoning_tokens": 3}


def test_texts_are_escaped() -> None:
    chunks = ChatChunks(Head('c"1', 7, 'pa"nel\n', "r1"), Teller())
    begun = chunks.begin()
    assert begun.count("\n") == 2
    assert json.loads(begun[6:])["model"] == 'pa"nel\n'


async def test_a_failure_is_one_event_and_no_end() -> None:
    told = ChatChunks(HEAD, Teller()).fail(RunFailed(502, "quorum_lost", "too few"))
    assert json.loads(told[6:])["error"]["code"] == "quorum_lost"
    assert "DONE" not in told


async def test_who_failed_is_no_author() -> None:
    found = await result(WHOLE, WHOLE, [*CUT, StreamError("gone")])
    assert (found.status, finish_of(found)) == ("degraded", "stop")
