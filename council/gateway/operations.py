"""What the OpenAPI document says of each route: a row here for each route of the families."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from council.gateway import schema
from council.gateway.chat_schema import ChatBody
from council.gateway.messages_schema import CountBody, MessagesBody

JSON = "application/json"
EVENTS = "text/event-stream"
_BODY = (400, 404, 408, 413)
"""How a body is refused, or what it names is not there."""
_RUN = (*_BODY, 429, 502, 503, 504, 508)
"""How a run is refused, or fails before its answer begins."""
_RESUME = {"Last-Event-ID": "The number of the last event that the client has."}


@dataclass(frozen=True, slots=True)
class Operation:
    """One route.

    Attributes:
        method: In capitals.
        path: With its parameters in braces.
        tag: The family.
        summary: One line.
        answers: What a success may be: models, and content types of what is none.
        status: The status of a success.
        body: The body of the request, where it has one.
        query: Parameters of the query, and what for.
        headers: Headers that the route reads, and what for.
        refusals: Statuses besides those that every route has.
    """

    method: str
    path: str
    tag: str
    summary: str
    answers: tuple[type[BaseModel] | str, ...]
    status: int = 200
    body: type[BaseModel] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    refusals: tuple[int, ...] = ()


OPERATIONS = (
    Operation(
        "POST",
        "/v1/council/runs",
        "runs",
        "Ask a panel: the run goes on whether or not anybody watches it",
        (schema.RunStarted, EVENTS),
        status=201,
        body=schema.RunRequest,
        refusals=_RUN,
    ),
    Operation(
        "GET",
        "/v1/council/runs",
        "runs",
        "Runs, the newest first",
        (schema.RunList,),
        query={
            "limit": "How many, 50 if nothing is said, 200 at most.",
            "before": "A run's id: only those that began before it.",
        },
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/v1/council/runs/{id}",
        "runs",
        "One run, with its result once it is over",
        (schema.RunView,),
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/v1/council/runs/{id}/events",
        "runs",
        "A run's events as they happen; the last one is run.finished",
        (EVENTS,),
        query={"after": "As Last-Event-ID, for clients that cannot set headers."},
        headers=_RESUME,
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/v1/council/runs/{id}/transcript",
        "runs",
        "A run that is over as a file for people",
        ("text/markdown", "text/html"),
        query={"format": "markdown or html."},
        refusals=(404, 409),
    ),
    Operation(
        "POST",
        "/v1/council/runs/{id}/cancel",
        "runs",
        "Stop a run; what there is by then stays",
        (schema.RunView,),
        refusals=(404,),
    ),
    Operation(
        "DELETE",
        "/v1/council/runs/{id}",
        "runs",
        "Stop a run and forget it for good",
        (schema.Deleted,),
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/v1/council/panels",
        "panels",
        "Who sits on each panel",
        (schema.PanelList,),
    ),
    Operation("GET", "/v1/models", "panels", "The panels as models", (schema.ModelList,)),
    Operation(
        "GET",
        "/v1/models/{name}",
        "panels",
        "One panel as a model; NAME:STRATEGY is the panel with another strategy",
        (schema.ModelCard,),
        refusals=(404,),
    ),
    Operation(
        "POST",
        "/v1/chat/completions",
        "dialects",
        "A panel as if it were a model of OpenAI's",
        (JSON, EVENTS),
        body=ChatBody,
        refusals=_RUN,
    ),
    Operation(
        "POST",
        "/v1/messages",
        "dialects",
        "A panel as if it were a model of Anthropic's",
        (JSON, EVENTS),
        body=MessagesBody,
        refusals=_RUN,
    ),
    Operation(
        "POST",
        "/v1/messages/count_tokens",
        "dialects",
        "An estimate of a prompt's tokens",
        (JSON,),
        body=CountBody,
        refusals=_BODY,
    ),
    Operation("GET", "/health", "server", "Whether runs are taken", (schema.Health,)),
    Operation("GET", "/metrics", "server", "Counters for Prometheus", ("text/plain",)),
    Operation("GET", "/openapi.json", "server", "This document", (JSON,)),
    Operation("GET", "/", "server", "The page for people", ("text/html",)),
)
