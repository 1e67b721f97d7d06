"""The body of ``POST /v1/responses``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from backend.schema.sampling import Body
from backend.schema.tagged import OTHER, FunctionName, Unsupported, UnsupportedTool, by_type


class TextPart(Body):
    """A piece of text."""

    type: Literal["input_text", "output_text", "text", "summary_text", "reasoning_text"]
    text: str


class RefusalPart(Body):
    """What the assistant said instead of an answer."""

    type: Literal["refusal"]
    refusal: str


_TEXTS = ("input_text", "output_text", "text", "summary_text", "reasoning_text")
Part = Annotated[
    Annotated[TextPart, Tag("text-object")]
    | Annotated[RefusalPart, Tag("refusal-object")]
    | Annotated[Unsupported, Tag(OTHER)],
    Discriminator(by_type({**dict.fromkeys(_TEXTS, "text-object"), "refusal": "refusal-object"})),
]


class InputMessage(Body):
    """A turn of the conversation."""

    type: Literal["message"] | None = None
    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[Part]


class FunctionCall(Body):
    """A call that the assistant made."""

    type: Literal["function_call"]
    call_id: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)]
    arguments: str


class FunctionCallOutput(Body):
    """What a call gave."""

    type: Literal["function_call_output"]
    call_id: str
    output: str | list[Part]


class Reasoning(Body):
    """What the assistant thought; a summary counts where the thoughts are not there."""

    type: Literal["reasoning"]
    summary: list[Part] = Field(default_factory=list)
    content: list[Part] | None = None


class ItemReference(Body):
    """Something that the server would have to remember."""

    type: Literal["item_reference"]


_ITEMS = ("message", "function_call", "function_call_output", "reasoning", "item_reference")
Item = Annotated[
    Annotated[InputMessage, Tag("message-object")]
    | Annotated[FunctionCall, Tag("function_call-object")]
    | Annotated[FunctionCallOutput, Tag("function_call_output-object")]
    | Annotated[Reasoning, Tag("reasoning-object")]
    | Annotated[ItemReference, Tag("item_reference-object")]
    | Annotated[Unsupported, Tag(OTHER)],
    Discriminator(by_type({None: "message-object", **{name: f"{name}-object" for name in _ITEMS}})),
]


class FunctionTool(Body):
    """A function that the client runs."""

    type: Literal["function"]
    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


_OtherTool = Annotated[UnsupportedTool, Tag(OTHER)]
Tool = Annotated[
    Annotated[FunctionTool, Tag("function-object")] | _OtherTool,
    Discriminator(by_type({"function": "function-object"})),
]


class FunctionChoice(Body):
    """A function by its name."""

    type: Literal["function"]
    name: str


_Function = Annotated[FunctionChoice, Tag("function-object")]


class AllowedTools(Body):
    """Some of the tools, and whether one of them has to be called."""

    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: list[
        Annotated[_Function | _OtherTool, Discriminator(by_type({"function": "function-object"}))]
    ]


_CHOICES = ("function", "allowed_tools")
ToolChoice = Annotated[
    _Function | Annotated[AllowedTools, Tag("allowed_tools-object")] | _OtherTool,
    Discriminator(by_type({name: f"{name}-object" for name in _CHOICES})),
]


class Format(Body):
    """The form of the text: free, any JSON object, or JSON that follows a schema."""

    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    json_schema: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class Text(Body):
    """How the text is to be."""

    format: Format | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class ReasoningOptions(Body):
    """How much to think."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: str | None = None


_Key = Annotated[str, Field(max_length=64)]
_Value = Annotated[str, Field(max_length=512)]


class ResponsesRequest(Body):
    """A request for a response; what is left open is as in a chat request."""

    input: str | Annotated[list[Item], Field(min_length=1)]
    model: str | None = None
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    tools: Annotated[list[Tool], Field(max_length=128)] | None = None
    tool_choice: Literal["auto", "none", "required"] | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    text: Text | None = None
    reasoning: ReasoningOptions | None = None
    include: list[str] | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    metadata: Annotated[dict[_Key, _Value], Field(max_length=16)] | None = None
    user: str | None = None

    # Refused unless they ask for nothing.
    previous_response_id: str | None = None
    conversation: Any = None
    prompt: Any = None
    background: bool | None = None
