"""What the requests of all chat dialects may have, and what is made of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from council.answer_form import AnswerForm
from council.errors import ConfigError
from council.gateway.errors import InvalidRequest
from council.gateway.schema import Wanted
from council.gateway.state import Show
from council.messages import ChatMessage
from council.sources import AskOptions, to_strategy
from council.structured import to_form

MOST_MESSAGES = 4096
"""Turns of one conversation."""
_MOST_SEED = 1 << 63
_MOST_NAMED = 64
_LONGEST_NAME = 64  # characters
_IMAGES = ("http://", "https://", "data:")

Seed = Annotated[int, Field(ge=0, lt=_MOST_SEED)]


class CouncilField(BaseModel):
    """What a request says to the panel itself; a typo in it is refused."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    strategy: str | dict[str, Any] | None = None
    seed: Seed | None = None
    deadline: Annotated[float, Field(gt=0)] | None = None
    max_total_tokens: Annotated[int, Field(ge=1)] | None = None
    max_cost: Annotated[float, Field(gt=0)] | None = None
    show: Show | None = None
    hold: bool = False


class PanelRequest(Wanted):
    """A request for a panel's answer. What it does not know is kept, to be named in the answer."""

    model_config = ConfigDict(extra="allow")

    model: str
    stream: bool | None = None
    council: CouncilField | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks of a panel, whatever its dialect.

    Attributes:
        panel: The panel's name.
        messages: The conversation, the question last.
        options: How it is to be asked.
        show: What of the run is shown; None for what the server shows.
        hold: Whether the answer is told only when it stands.
        ignored: Fields of the request that change nothing, since they are the experts' own.
    """

    panel: str
    messages: tuple[ChatMessage, ...]
    options: AskOptions
    show: Show | None
    hold: bool
    ignored: tuple[str, ...]


def options_of(
    field: CouncilField | None, *, seed: int | None = None, form: AnswerForm | None = None
) -> AskOptions:
    """How a run is to be asked; what is not said is left to the panel."""
    said = field or CouncilField()
    options: AskOptions = {"seed": next((s for s in (said.seed, seed) if s is not None), 0)}
    if said.strategy is not None:
        options["strategy"] = known_strategy(said.strategy, "council.strategy")
    if said.deadline is not None:
        options["deadline"] = said.deadline
    if said.max_total_tokens is not None:
        options["max_total_tokens"] = said.max_total_tokens
    if said.max_cost is not None:
        options["max_cost"] = said.max_cost
    if form is not None:
        options["response_format"] = form
    return options


def known_strategy(given: str | dict[str, Any], field: str) -> str | dict[str, Any]:
    """A strategy as a field of the request has it.

    Raises:
        InvalidRequest: There is none of that name, or an option of it is wrong.
    """
    try:
        to_strategy(given)
    except ConfigError as error:
        raise InvalidRequest(str(error), param=field) from None
    return given


def form_of(schema: Mapping[str, Any], field: str) -> AnswerForm:
    """The form that a schema in a field of the request describes.

    Raises:
        InvalidRequest: It is no schema that answers can be checked against.
    """
    try:
        return to_form(schema, field)
    except ConfigError as error:
        raise InvalidRequest(f"{error}.", param=field) from None


def refuse(fields: Mapping[str, str]) -> None:
    """Refuses the first of some fields; the values say why, or what to do instead.

    Raises:
        InvalidRequest: There is one.
    """
    for field, why in fields.items():
        raise InvalidRequest(
            f"{field} is not supported by a panel{why}", param=field, code="unsupported_parameter"
        )


def given(request: PanelRequest) -> dict[str, Any]:
    """The fields that the dialect does not know, without those that ask for nothing."""
    extra = request.model_extra or {}
    return {
        name: value for name, value in extra.items() if value is not None and value not in ([], {})
    }


def ignored(request: PanelRequest, silent: Collection[str]) -> tuple[str, ...]:
    """The names of fields that change nothing, but for those from which nobody expects it."""
    names = [name[:_LONGEST_NAME] for name in given(request) if name not in silent]
    return tuple(names[:_MOST_NAMED])


def image_part(url: str, field: str, detail: str | None = None) -> dict[str, Any]:
    """An image as a part of a message, as the chat API has it.

    Raises:
        InvalidRequest: Its address is none that an expert's server could fetch.
    """
    if not url.lower().startswith(_IMAGES):
        raise InvalidRequest(f"{field} has to begin with http://, https:// or data:.", param=field)
    described = {} if detail is None else {"detail": detail}
    return {"type": "image_url", "image_url": {"url": url, **described}}


def require_question(messages: tuple[ChatMessage, ...]) -> None:
    """Holds that the last message is a question.

    Raises:
        InvalidRequest: It is not, or it is empty; the message says what it is.
    """
    last = messages[-1]
    if last.role == "assistant":
        raise InvalidRequest(
            "messages: the last one is the assistant's, and a panel cannot go on writing it: end"
            " with the user's.",
            param="messages",
            code="prefill_not_supported",
        )
    if last.role != "user":
        raise InvalidRequest(
            f"messages: the last one has to be the user's, not one of role {last.role!r}.",
            param="messages",
        )
    content = last.content
    if not (content.strip() if isinstance(content, str) else content):
        raise InvalidRequest("messages: the last one, the question, is empty.", param="messages")
