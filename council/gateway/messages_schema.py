"""The bodies of `POST /v1/messages` and `count_tokens`, as far as a panel has a use for them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from council.gateway.fields import MOST_MESSAGES, PanelRequest
from council.gateway.schema import Wanted

_READ = ("text", "image", "tool_use", "tool_result")


class ImageSource(Wanted):
    """Where an image is, or the image itself in base64."""

    type: str
    url: str | None = None
    media_type: str | None = None
    data: str | None = None


class Block(Wanted):
    """A piece of a message; which fields it needs goes by its type, as does whether it is read."""

    type: str
    text: str | None = None
    source: ImageSource | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None
    tool_use_id: str | None = None
    content: str | list[Block] | None = None
    is_error: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_what_is_read(cls, value: Any) -> Any:
        """A block of another type is refused, or passed over, by its type and not by its fields."""
        if isinstance(value, dict) and value.get("type") not in _READ:
            return {name: told for name, told in value.items() if name == "type"}
        return value


class InputMessage(Wanted):
    """One turn of the conversation."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class JsonFormat(Wanted):
    """The JSON schema that the answer has to follow."""

    type: Literal["json_schema"]
    json_schema: Annotated[dict[str, Any], Field(alias="schema")]


class OutputConfig(Wanted):
    """The form of the answer."""

    format: JsonFormat | None = None


class Thinking(Wanted):
    """Whether the client has a place for what is no answer."""

    type: Literal["enabled", "adaptive", "disabled"]


class CountBody(PanelRequest):
    """A prompt, to be counted or answered."""

    messages: Annotated[list[InputMessage], Field(min_length=1, max_length=MOST_MESSAGES)]
    system: str | list[Block] | None = None
    output_config: OutputConfig | None = None
    thinking: Thinking | None = None


class MessagesBody(CountBody):
    """A request for the assistant's next turn; `max_tokens` is the experts' own all the same."""

    max_tokens: Annotated[int, Field(ge=1)]
