"""From a chat request to a prompt, where no model is needed."""

from __future__ import annotations

import json

from backend.api.prompts import to_jobs
from backend.engine.frames import encode_command
from backend.engine.messages import Loaded, Submit
from backend.schema.chat import ChatRequest

TEMPLATE = "{% for m in messages %}{{ m.tool_calls | tojson }}{% endfor %}"
CARD = Loaded(ctx=64, cells=64, template=TEMPLATE, bos="", eos="", fingerprint="fp", vocabulary=9)


def prompt(arguments: str) -> str:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": arguments}}
    messages = [{"role": "assistant", "content": "x", "tool_calls": [call]}]
    request = ChatRequest.model_validate_json(json.dumps({"messages": messages}))
    (job,) = to_jobs(request, CARD)
    assert encode_command(Submit(1, job.prompt, job.sampling, job.max_tokens, job.stop))
    return job.prompt


def test_arguments_are_an_object_to_templates() -> None:
    assert '"arguments": {"city": "Zürich"}' in prompt('{"city": "Zürich"}')


def test_half_a_character_in_a_calls_arguments_can_be_sent() -> None:
    """The body's JSON is whole; that in the arguments is another one."""
    assert '"arguments": "a?b"' in prompt('"a\\ud800b"')
