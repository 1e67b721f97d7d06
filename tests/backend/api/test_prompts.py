"""From a chat request to a prompt, where no model is needed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend.api.plans import plan
from backend.api.prompts import to_ask
from backend.engine.frames import encode_command
from backend.engine.inflight import Job
from backend.engine.messages import Loaded
from backend.errors import InvalidRequest
from backend.schema.chat import ChatRequest

TEMPLATE = (
    "{% for m in messages %}{{ m.content }}{{ m.tool_calls | tojson if m.tool_calls }}{% endfor %}"
)
CARD = Loaded(ctx=64, cells=64, template=TEMPLATE, bos="", eos="", fingerprint="fp", vocabulary=9)
USER = {"role": "user", "content": "hello"}


def job(**fields: Any) -> Job:
    request = ChatRequest.model_validate_json(json.dumps({"messages": [USER], **fields}))
    return plan(to_ask(request), CARD).jobs[0]


def prompt(arguments: str) -> str:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": arguments}}
    messages = [USER, {"role": "assistant", "content": "x", "tool_calls": [call]}, USER]
    found = job(messages=messages)
    assert encode_command(found.numbered(1))
    assert isinstance(found.prompt, str)
    return found.prompt


def test_arguments_are_an_object_to_templates() -> None:
    assert '"arguments": {"city": "Zürich"}' in prompt('{"city": "Zürich"}')


def test_half_a_character_in_a_calls_arguments_can_be_sent() -> None:
    """The body's JSON is whole; that in the arguments is another one."""
    assert '"a?b"' in prompt('{"x": "a\\ud800b"}')


def test_a_seed_is_counted_on_from_the_first_choice() -> None:
    request = ChatRequest.model_validate({"messages": [USER], "n": 3, "seed": 5})
    jobs = plan(to_ask(request), CARD).jobs
    assert [found.sampling.seed for found in jobs] == [5, 6, 7]


def test_every_knob_arrives() -> None:
    knobs: dict[str, Any] = {
        **{"temperature": 0.5, "top_k": 3, "top_p": 0.5, "min_p": 0.25, "typical_p": 0.5},
        **{"top_n_sigma": 2, "min_keep": 1, "presence_penalty": 1, "frequency_penalty": 1},
        **{"repeat_penalty": 1.5, "repeat_last_n": 7, "xtc_probability": 0.5, "seed": 3},
        **{"xtc_threshold": 0.25, "dynatemp_range": 0.5, "dynatemp_exponent": 2, "mirostat": 2},
        **{"dry_multiplier": 1, "dry_base": 2, "dry_allowed_length": 3, "dry_penalty_last_n": 9},
        **{"mirostat_tau": 4, "mirostat_eta": 0.5, "min_tokens": 4},
    }
    lists: dict[str, Any] = {"samplers": ["top_k"], "dry_sequence_breakers": ["x"]}
    found = job(**knobs, **lists, logit_bias={"3": -5}, ignore_eos=True)
    assert {name: getattr(found.sampling, name) for name in knobs} == knobs
    assert (found.sampling.samplers, found.sampling.dry_sequence_breakers) == (("top_k",), ("x",))
    assert found.sampling.logit_bias == ((3, -5),)
    assert found.ignore_eos
    assert set(knobs) | set(lists) | {"logit_bias"} == set(
        type(found.sampling).__dataclass_fields__
    )


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"tool_choice": {"type": "function"}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
            "response_format.json_schema.schema",
        ),
        ({"grammar": 'root ::= "a"', "json_schema": {}}, "grammar"),
        ({"response_format": {"type": "json_object"}, "json_schema": {}}, "json_schema"),
        ({"grammar": 'root ::= "a'}, "grammar"),
        ({"json_schema": {"type": "nothing"}}, "json_schema"),
        ({"logit_bias": {"9": 1}}, "logit_bias"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, None),
        ({"modalities": ["text", "audio"]}, "modalities"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(fields: dict[str, Any], param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        job(**fields)
    assert caught.value.param == (param or "messages[0].content[0].text")
