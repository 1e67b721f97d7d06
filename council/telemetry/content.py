"""Prompts and answers as attributes of spans, where the environment asks for them."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from council.agents.around import AgentAround
from council.telemetry import names

if TYPE_CHECKING:
    from council.expert import Expert
    from council.messages import ChatMessage, ChatRequest, ChatToken

VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_ON_SPANS = ("true", "1", "span_only", "span_and_event")


def is_wanted() -> bool:
    """Whether the environment asks for prompts and answers on spans."""
    return os.environ.get(VARIABLE, "").strip().lower() in _ON_SPANS


def asked(messages: Sequence[ChatMessage]) -> str:
    """Messages of a request as the conventions have them, in JSON."""
    return _json([{"role": each.role, "parts": _parts(each)} for each in messages])


def question(text: str) -> str:
    """A question as `asked` has it."""
    return _json([{"role": "user", "parts": [_text(text)]}])


def answered(text: str, finish_reason: str, reasoning: str = "") -> str:
    """A reply as the conventions have it, in JSON."""
    parts = [{"type": "reasoning", "content": reasoning}] if reasoning else []
    parts.append(_text(text))
    return _json([{"role": "assistant", "parts": parts, "finish_reason": finish_reason}])


def shown_by(experts: Sequence[Expert]) -> tuple[Expert, ...]:
    """The same experts, whose spans hold what they are asked."""
    return tuple(replace(expert, agent=_Asked(expert.agent)) for expert in experts)


class _Asked(AgentAround):
    """Puts what an agent is asked on the span of the call, which is the current one."""

    def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        """See `Agent.chat`."""
        trace.get_current_span().set_attribute(names.INPUT_MESSAGES, asked(request.messages))
        return self._agent.chat(request)


def _parts(message: ChatMessage) -> list[dict[str, Any]]:
    if message.role == "tool":
        id = message.tool_call_id
        return [{"type": "tool_call_response", "id": id, "response": message.text}]
    calls = [
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}
        for call in message.tool_calls
    ]
    return [_text(message.text), *calls] if message.text or not calls else calls


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "content": text}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
