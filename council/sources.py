"""The forms in which a panel, a question, its options, a strategy and a store may be given."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, get_args

import anyio
import anyio.to_thread

from council.agents.base import Agent
from council.assemble import Parts, build_strategy, built_panel, by_hand
from council.config import PanelConfig
from council.config.document import Document
from council.config.places import panel_path
from council.errors import ConfigError
from council.expert import Expert
from council.messages import ChatMessage, Role
from council.strategies import Strategy
from council.structured import ResponseFormat
from council.tools.functions import ToolSource

if TYPE_CHECKING:  # SQLite is loaded where runs are kept
    from council.store.store import Store

PanelSource = str | Path | Mapping[str, Any] | Sequence[Agent | Expert]
"""A panel file's path or name, its content as a mapping, or agents (or experts) made by hand."""

MessageSource = ChatMessage | Mapping[str, Any]
"""A message, or a mapping of its `role` and `content`."""

Question = str | Sequence[MessageSource]
"""A question, or a conversation whose last message is the user's."""

StrategySource = str | Mapping[str, Any] | Strategy
"""A strategy's name, a mapping with `name` and options, or a strategy made by hand."""

StoreSource: TypeAlias = "str | Path | Store"
"""Where runs are kept: a file's path, or a store that is open already."""


class AskOptions(TypedDict, total=False):
    """What a question may be asked with; see `Council.stream`."""

    strategy: StrategySource | None
    deadline: float | None
    max_total_tokens: int | None
    max_cost: float | None
    response_format: ResponseFormat | None
    tools: Sequence[ToolSource]
    max_tool_turns: int | None
    seed: int


def to_strategy(source: StrategySource) -> Strategy:
    """The strategy behind any of the forms in which it may be given."""
    if isinstance(source, Strategy):
        return source
    if isinstance(source, str):
        return build_strategy(source, {}, Document("", {}, {}))
    options = dict(source)
    name = options.pop("name", None)
    if not isinstance(name, str):
        raise ConfigError("strategy: a mapping needs a `name`")
    return build_strategy(name, options, Document("", {"strategy": source}, {}))


def to_messages(question: Question) -> tuple[ChatMessage, ...]:
    """The conversation behind a question; raises ConfigError where there is nothing to answer."""
    if isinstance(question, str):
        question = [ChatMessage("user", _sendable(question))]
    messages = to_history(question, "the question", "a text or a list of messages")
    if not messages or messages[-1].role != "user" or not _has_content(messages[-1]):
        raise ConfigError("the question is empty: the last message has to be the user's")
    return messages


def to_history(
    source: Sequence[MessageSource], name: str = "messages", expected: str = "a list of messages"
) -> tuple[ChatMessage, ...]:
    """The messages behind the forms in which they may be given.

    Raises:
        ConfigError: They are no messages; it says what is expected of `name`.
    """
    given: object = source
    if not isinstance(given, Iterable) or isinstance(given, str | bytes | Mapping):
        raise ConfigError(f"{name}: expected {expected}, got {_kind(given)}")
    return tuple(map(to_message, given))


def to_message(source: MessageSource) -> ChatMessage:
    """The message behind the forms in which it may be given; errors as for `to_history`."""
    message = _from_mapping(source) if isinstance(source, Mapping) else source
    if not isinstance(message, ChatMessage):
        raise ConfigError(
            "message: expected a council.ChatMessage or a mapping of `role` and `content`, got"
            f" {_kind(source)}"
        )
    if message.role not in get_args(Role):
        known = ", ".join(get_args(Role))
        raise ConfigError(f"message: role: expected one of {known}, got {message.role!r}")
    if not _is_content(message.content):
        raise ConfigError(
            f"message: content: expected a text or a list of parts, got {_kind(message.content)}"
        )
    return message


def _from_mapping(source: Mapping[str, Any]) -> ChatMessage:
    if set(source) != {"role", "content"}:
        given = ", ".join(map(repr, source)) or "nothing"
        raise ConfigError(
            f"message: expected `role` and `content` and no more, got {given}"
            " (council.ChatMessage has the rest)"
        )
    content = source["content"]
    if isinstance(content, str):
        content = _sendable(content)
    return ChatMessage(source["role"], tuple(content) if isinstance(content, list) else content)


def _is_content(content: object) -> bool:
    if isinstance(content, tuple):
        return all(isinstance(part, Mapping) for part in content)
    return isinstance(content, str)


def _sendable(text: str) -> str:
    # An argument that was not UTF-8 arrives with surrogates, which no JSON can carry.
    return text.encode("utf-8", "replace").decode()


def _kind(value: object) -> str:
    return "None" if value is None else f"{type(value).__name__}: {str(value)[:40]!r}"


def _has_content(message: ChatMessage) -> bool:
    content = message.content
    return bool(content.strip() if isinstance(content, str) else content)


async def parts_of(panel: PanelSource) -> tuple[PanelConfig | None, Parts]:
    if isinstance(panel, str | Path | Mapping):
        return await built_panel(panel)
    return None, by_hand(panel)


def source_of(panel: PanelSource) -> str:
    """The path of a panel file, from any folder; empty for a panel that is no file."""
    return str(panel_path(panel).absolute()) if isinstance(panel, str | Path) else ""


@asynccontextmanager
async def opened_store(source: StoreSource | None) -> AsyncGenerator[Store | None, None]:
    """The store behind its source; one made here is closed again."""
    if not isinstance(source, str | Path):
        yield source
        return
    from council.store.store import Store

    store = Store(source)
    try:
        yield store
    finally:
        with anyio.CancelScope(shield=True):
            # What is not yet written may have to wait for a disk: not in the event loop.
            await anyio.to_thread.run_sync(store.close)
