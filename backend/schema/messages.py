"""The bodies of ``POST /v1/messages`` and its ``count_tokens``, and what they answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from backend.schema.sampling import Body
from backend.schema.tagged import OTHER, FunctionName, Unsupported, UnsupportedTool, by_type


class TextBlock(Body):
    """A piece of text."""

    type: Literal["text"]
    text: str


class ToolUseBlock(Body):
    """A call that the assistant made."""

    type: Literal["tool_use"]
    id: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)]
    input: dict[str, Any]


class ThinkingBlock(Body):
    """What the assistant thought; the signature is not looked at."""

    type: Literal["thinking"]
    thinking: str


class RedactedThinkingBlock(Body):
    """Thoughts that only another server can read."""

    type: Literal["redacted_thinking"]


_Text = Annotated[TextBlock, Tag("text-object")]
_Other = Annotated[Unsupported, Tag(OTHER)]
TextOnly = Annotated[_Text | _Other, Discriminator(by_type({"text": "text-object"}))]


class ToolResultBlock(Body):
    """What a call gave."""

    type: Literal["tool_result"]
    tool_use_id: str
    content: str | list[TextOnly] = ""
    is_error: bool | None = None


_BLOCKS = ("text", "tool_use", "tool_result", "thinking", "redacted_thinking")
Block = Annotated[
    _Text
    | Annotated[ToolUseBlock, Tag("tool_use-object")]
    | Annotated[ToolResultBlock, Tag("tool_result-object")]
    | Annotated[ThinkingBlock, Tag("thinking-object")]
    | Annotated[RedactedThinkingBlock, Tag("redacted_thinking-object")]
    | _Other,
    Discriminator(by_type({name: f"{name}-object" for name in _BLOCKS})),
]


class InputMessage(Body):
    """One turn of the conversation."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class CustomTool(Body):
    """A function that the client runs."""

    type: Literal["custom"] | None = None
    name: FunctionName
    description: str | None = None
    input_schema: dict[str, Any]


Tool = Annotated[
    Annotated[CustomTool, Tag("custom-object")] | Annotated[UnsupportedTool, Tag(OTHER)],
    Discriminator(by_type({None: "custom-object", "custom": "custom-object"})),
]


class ToolChoice(Body):
    """Whether tools are to be called: as the model likes, at all, this one, or none."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(Body):
    """Whether to think first, and whether to show it.

    Nothing enforces the budget, which is in tokens: ``max_tokens`` bounds thoughts and answer.
    """

    type: Literal["enabled", "adaptive", "disabled"]
    budget_tokens: Annotated[int, Field(ge=1024)] | None = None
    display: Literal["summarized", "omitted"] | None = None


class JsonFormat(Body):
    """The JSON schema that the answer has to follow."""

    type: Literal["json_schema"]
    json_schema: Annotated[dict[str, Any], Field(alias="schema")]


class OutputConfig(Body):
    """The form of the answer, and how much effort it is worth."""

    format: JsonFormat | None = None
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None


class CountRequest(Body):
    """A prompt, to be counted or answered."""

    messages: Annotated[list[InputMessage], Field(min_length=1)]
    model: str | None = None
    system: str | list[TextOnly] | None = None
    tools: Annotated[list[Tool], Field(max_length=128)] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None

    # Refused unless they ask for nothing.
    mcp_servers: list[Any] | None = None
    container: Any = None
    context_management: Any = None


class MessagesRequest(CountRequest):
    """A request for the assistant's next turn; what is left open is as in a chat request."""

    max_tokens: Annotated[int, Field(ge=1)]
    stream: bool | None = None
    stop_sequences: (
        Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=16)] | None
    ) = None
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class TokenCount(BaseModel):
    """The answer of ``count_tokens``."""

    input_tokens: int


class AnswerText(BaseModel):
    """Text of the answer."""

    type: Literal["text"] = "text"
    text: str = ""


class AnswerThinking(BaseModel):
    """What the model thought; clients may send the signature back, and nobody looks at it."""

    type: Literal["thinking"] = "thinking"
    thinking: str = ""
    signature: str = ""


class AnswerCall(BaseModel):
    """A call of one of the client's tools."""

    type: Literal["tool_use"] = "tool_use"
    id: str
    name: str
    input: dict[str, Any] = Field(default_factory=dict)


AnswerBlock = AnswerText | AnswerThinking | AnswerCall
StopReason = Literal[
    "end_turn", "max_tokens", "stop_sequence", "tool_use", "model_context_window_exceeded"
]


class MessageUsage(BaseModel):
    """Tokens of a request; those from the cache are not in ``input_tokens``."""

    input_tokens: int
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int
    output_tokens: int


class AnswerMessage(BaseModel):
    """A whole answer; in the first event of a stream, one that is still empty."""

    id: str
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    model: str
    content: list[AnswerBlock]
    stop_reason: StopReason | None = None
    stop_sequence: str | None = None
    usage: MessageUsage


class MessageEvent(BaseModel):
    """An event of a stream, for the API's description; its other fields go by its type."""

    model_config = ConfigDict(extra="allow")

    type: Literal[
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "error",
    ]


class MessageFailure(BaseModel):
    """What went wrong: by class, and for people."""

    type: str
    message: str


class MessageFailureBody(BaseModel):
    """The body of every response of these routes that is no success."""

    type: Literal["error"] = "error"
    error: MessageFailure
    request_id: str
