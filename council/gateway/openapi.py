"""`GET /openapi.json`: the OpenAPI document of all routes, made of the schemas and a table."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from quart import Blueprint, Response

from council.gateway.operations import JSON, OPERATIONS, Operation
from council.gateway.schema import FailureBody
from council.gateway.state import GatewayState

Json = dict[str, Any]
Schemas = Mapping[Any, Json]
"""References to schemas, by a model and what it is for: "validation" or "serialization"."""

_ALWAYS = (400, 401, 403, 405, 429, 500, 503, 504)
"""What any route may answer: bad headers, no key, a wrong method, too many, a fault, being late."""
_OPEN = ("/health", "/")
"""Routes that need no key."""


def routes(state: GatewayState) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("openapi", __name__)

    @blueprint.get("/openapi.json")
    async def openapi() -> Response:
        return Response(_text(), content_type=JSON)

    return blueprint


@functools.cache
def _text() -> str:
    return json.dumps(document(OPERATIONS), ensure_ascii=False)


def document(operations: Sequence[Operation] = OPERATIONS) -> Json:
    """The OpenAPI 3.1 document of some routes."""
    schemas, definitions = models_json_schema(
        sorted(set(_models(operations)), key=str), ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, Json] = {}
    for operation in operations:
        described = _operation(operation, schemas)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "council",
            "version": "1",
            "description": "Panels of language models, each as if it were a model.",
        },
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
        # A gateway may have been started without keys.
        "security": [{}, {"bearer": []}, {"key": []}],
    }


def _models(
    operations: Iterable[Operation],
) -> Iterator[tuple[type[BaseModel], Literal["validation", "serialization"]]]:
    yield FailureBody, "serialization"
    for operation in operations:
        if operation.body is not None:
            yield operation.body, "validation"
        for answer in operation.answers:
            if isinstance(answer, type):
                yield answer, "serialization"


def _operation(operation: Operation, schemas: Schemas) -> Json:
    name = re.sub(r"\W+", "_", f"{operation.method.lower()}{operation.path}").strip("_")
    described: Json = {
        "operationId": name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": dict(_responses(operation, schemas)),
    }
    if parameters := [*_parameters(operation)]:
        described["parameters"] = parameters
    if operation.body is not None:
        content = {JSON: {"schema": schemas[operation.body, "validation"]}}
        described["requestBody"] = {"required": True, "content": content}
    if operation.path in _OPEN:
        described["security"] = []
    return described


def _parameters(operation: Operation) -> Iterator[Json]:
    text = {"type": "string"}
    for name in re.findall(r"\{(\w+)\}", operation.path):
        yield {"name": name, "in": "path", "required": True, "schema": text}
    for place, named in (("query", operation.query), ("header", operation.headers)):
        for name, purpose in named.items():
            yield {"name": name, "in": place, "description": purpose, "schema": text}


def _responses(operation: Operation, schemas: Schemas) -> Iterator[tuple[str, Json]]:
    phrase = HTTPStatus(operation.status).phrase
    content = dict(_content(answer, schemas) for answer in operation.answers)
    yield str(operation.status), {"description": f"{phrase}.", "content": content}
    refusal = {JSON: {"schema": schemas[FailureBody, "serialization"]}}
    for status in sorted({*_ALWAYS, *operation.refusals}):
        yield str(status), {"description": f"{HTTPStatus(status).phrase}.", "content": refusal}


def _content(answer: type[BaseModel] | str, schemas: Schemas) -> tuple[str, Json]:
    if isinstance(answer, str):
        return answer, {}
    return JSON, {"schema": schemas[answer, "serialization"]}
