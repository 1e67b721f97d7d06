"""What the OpenAPI document says of each route: a row here for each route of the families."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import BaseModel

from backend.schema.chat import ChatRequest
from backend.schema.completion import Chunk, Completion
from backend.schema.embeddings import Embeddings, EmbeddingsRequest
from backend.schema.failure import FailureBody
from backend.schema.health import Health
from backend.schema.messages import (
    AnswerMessage,
    CountRequest,
    MessageEvent,
    MessageFailureBody,
    MessagesRequest,
    TokenCount,
)
from backend.schema.models import ModelCard, ModelChange, ModelChanged, ModelList
from backend.schema.response import ResponseEvent, ResponseObject
from backend.schema.responses import ResponsesRequest
from backend.schema.sessions import SessionDeleted, SessionList, WholeSession
from backend.schema.text_completion import CompletionRequest, TextCompletion
from backend.schema.tokens import (
    AppliedTemplate,
    DetokenizedText,
    DetokenizeRequest,
    TokenizeRequest,
    Tokens,
)

_BODY = (400, 408, 413)
"""How a body is refused."""
_MODEL = (404, 429, 503)
"""How a model is not to be had."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One route.

    Attributes:
        method: In capitals.
        path: With its parameters in braces.
        tag: The family.
        summary: One line.
        answer: The body of a success, or its content type where it is no JSON.
        body: The body of the request, where it has one.
        events: What the events of a stream hold, where the answer may be one.
        refusals: Statuses besides those that every route has.
        failure: The body of a refusal.
        headers: Headers that the route reads, and what for.
        others: Further successful answers by status.
    """

    method: str
    path: str
    tag: str
    summary: str
    answer: type[BaseModel] | str
    body: type[BaseModel] | None = None
    events: type[BaseModel] | None = None
    refusals: tuple[int, ...] = ()
    failure: type[BaseModel] = FailureBody
    headers: dict[str, str] = field(default_factory=dict)
    others: dict[int, type[BaseModel]] = field(default_factory=dict)


OPERATIONS = (
    Operation(
        "POST",
        "/v1/chat/completions",
        "chat",
        "The assistant's next turn in a conversation",
        Completion,
        body=ChatRequest,
        events=Chunk,
        refusals=(*_BODY, *_MODEL, 409),
        headers={"X-Session-Id": "The conversation that the server keeps; as `session_id`."},
    ),
    Operation(
        "POST",
        "/v1/completions",
        "completions",
        "How texts go on, without a chat template",
        TextCompletion,
        body=CompletionRequest,
        events=TextCompletion,
        refusals=(*_BODY, *_MODEL),
    ),
    Operation(
        "POST",
        "/v1/responses",
        "responses",
        "A response in the shape of OpenAI's Responses API; none is stored",
        ResponseObject,
        body=ResponsesRequest,
        events=ResponseEvent,
        refusals=(*_BODY, *_MODEL),
    ),
    Operation(
        "POST",
        "/v1/messages",
        "messages",
        "The assistant's next turn, in the shape of Anthropic's Messages API",
        AnswerMessage,
        body=MessagesRequest,
        events=MessageEvent,
        refusals=(*_BODY, *_MODEL),
        failure=MessageFailureBody,
    ),
    Operation(
        "POST",
        "/v1/messages/count_tokens",
        "messages",
        "How many tokens a conversation has",
        TokenCount,
        body=CountRequest,
        refusals=(*_BODY, *_MODEL),
        failure=MessageFailureBody,
    ),
    Operation(
        "POST",
        "/v1/embeddings",
        "embeddings",
        "A vector of length 1 for each text",
        Embeddings,
        body=EmbeddingsRequest,
        refusals=(*_BODY, *_MODEL),
    ),
    Operation("GET", "/v1/models", "models", "All models", ModelList),
    Operation("GET", "/models", "models", "All models", ModelList),
    Operation("GET", "/v1/models/{name}", "models", "One model", ModelCard, refusals=(404,)),
    Operation(
        "POST",
        "/models/load",
        "models",
        "Loads a model; answers when it is ready",
        ModelChanged,
        body=ModelChange,
        refusals=(*_BODY, *_MODEL),
    ),
    Operation(
        "POST",
        "/models/unload",
        "models",
        "Unloads a model that has no requests; the next one loads it again",
        ModelChanged,
        body=ModelChange,
        refusals=(*_BODY, 404, 409),
    ),
    Operation(
        "POST",
        "/tokenize",
        "tokens",
        "The tokens of a text",
        Tokens,
        body=TokenizeRequest,
        refusals=(*_BODY, *_MODEL),
    ),
    Operation(
        "POST",
        "/detokenize",
        "tokens",
        "The text of tokens",
        DetokenizedText,
        body=DetokenizeRequest,
        refusals=(*_BODY, *_MODEL),
    ),
    Operation(
        "POST",
        "/apply-template",
        "tokens",
        "The prompt that a conversation becomes",
        AppliedTemplate,
        body=ChatRequest,
        refusals=(*_BODY, *_MODEL),
    ),
    Operation("GET", "/v1/sessions", "sessions", "All sessions of this key", SessionList),
    Operation(
        "GET",
        "/v1/sessions/{id}",
        "sessions",
        "One session, with its messages",
        WholeSession,
        refusals=(404,),
    ),
    Operation(
        "DELETE",
        "/v1/sessions/{id}",
        "sessions",
        "Forgets a session",
        SessionDeleted,
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/health",
        "server",
        "How the server and its models are",
        Health,
        others={503: Health},
    ),
    Operation("GET", "/metrics", "server", "Counters for Prometheus", "text/plain"),
    Operation("GET", "/openapi.json", "server", "This document", "application/json"),
)
