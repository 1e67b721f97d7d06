"""The events of Anthropic's streams, from what an answer is made of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.api.answers import Finish
from backend.api.messages_answer import SIGNATURE, Blocks, Head, stop_reason
from backend.chat.parts import CallArguments, CallBegun, Part, Reasoning, Text
from tests.backend.dialects import named_events

HEAD = Head("msg_1", "req_1", 100, True)
PARTS: list[Part] = [
    Reasoning("Hm"),
    Reasoning("."),
    Text("Let "),
    Text("me."),
    CallBegun(0, "c1", "add"),
    CallArguments(0, '{"a":'),
    CallArguments(0, "1}"),
    CallBegun(1, "c2", "now"),
]


def written(parts: list[Part], head: Head = HEAD) -> list[dict[str, Any]]:
    blocks = Blocks(head)
    return named_events("".join([*map(blocks.part, parts), blocks.close()]))


def test_blocks_one_after_the_other() -> None:
    found = written(PARTS)
    assert [(event["type"], event.get("index")) for event in found] == [
        ("content_block_start", 0),
        ("ping", None),
        ("content_block_delta", 0),
        ("content_block_delta", 0),
        ("content_block_delta", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_delta", 1),
        ("content_block_delta", 1),
        ("content_block_stop", 1),
        ("content_block_start", 2),
        ("content_block_delta", 2),
        ("content_block_delta", 2),
        ("content_block_stop", 2),
        ("content_block_start", 3),
        ("content_block_stop", 3),
    ]
    begun = [event["content_block"] for event in found if "content_block" in event]
    assert begun == [
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "text", "text": ""},
        {"type": "tool_use", "id": "c1", "name": "add", "input": {}},
        {"type": "tool_use", "id": "c2", "name": "now", "input": {}},
    ]
    assert [event["delta"] for event in found if "delta" in event] == [
        {"type": "thinking_delta", "thinking": "Hm"},
        {"type": "thinking_delta", "thinking": "."},
        {"type": "signature_delta", "signature": SIGNATURE},
        {"type": "text_delta", "text": "Let "},
        {"type": "text_delta", "text": "me."},
        {"type": "input_json_delta", "partial_json": '{"a":'},
        {"type": "input_json_delta", "partial_json": "1}"},
    ]


def test_thoughts_that_are_not_to_be_shown() -> None:
    found = written(PARTS[:3], Head("msg_1", "req_1", 100, False))
    assert [event["delta"]["type"] for event in found if "delta" in event] == [
        "signature_delta",
        "text_delta",
    ]


@given(st.lists(st.one_of(st.builds(Text, st.text()), st.builds(Reasoning, st.text()))))
def test_any_text_arrives_as_it_was(parts: list[Part]) -> None:
    found = written(parts)
    deltas = [event["delta"] for event in found if "delta" in event]
    for kind, field in ((Text, "text"), (Reasoning, "thinking")):
        given = "".join(part.text for part in parts if isinstance(part, kind))
        assert "".join(delta.get(field, "") for delta in deltas) == given
    opened = [event["index"] for event in found if event["type"] == "content_block_start"]
    closed = [event["index"] for event in found if event["type"] == "content_block_stop"]
    assert opened == closed == list(range(len(opened)))


@pytest.mark.parametrize(
    ("finish", "stop", "generated", "expected"),
    [
        ("stop", None, 3, "end_turn"),
        ("stop", "END", 3, "stop_sequence"),
        ("tool_calls", None, 3, "tool_use"),
        ("length", None, 100, "max_tokens"),
        ("length", None, 99, "model_context_window_exceeded"),
    ],
)
def test_reasons_to_stop(finish: Finish, stop: str | None, generated: int, expected: str) -> None:
    assert stop_reason(finish, stop, generated, HEAD) == expected
