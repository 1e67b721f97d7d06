"""From the bytes of a request to a checked model, with errors that name the field."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from quart import request

from council.config.hints import models_in, nearest
from council.gateway.errors import InvalidRequest
from serving.body import field_path, read_body

Body = TypeVar("Body", bound=BaseModel)

_LONGEST_NAME = 64  # characters


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
        raise _explain(model, max(error.errors(), key=lambda found: len(found["loc"]))) from error


def _explain(model: type[BaseModel], detail: ErrorDetails) -> InvalidRequest:
    if detail["type"] == "json_invalid":
        return InvalidRequest(f"The body is not valid JSON: {detail['ctx']['error']}.")
    if not detail["loc"]:
        return InvalidRequest("The body must be a JSON object.")
    if detail["type"] == "extra_forbidden":
        return _unknown(model, detail["loc"])
    param = field_path(detail["loc"])
    if detail["type"] == "missing":
        return InvalidRequest(f"{param} is missing.", param=param)
    message = detail["msg"][:1].lower() + detail["msg"][1:]
    return InvalidRequest(f"{param}: {message}.", param=param)


def _unknown(model: type[BaseModel], loc: tuple[int | str, ...]) -> InvalidRequest:
    """The error of a field that there is not, with the nearest one that there is."""
    for step in loc[:-1]:
        field = model.model_fields.get(str(step))
        model = next(models_in(field.annotation), model) if field else model
    known = [field.alias or name for name, field in model.model_fields.items()]
    name = str(loc[-1])[:_LONGEST_NAME]
    path = ".".join(filter(None, (field_path(loc[:-1]), name)))
    return InvalidRequest(f"{path}: there is no such field{nearest(name, known)}", param=path)
