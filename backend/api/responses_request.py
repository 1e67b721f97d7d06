"""From a Responses request to what is asked of a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from backend.api.answers import Ask
from backend.api.functions import function_tool
from backend.api.turns import Turns, joined
from backend.chat.tools import absent
from backend.chat.wanted import Choice, NamedTool, Wanted
from backend.engine.sampling import Sampling
from backend.errors import InvalidRequest
from backend.schema.responses import (
    AllowedTools,
    FunctionCall,
    FunctionCallOutput,
    FunctionChoice,
    FunctionTool,
    InputMessage,
    Item,
    ItemReference,
    Part,
    Reasoning,
    RefusalPart,
    ResponsesRequest,
    TextPart,
)

_KEEPS_NOTHING = "this server keeps no responses, so send the whole conversation as input"
_REFUSED = {
    "previous_response_id": _KEEPS_NOTHING,
    "conversation": _KEEPS_NOTHING,
    "prompt": "this server keeps no prompts",
    "background": "this server answers on the connection only",
}
_LOGPROBS = "message.output_text.logprobs"


def to_ask(request: ResponsesRequest) -> Ask:
    """What a request asks of a model.

    Raises:
        InvalidRequest: It asks for what no model here can do, or does not fit together.
    """
    return Ask(
        _wanted(request),
        Sampling.of(temperature=request.temperature, top_p=request.top_p),
        request.max_output_tokens,
        logprobs=_logprobs(request),
        schema_field="text.format.schema",
        exact=True,
    )


def _logprobs(request: ResponsesRequest) -> int | None:
    asked = request.top_logprobs or _LOGPROBS in (request.include or ())
    return (request.top_logprobs or 0) if asked else None


def _wanted(request: ResponsesRequest) -> Wanted:
    for field, reason in _REFUSED.items():
        if getattr(request, field):
            raise InvalidRequest(
                f"{field} is not supported: {reason}.", param=field, code="unsupported_parameter"
            )
    tools = [tool for tool in request.tools or () if isinstance(tool, FunctionTool)]
    choice, allowed = _choice(request, [tool.name for tool in tools])
    effort = request.reasoning.effort if request.reasoning else None
    return Wanted(
        messages=_messages(request),
        tools=[
            function_tool(tool.name, tool.description, tool.parameters)
            for tool in tools
            if tool.name in allowed
        ],
        tool_choice=choice,
        parallel=request.parallel_tool_calls is not False,
        schema=_schema(request),
        thinking=False if effort == "none" else None,
        template_arguments={"reasoning_effort": effort} if effort else {},
    )


def _choice(request: ResponsesRequest, names: Sequence[str]) -> tuple[Choice, Sequence[str]]:
    """What is to be called, and the names of the tools that may be."""
    chosen = request.tool_choice
    if isinstance(chosen, AllowedTools):
        allowed = [tool.name for tool in chosen.tools if isinstance(tool, FunctionChoice)]
        for name in allowed:
            if name not in names:
                problem = f"tool_choice: {absent(name, names)}."
                raise InvalidRequest(problem, param="tool_choice")
        return chosen.mode, allowed
    if isinstance(chosen, FunctionChoice):
        return NamedTool(chosen.name), names
    return (chosen if isinstance(chosen, str) else "auto"), names


def _schema(request: ResponsesRequest) -> Any:
    form = request.text.format if request.text else None
    if form is None or form.type == "text":
        return None
    if form.type == "json_object":
        return True
    if form.json_schema is None:
        raise InvalidRequest("text.format.schema is missing.", param="text.format.schema")
    return form.json_schema


def _messages(request: ResponsesRequest) -> list[dict[str, Any]]:
    turns = Turns()
    if request.instructions:
        turns.say("system", request.instructions)
    if isinstance(request.input, str):
        turns.say("user", request.input)
        return turns.messages
    for index, item in enumerate(request.input):
        _take(turns, item, f"input[{index}]")
    return turns.messages


def _take(turns: Turns, item: Item, place: str) -> None:
    match item:
        case InputMessage(role="assistant"):
            turns.answer(_text(item.content))
        case InputMessage():
            role = "system" if item.role == "developer" else item.role
            turns.say(role, _text(item.content))
        case Reasoning():
            turns.think(_text(item.content or item.summary))
        case FunctionCall():
            turns.call(item.call_id, item.name, item.arguments)
        case FunctionCallOutput():
            _result(turns, item, place)
        case ItemReference():
            raise InvalidRequest(f"{place}: {_KEEPS_NOTHING}.", param=place)
        case _:
            raise AssertionError("the schema lets no other items through")


def _result(turns: Turns, item: FunctionCallOutput, place: str) -> None:
    if item.call_id not in turns.called:
        raise InvalidRequest(
            f"{place}.call_id: no function_call before it has the id {item.call_id[:60]!r};"
            f" {_KEEPS_NOTHING}.",
            param=f"{place}.call_id",
        )
    turns.result(item.call_id, _text(item.output))


def _text(content: str | Sequence[Part]) -> str:
    return content if isinstance(content, str) else joined(_texts(content))


def _texts(content: Sequence[Part]) -> Iterator[str]:
    for part in content:
        if isinstance(part, TextPart):
            yield part.text
        elif isinstance(part, RefusalPart):
            yield part.refusal
