"""Both APIs of chat servers where tools are concerned: replies to send, requests to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from council.agents.anthropic import AnthropicAgent
from council.agents.base import Agent
from council.agents.openai_http import OpenAIHTTPAgent
from council.limits import Timeouts
from council.testing import DONE, Request, Step, choice, delta, keep_alive, stream, usage
from council.testing.frames import END, FINISH, STREAM_HEAD, chunked
from tests.support.anthropic_events import (
    STOP,
    block_delta,
    block_start,
    block_stop,
    message_delta,
    message_start,
    text_block,
)

PATIENT = Timeouts(connect=10.0, first_token=60.0, idle=60.0, total=120.0)

Call = tuple[str, str, str]
"""A call's id, the tool's name and the arguments as JSON text."""


@dataclass(frozen=True)
class OpenAI:
    """OpenAI's chat API; each reply counts 10 tokens of prompt and 5 written."""

    kind: str = "openai"

    def agent(self, url: str) -> Agent:
        return OpenAIHTTPAgent("ada", "m", url, timeouts=PATIENT)

    def answers(self, text: str) -> list[Step]:
        return stream(delta(text), FINISH, usage(10, 5), DONE)

    def breaks_off(self, text: str) -> list[Step]:
        return [STREAM_HEAD, chunked(delta(text))]

    def calls(self, *calls: Call, text: str = "", reason: str = "tool_calls") -> list[Step]:
        pieces = [self._piece(index, call) for index, call in enumerate(calls)]
        end = choice(delta={}, finish_reason=reason)
        begin = [delta(text)] if text else []
        return stream(*begin, *pieces, end, usage(10, 5), DONE)

    def _piece(self, index: int, call: Call) -> bytes:
        id, name, arguments = call
        function = {"name": name, "arguments": arguments}
        piece = {"index": index, "id": id, "type": "function", "function": function}
        return choice(delta={"tool_calls": [piece]}, finish_reason=None)

    def offered(self, request: Request) -> list[str]:
        """The tools that a request offers."""
        return [tool["function"]["name"] for tool in request.json.get("tools", [])]

    def called(self, request: Request) -> list[tuple[str, str, str]]:
        """The calls that a request remembers: id, name, arguments."""
        return [
            (call["id"], call["function"]["name"], call["function"]["arguments"])
            for message in request.json["messages"]
            for call in message.get("tool_calls", [])
        ]

    def told(self, request: Request) -> dict[str, str]:
        """What a request tells of each call's result, by the call's id."""
        messages = request.json["messages"]
        return {m["tool_call_id"]: m["content"] for m in messages if m["role"] == "tool"}


@dataclass(frozen=True)
class Anthropic:
    """Anthropic's Messages API; each reply counts 10 tokens of prompt and 5 written."""

    kind: str = "anthropic"

    def agent(self, url: str) -> Agent:
        return AnthropicAgent("ada", "m", url, api_key="key-0123456789", timeouts=PATIENT)

    def answers(self, text: str) -> list[Step]:
        return self._reply([text_block(0, text)], "end_turn")

    def breaks_off(self, text: str) -> list[Step]:
        return [STREAM_HEAD, chunked(message_start(input_tokens=10) + text_block(0, text))]

    def calls(self, *calls: Call, text: str = "", reason: str = "tool_use") -> list[Step]:
        blocks = [text_block(0, text)] if text else []
        blocks += [self._block(len(blocks) + place, call) for place, call in enumerate(calls)]
        return self._reply(blocks, {"length": "max_tokens"}.get(reason, reason))

    def _block(self, index: int, call: Call) -> bytes:
        id, name, arguments = call
        start = block_start(index, type="tool_use", id=id, name=name, input={})
        given = block_delta(index, "input_json_delta", partial_json=arguments)
        return start + given + block_stop(index)

    def _reply(self, blocks: Sequence[bytes], reason: str) -> list[Step]:
        start = message_start(input_tokens=10)
        events = [start, *blocks, message_delta(reason, output_tokens=5), STOP]
        return [STREAM_HEAD, *map(chunked, events), END, keep_alive]

    def offered(self, request: Request) -> list[str]:
        """The tools that a request offers."""
        return [tool["name"] for tool in request.json.get("tools", [])]

    def called(self, request: Request) -> list[tuple[str, str, Any]]:
        """The calls that a request remembers: id, name, arguments."""
        return [
            (block["id"], block["name"], block["input"])
            for block in self._blocks(request, "tool_use")
        ]

    def told(self, request: Request) -> dict[str, str]:
        """What a request tells of each call's result, by the call's id."""
        results = self._blocks(request, "tool_result")
        return {r["tool_use_id"]: "".join(b["text"] for b in r["content"]) for r in results}

    def _blocks(self, request: Request, type: str) -> list[Any]:
        messages = request.json["messages"]
        return [block for m in messages for block in m["content"] if block["type"] == type]


Api = OpenAI | Anthropic
APIS: list[Api] = [OpenAI(), Anthropic()]
