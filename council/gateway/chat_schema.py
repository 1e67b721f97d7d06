"""The body of `POST /v1/chat/completions`, as far as a panel has a use for it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from council.gateway.fields import MOST_MESSAGES, PanelRequest, Seed
from council.gateway.schema import Wanted


class ImageUrl(Wanted):
    """Where an image is, or the image itself as a `data:` URL."""

    url: str
    detail: str | None = None


class ContentPart(Wanted):
    """A piece of a message's content; types that no panel takes are refused by name."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageUrl | None = None


class CalledFunction(Wanted):
    """A function that was called, and its arguments as JSON."""

    name: str
    arguments: str = ""


class ToolCall(Wanted):
    """A call in an earlier turn."""

    id: str = ""
    function: CalledFunction


class Message(Wanted):
    """One turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[ContentPart] | None = None
    refusal: str | None = None
    tool_call_id: str | None = None
    tool_calls: list[ToolCall] | None = None


class JsonSchema(Wanted):
    """A form with a name, as OpenAI wraps it."""

    name: str | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None


class ResponseFormat(Wanted):
    """What the answer has to be."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(Wanted):
    """What a stream has besides the answer."""

    include_usage: bool | None = None


class ChatBody(PanelRequest):
    """A request for the assistant's next turn."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES)]
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None
    seed: Seed | None = None
