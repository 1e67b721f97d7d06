"""``GET /openapi.json``: the OpenAPI document of all routes, made of the schemas and a table."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import core_schema
from quart import Blueprint, Response

from backend.api.operations import OPERATIONS, Operation
from backend.registry import Registry

Json = dict[str, Any]
Schemas = dict[Any, Json]
"""References to schemas, by a model and what it is for: "validation" or "serialization"."""

_ALWAYS = (400, 401, 403, 405, 429, 500, 503, 504)
"""What any route may answer: bad headers, no key, a wrong method, too many, a fault, being late."""
_OPEN = ("/health",)
"""Routes that need no key."""


def routes(registry: Registry) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("openapi", __name__)

    @blueprint.get("/openapi.json")
    async def openapi() -> Response:
        return Response(_text(), content_type="application/json")

    return blueprint


@functools.cache
def _text() -> str:
    return json.dumps(document(OPERATIONS), ensure_ascii=False)


class _Schemas(GenerateJsonSchema):
    """Of a union's forms more than one may fit: one of them is whatever has any other type."""

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> Json:
        """As any union."""
        found = super().tagged_union_schema(schema)
        return {"anyOf": found["oneOf"]} if "oneOf" in found else found


def document(operations: Sequence[Operation]) -> Json:
    """The OpenAPI 3.1 document of some routes."""
    schemas, definitions = models_json_schema(
        sorted(set(_models(operations)), key=str),
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    paths: dict[str, Json] = {}
    for operation in operations:
        described = _operation(operation, schemas)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "council-backend",
            "version": "1",
            "description": "GGUF models with the routes of OpenAI's and Anthropic's APIs.",
        },
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
        # A server may have been started without keys.
        "security": [{}, {"bearer": []}, {"key": []}],
    }


def _models(
    operations: Iterable[Operation],
) -> Iterator[tuple[type[BaseModel], Literal["validation", "serialization"]]]:
    for operation in operations:
        if operation.body is not None:
            yield operation.body, "validation"
        for answer in (operation.answer, operation.events, *operation.others.values()):
            if isinstance(answer, type):
                yield answer, "serialization"
        yield operation.failure, "serialization"


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
        content = _json(schemas[operation.body, "validation"])
        described["requestBody"] = {"required": True, "content": content}
    if operation.path in _OPEN:
        described["security"] = []
    return described


def _parameters(operation: Operation) -> Iterator[Json]:
    text = {"type": "string"}
    for name in re.findall(r"\{(\w+)\}", operation.path):
        yield {"name": name, "in": "path", "required": True, "schema": text}
    for name, purpose in operation.headers.items():
        yield {"name": name, "in": "header", "description": purpose, "schema": text}


def _responses(operation: Operation, schemas: Schemas) -> Iterator[tuple[str, Json]]:
    yield "200", {"description": "Done.", "content": _success(operation, schemas)}
    refusal = _json(schemas[operation.failure, "serialization"])
    for status in sorted({*_ALWAYS, *operation.refusals}):
        content = refusal
        if status in operation.others:
            content = _either(schemas[operation.others[status], "serialization"], refusal)
        yield str(status), {"description": HTTPStatus(status).phrase + ".", "content": content}


def _success(operation: Operation, schemas: Schemas) -> Json:
    if isinstance(operation.answer, str):
        return {operation.answer: {}}
    content = _json(schemas[operation.answer, "serialization"])
    if operation.events is not None:
        event = schemas[operation.events, "serialization"]
        told = f"Events whose data is {_name(event)}."
        content["text/event-stream"] = {"schema": {"type": "string", "description": told}}
    return content


def _either(schema: Json, refusal: Json) -> Json:
    return _json({"anyOf": [schema, refusal["application/json"]["schema"]]})


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _name(reference: Json) -> str:
    return str(reference["$ref"]).rpartition("/")[2]
