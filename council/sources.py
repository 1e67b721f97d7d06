"""The forms in which a panel, a question, its options, a strategy and a store may be given."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

import anyio
import anyio.to_thread

from council.agents.base import Agent
from council.assemble import Parts, build_strategy, built_panel, by_hand
from council.config import PanelConfig
from council.config.document import Document
from council.errors import ConfigError
from council.expert import Expert
from council.messages import ChatMessage
from council.strategies import Strategy
from council.structured import ResponseFormat
from council.tools.functions import ToolSource

if TYPE_CHECKING:  # SQLite is loaded where runs are kept
    from council.store.store import Store

PanelSource = str | Path | Mapping[str, Any] | Sequence[Agent | Expert]
"""A panel file's path, its content as a mapping, or agents (or experts) made by hand."""

Question = str | Sequence[ChatMessage]
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
        return build_strategy(source, {}, Document("<strategy>", {}, {}))
    options = dict(source)
    name = options.pop("name", None)
    if not isinstance(name, str):
        raise ConfigError("strategy: a mapping needs a `name`")
    return build_strategy(name, options, Document("<strategy>", {"strategy": source}, {}))


def to_messages(question: Question) -> tuple[ChatMessage, ...]:
    """The conversation behind a question; raises ConfigError where there is nothing to answer."""
    if isinstance(question, str):
        # An argument that was not UTF-8 arrives with surrogates, which no JSON can carry.
        question = [ChatMessage("user", question.encode("utf-8", "replace").decode())]
    messages = tuple(question)
    if not messages or messages[-1].role != "user" or not _has_content(messages[-1]):
        raise ConfigError("the question is empty: the last message has to be the user's")
    return messages


def _has_content(message: ChatMessage) -> bool:
    content = message.content
    return bool(content.strip() if isinstance(content, str) else content)


async def parts_of(panel: PanelSource) -> tuple[PanelConfig | None, Parts]:
    if isinstance(panel, str | Path | Mapping):
        return await built_panel(panel)
    return None, by_hand(panel)


def source_of(panel: PanelSource) -> str:
    """The path of a panel file, from any folder; empty for a panel that is no file."""
    return str(Path(panel).absolute()) if isinstance(panel, str | Path) else ""


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
