"""Whatever a client sends to a chat route is a question, or a refusal in the route's shape."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from council.gateway.chat_request import to_wish as chat_wish
from council.gateway.chat_schema import ChatBody
from council.gateway.errors import InvalidRequest
from council.gateway.fields import Wish
from council.gateway.messages_request import to_wish as messages_wish
from council.gateway.messages_schema import MessagesBody
from tests.gateway.dialects import QUESTION, three
from tests.gateway.serving import gateway

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "role", "content", "name"]), inner)
    ),
    max_leaves=8,
)
CHAT_FIELDS = (
    *("model", "messages", "stream", "stream_options", "response_format", "seed", "council"),
    *("tools", "tool_choice", "n", "logprobs", "modalities", "stop", "temperature"),
)
MESSAGE_FIELDS = ("max_tokens", "system", "output_config", "thinking", "metadata")
PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image_url", "image", "refusal", "tool_result", "x"])},
    optional=dict.fromkeys(("text", "image_url", "source", "content", "tool_use_id"), VALUES),
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system", "tool"])},
        optional={"content": VALUES | st.lists(PARTS, max_size=3), "tool_calls": VALUES},
    ),
    max_size=3,
)
BODIES = st.dictionaries(st.sampled_from(CHAT_FIELDS + MESSAGE_FIELDS), VALUES, max_size=4)
HOSTILE: list[bytes] = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"model": "panel"}',
    b'{"model": "panel", "messages": {}}',
    b'{"model": 7, "messages": [{"role": "user", "content": "x"}], "max_tokens": 1}',
    b'{"model": "panel", "max_tokens": 1, "messages": [{"role": "user", "content": "\\ud800"}]}',
    b'{"model": "panel", "max_tokens": 1, "messages": [{"role": "user", "content": "\xff"}]}',
    b'{"model": "panel", "max_tokens": NaN, "messages": [{"role": "user", "content": [7]}]}',
    b'{"model": "'
    + b"x" * 5000
    + b'", "max_tokens": 1, "messages": [{"role":"user","content":"x"}]}',
    b"[" * 10_000,
]


def outcome(fields: dict[str, Any], messages: list[dict[str, Any]], api: str) -> Wish | None:
    """What a body asks for; None for a refusal. Anything else that is raised is a defect."""
    body = {"model": "panel", "max_tokens": 9, "messages": messages, **fields}
    text = json.dumps(body)
    try:
        if api == "chat":
            return chat_wish(ChatBody.model_validate_json(text))
        return messages_wish(MessagesBody.model_validate_json(text))
    except (InvalidRequest, ValidationError):
        return None


@pytest.mark.parametrize("api", ["chat", "messages"])
@settings(max_examples=300, deadline=None)
@given(fields=BODIES, messages=MESSAGES)
def test_a_body_is_a_question_or_refused(
    api: str, fields: dict[str, Any], messages: list[dict[str, Any]]
) -> None:
    wish = outcome(fields, messages, api)
    if wish is not None:
        assert wish.messages[-1].role == "user"
        assert wish.messages[-1].content


@pytest.mark.parametrize("api", ["chat", "messages"])
@settings(max_examples=200, deadline=None)
@given(name=st.text(max_size=20), value=VALUES)
def test_fields_that_nobody_knows_are_no_reason_to_refuse(
    api: str, name: str, value: object
) -> None:
    wish = outcome({f"x_{name}": value}, [QUESTION], api)
    assert wish is not None
    named = [field for field in wish.ignored if field.startswith("x_")]
    assert named == ([] if value is None or value in ([], {}) else [f"x_{name}"])


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_what_is_no_request_is_refused_in_the_routes_shape(path: str) -> None:
    agents = three()
    async with gateway({"panel": agents}) as site, site.client() as web:
        for body in HOSTILE:
            response = await web.post(
                path, content=body, headers={"Content-Type": "application/json"}
            )
            assert 400 <= response.status_code < 500, body[:80]
            assert response.json()["error"]["message"]
            assert ("request_id" in response.json()) == (path == "/v1/messages")
        plain = await web.post(path, content=b"{}", headers={"Content-Type": "text/plain"})
        assert plain.status_code == 400
        assert (await web.get(path)).status_code == 405
    assert [agent.requests for agent in agents] == [[], [], []]
