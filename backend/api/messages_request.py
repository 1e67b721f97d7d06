"""From a Messages request to what is asked of a model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from backend.api.answers import Ask
from backend.api.functions import function_tool
from backend.api.turns import Turns, joined
from backend.chat.wanted import Choice, NamedTool, Wanted
from backend.engine.sampling import Sampling
from backend.errors import InvalidRequest
from backend.schema.messages import (
    Block,
    CountRequest,
    CustomTool,
    InputMessage,
    MessagesRequest,
    RedactedThinkingBlock,
    TextBlock,
    TextOnly,
    Thinking,
    ThinkingBlock,
    ToolChoice,
    ToolResultBlock,
    ToolUseBlock,
)

_REFUSED = ("mcp_servers", "container", "context_management")
_CHOICES: dict[str, Choice] = {"auto": "auto", "any": "required", "none": "none"}
_Place = tuple[str, Block]
"""Where a block stands, as a client would write it, and the block."""


def to_ask(request: MessagesRequest) -> Ask:
    """What a request asks of a model.

    Raises:
        InvalidRequest: It asks for what no model here can do, or does not fit together.
    """
    thinking = request.thinking
    if thinking and thinking.budget_tokens and thinking.budget_tokens >= request.max_tokens:
        raise InvalidRequest(
            f"thinking.budget_tokens must be less than max_tokens, which is {request.max_tokens}.",
            param="thinking.budget_tokens",
        )
    return Ask(
        to_wanted(request),
        Sampling.of(temperature=request.temperature, top_p=request.top_p, top_k=request.top_k),
        request.max_tokens,
        tuple(request.stop_sequences or ()),
        schema_field="output_config.format.schema",
        exact=True,
    )


def to_wanted(request: CountRequest) -> Wanted:
    """The conversation of a request, its tools and the form of the answer.

    Raises:
        InvalidRequest: As ``to_ask``.
    """
    for field in _REFUSED:
        if getattr(request, field):
            raise InvalidRequest(
                f"{field} is not supported by this server: leave it out.",
                param=field,
                code="unsupported_parameter",
            )
    tools = [tool for tool in request.tools or () if isinstance(tool, CustomTool)]
    output = request.output_config
    form, effort = (output.format, output.effort) if output else (None, None)
    return Wanted(
        messages=_messages(request),
        tools=[function_tool(tool.name, tool.description, tool.input_schema) for tool in tools],
        tool_choice=_choice(request.tool_choice),
        parallel=not (request.tool_choice and request.tool_choice.disable_parallel_tool_use),
        schema=form.json_schema if form else None,
        thinking=_thinks(request.thinking),
        template_arguments={"reasoning_effort": effort} if effort else {},
    )


def _choice(choice: ToolChoice | None) -> Choice:
    if choice is None:
        return "auto"
    if choice.type != "tool":
        return _CHOICES[choice.type]
    if not choice.name:
        raise InvalidRequest("tool_choice.name is missing.", param="tool_choice.name")
    return NamedTool(choice.name)


def _thinks(thinking: Thinking | None) -> bool | None:
    if thinking is None or thinking.type == "adaptive":
        return None
    return thinking.type == "enabled"


def _messages(request: CountRequest) -> list[dict[str, Any]]:
    turns = Turns()
    if system := _text(request.system or ""):
        turns.say("system", system)
    numbered = enumerate(request.messages)
    for role, group in groupby(numbered, key=lambda entry: entry[1].role):
        blocks = [place for number, message in group for place in _places(number, message)]
        if role == "assistant":
            _assistant(turns, blocks)
        else:
            _other(turns, role, blocks)
    if not turns.messages:
        raise InvalidRequest("messages: none of them has any content.", param="messages")
    return turns.messages


def _places(number: int, message: InputMessage) -> list[_Place]:
    place = f"messages[{number}].content"
    if isinstance(message.content, str):
        return [(place, TextBlock(type="text", text=message.content))]
    return [(f"{place}[{index}]", block) for index, block in enumerate(message.content)]


def _assistant(turns: Turns, blocks: Sequence[_Place]) -> None:
    turns.answer("")
    for place, block in blocks:
        match block:
            case TextBlock():
                turns.answer(block.text)
            case ThinkingBlock():
                turns.think(block.thinking)
            case ToolUseBlock():
                turns.call(block.id, block.name, block.input)
            case RedactedThinkingBlock():
                pass  # only the server that wrote it can read it
            case _:
                raise _misplaced(place, block, "user")


def _other(turns: Turns, role: str, blocks: Sequence[_Place]) -> None:
    """A turn of a person or the system; what tools gave stands in the person's."""
    texts: list[str] = []
    for place, block in blocks:
        if isinstance(block, TextBlock):
            texts.append(block.text)
        elif isinstance(block, ToolResultBlock) and role == "user":
            _say(turns, role, texts)
            _result(turns, place, block)
        else:
            raise _misplaced(place, block, "assistant")
    _say(turns, role, texts)


def _say(turns: Turns, role: str, texts: list[str]) -> None:
    if texts:
        turns.say(role, joined(texts))
        texts.clear()


def _result(turns: Turns, place: str, block: ToolResultBlock) -> None:
    if block.tool_use_id not in turns.called:
        raise InvalidRequest(
            f"{place}.tool_use_id: no tool_use block before it has the id"
            f" {block.tool_use_id[:60]!r}.",
            param=f"{place}.tool_use_id",
        )
    text = _text(block.content)
    # Templates have no other place for it.
    turns.result(block.tool_use_id, f"Error: {text}" if block.is_error else text)


def _misplaced(place: str, block: Block, role: str) -> InvalidRequest:
    return InvalidRequest(f"{place}: a {block.type} block belongs to the {role}.", param=place)


def _text(content: str | Sequence[TextOnly]) -> str:
    if isinstance(content, str):
        return content
    return joined(block.text for block in content if isinstance(block, TextBlock))
