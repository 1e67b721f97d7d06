"""The events of a response that is being written, and the response that is left in the end."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backend.api.responses_answer import Writing, opening
from backend.api.responses_request import to_ask
from backend.chat.parts import CallArguments, CallBegun, Part, Reasoning, Text
from backend.engine.sampling import TokenInfo
from backend.errors import InternalError
from backend.schema.responses import ResponsesRequest
from tests.backend.dialects import named_events

PARTS: list[Part] = [
    Reasoning("Hm"),
    Reasoning("."),
    Text("Let "),
    Text("me."),
    CallBegun(0, "c1", "add"),
    CallArguments(0, '{"a":'),
    CallArguments(0, "1}"),
]


def begun(**fields: Any) -> Writing:
    request = ResponsesRequest.model_validate({"input": "x", **fields})
    return Writing(opening(request, to_ask(request), "m"))


def test_the_order_of_events() -> None:
    writing = begun()
    found = named_events(writing.begin() + writing.step(PARTS) + writing.fail(InternalError()))
    assert [event["type"].removeprefix("response.") for event in found] == [
        *("created", "in_progress"),
        *("output_item.added", "content_part.added"),
        *("reasoning_text.delta", "reasoning_text.delta", "reasoning_text.done"),
        *("content_part.done", "output_item.done"),
        *("output_item.added", "content_part.added"),
        *("output_text.delta", "output_text.delta", "output_text.done"),
        *("content_part.done", "output_item.done"),
        "output_item.added",
        *("function_call_arguments.delta", "function_call_arguments.delta"),
        *("function_call_arguments.done", "output_item.done"),
        "failed",
    ]
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    about = [event for event in found if "output_index" in event]
    assert [event["output_index"] for event in about] == [0] * 7 + [1] * 7 + [2] * 5
    for event in about:
        item = writing.response.output[event["output_index"]]
        assert event.get("item_id", item.id) == event.get("item", {"id": item.id})["id"] == item.id


def test_what_is_done_is_what_the_response_has() -> None:
    writing = begun()
    found = named_events(writing.begin() + writing.step(PARTS) + writing.fail(InternalError()))
    last = found[-1]["response"]
    done = [event["item"] for event in found if event["type"] == "response.output_item.done"]
    assert done == last["output"]
    assert [item["status"] for item in done] == ["completed", "completed", "incomplete"]
    assert done[0]["content"] == [{"type": "reasoning_text", "text": "Hm."}]
    assert done[1]["content"][0]["text"] == "Let me."
    assert (done[2]["call_id"], done[2]["arguments"]) == ("c1", '{"a":1}')
    assert last["status"] == "failed"
    assert last["error"]["code"] == "server_error"


@given(st.lists(st.one_of(st.builds(Text, st.text()), st.builds(Reasoning, st.text()))))
def test_any_text_arrives_as_it_was(parts: list[Part]) -> None:
    writing = begun()
    found = named_events(writing.step(parts) + writing.fail(InternalError()))
    for kind, name in ((Text, "output_text"), (Reasoning, "reasoning_text")):
        given = "".join(part.text for part in parts if isinstance(part, kind))
        deltas = [e["delta"] for e in found if e["type"] == f"response.{name}.delta"]
        whole = [e["text"] for e in found if e["type"] == f"response.{name}.done"]
        assert "".join(deltas) == "".join(whole) == given


def test_tokens_go_with_the_text_they_made() -> None:
    """Those that are held back come with the next text; those of thoughts do not."""
    writing = begun(top_logprobs=1)
    thought, first, half, rest = (
        TokenInfo(number, piece, -0.5, ((piece, number, -0.5),))
        for number, piece in enumerate(("Hm", "A", "\xc3", "\xa4"))
    )
    writing.step([Reasoning("Hm")], [thought])
    told = named_events(
        writing.step([Text("A")], [first])
        + writing.step([], [half])
        + writing.step([Text("ä")], [rest])
        + writing.fail(InternalError())
    )
    deltas = [event for event in told if event["type"] == "response.output_text.delta"]
    bytes_of = [[token["bytes"] for token in event["logprobs"]] for event in deltas]
    assert bytes_of == [[[65]], [[0xC3], [0xA4]]]
    content = told[-1]["response"]["output"][1]["content"][0]
    assert content["logprobs"] == [token for event in deltas for token in event["logprobs"]]
    assert content["logprobs"][0]["top_logprobs"] == [
        {"token": "A", "logprob": -0.5, "bytes": [65]}
    ]


def test_the_response_says_what_the_server_took() -> None:
    schema = {"type": "json_schema", "name": "n", "schema": {"type": "object"}}
    tool = {"type": "function", "name": "add"}
    writing = begun(
        store=True,
        truncation="auto",
        temperature=0.25,
        tools=[tool],
        tool_choice={"type": "function", "name": "add"},
        parallel_tool_calls=False,
        text={"format": schema},
        metadata={"a": "b"},
        reasoning={"effort": "low"},
    )
    said = json.loads(writing.response.model_dump_json())
    assert (said["store"], said["truncation"], said["temperature"]) == (False, "disabled", 0.25)
    assert said["text"]["format"] == schema
    assert said["tool_choice"] == {"type": "function", "name": "add"}
    assert said["tools"][0]["name"] == "add"
    assert (said["parallel_tool_calls"], said["metadata"]) == (False, {"a": "b"})
    assert said["reasoning"]["effort"] == "low"
