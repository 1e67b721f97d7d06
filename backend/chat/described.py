"""Tools in words, for models whose template knows none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from backend.chat.formats.base import Format
from backend.chat.history import Message
from backend.chat.tools import Tool

_BEFORE = "You can call tools. Each line describes one, its parameters as a JSON schema:"
_AFTER = (
    "To call a tool, write the following with its name and arguments, and nothing after it:\n\n"
    "{example}\n\n"
    "The result comes in the next message. If no tool is of use, answer without one."
)


def with_tools(messages: Sequence[Message], tools: Iterable[Tool], form: Format) -> list[Message]:
    """The messages with a description of the tools at the end of the first system message."""
    lines = [json.dumps(tool.shown["function"], ensure_ascii=False) for tool in tools]
    text = "\n\n".join([_BEFORE, "\n".join(lines), _AFTER.format(example=form.example)])
    if messages and messages[0]["role"] == "system":
        head = messages[0]
        said = f"{head['content']}\n\n{text}" if head["content"] else text
        return [{**head, "content": said}, *messages[1:]]
    return [{"role": "system", "content": text}, *messages]


def as_text(messages: Iterable[Message]) -> list[Message]:
    """The messages with calls and results as text, for templates that would leave them out."""
    done: list[Message] = []
    for message in messages:
        said = _said(message)
        if said["role"] == "user" and done and done[-1]["role"] == "user":
            text = f"{done[-1]['content']}\n{said['content']}"
            done[-1] = {**done[-1], "content": text}
        else:
            done.append(said)
    return done


def _said(message: Message) -> Message:
    if message["role"] == "tool":
        text = f"<tool_response>\n{message['content']}\n</tool_response>"
        return {"role": "user", "content": text}
    if not message.get("tool_calls"):
        return message
    calls = [
        f"<tool_call>\n{json.dumps(call['function'], ensure_ascii=False)}\n</tool_call>"
        for call in message["tool_calls"]
    ]
    text = "\n".join([message["content"], *calls] if message["content"] else calls)
    return {**{key: message[key] for key in message if key != "tool_calls"}, "content": text}
