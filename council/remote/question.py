"""A question and its options as a gateway takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from council.answer_form import AnswerForm
from council.errors import ConfigError
from council.messages import ChatMessage
from council.sources import AskOptions, Question, StrategySource, to_messages
from council.strategies import Strategy
from council.structured import to_form

_HERE_ONLY = ("tools", "max_tool_turns")
_PLAIN = ("deadline", "max_total_tokens", "max_cost", "seed")


def form_of(options: AskOptions) -> AnswerForm | None:
    """What the answer has to look like, where a question says so; errors as for `to_form`."""
    given = options.get("response_format")
    return None if given is None else to_form(given)


def body_of(
    question: Question,
    panel: str | None,
    continuing: str | None,
    form: AnswerForm | None,
    **options: Unpack[AskOptions],
) -> dict[str, Any]:
    """The JSON that starts a run.

    Args:
        question: What to ask.
        panel: Whom; None for the gateway's only panel.
        continuing: The id of the run whose conversation this goes on with, if any.
        form: What the answer has to look like, if anything.
        options: As for `Council.stream`.

    Raises:
        ConfigError: Something of it cannot go to a gateway.
    """
    given = [name for name in _HERE_ONLY if options.get(name)]
    if given:
        raise ConfigError(
            f"{given[0]}: a gateway cannot call functions of this process: open the panel here"
            " (council.open_council) to ask it with tools"
        )
    strategy = options.get("strategy")
    wanted: dict[str, Any] = {
        "panel": panel,
        **_asked(question),
        "strategy": None if strategy is None else _strategy(strategy),
        **{name: options.get(name) for name in _PLAIN},
        "response_format": None if form is None else dict(form.schema),
        "continue": continuing,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _asked(question: Question) -> dict[str, Any]:
    messages = to_messages(question)
    if len(messages) == 1 and isinstance(messages[0].content, str):
        return {"question": messages[0].content}
    return {"messages": [_message(message) for message in messages]}


def _message(message: ChatMessage) -> dict[str, Any]:
    if message.tool_calls or message.tool_call_id:
        raise ConfigError(
            "message: a gateway takes no turns that call tools or answer a call: leave them out"
        )
    content = message.content
    return {
        "role": message.role,
        "content": content if isinstance(content, str) else [dict(part) for part in content],
    }


def _strategy(source: StrategySource) -> str | dict[str, Any]:
    """A strategy's name, or its name and the options that were set."""
    if isinstance(source, str):
        return source
    if isinstance(source, Mapping):
        return dict(source)
    if not isinstance(source, Strategy):
        raise ConfigError("strategy: expected a name, a mapping or a council.Strategy")
    options = source.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {"name": source.name, **options} if options else source.name
