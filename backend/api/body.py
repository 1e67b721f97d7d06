"""From the bytes of a request to a checked model, with errors that name the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from quart import request

from backend.errors import InvalidRequest
from serving.body import field_path, read_body

Body = TypeVar("Body", bound=BaseModel)

_RANGE_ERRORS = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}


async def parse_body(model: type[Body]) -> Body:
    """The body of the current request.

    Raises:
        InvalidRequest: It is no JSON object, or a field is wrong.
        Refusal: It is too large, or does not arrive.
    """
    if not (request.mimetype == "application/json" or request.mimetype.endswith("+json")):
        found = request.mimetype[:100] or "none"
        raise InvalidRequest(f"The Content-Type must be application/json, not {found}.")
    raw = await read_body(request)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        # Of a union's branches the one that got furthest tells most.
        detail = max(error.errors(), key=lambda found: len(found["loc"]))
        raise _explain(detail, model) from error


def _explain(detail: ErrorDetails, model: type[BaseModel]) -> InvalidRequest:
    if detail["type"] == "json_invalid":
        return InvalidRequest(f"The body is not valid JSON: {detail['ctx']['error']}.")
    if not detail["loc"]:
        return InvalidRequest("The body must be a JSON object.")
    param = field_path(detail["loc"])
    if detail["type"] == "missing":
        return InvalidRequest(f"{param} is missing.", param=param)
    if detail["type"] in _RANGE_ERRORS and len(detail["loc"]) == 1:
        allowed = _range(model, str(detail["loc"][0]))
        return InvalidRequest(f"{param} must be {allowed}, not {detail['input']}.", param=param)
    message = detail["msg"][:1].lower() + detail["msg"][1:]
    return InvalidRequest(f"{param}: {message}.", param=param)


def _range(model: type[BaseModel], field: str) -> str:
    """The values a field may have, in words, from the model's JSON schema."""
    schema = model.model_json_schema()["properties"][field]
    bounds: Mapping[str, Any] = next(iter(schema.get("anyOf", [])), schema)
    low, high = bounds.get("minimum"), bounds.get("maximum")
    if low is not None and high is not None:
        return f"between {low} and {high}"
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "greater than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    return " and ".join(f"{word} {bounds[key]}" for key, word in words.items() if key in bounds)
