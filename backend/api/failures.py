"""Every response that is no success is made here, in OpenAI's shape."""

from __future__ import annotations

import logging

from quart import Quart, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from backend.errors import ApiError, InternalError, RouteError
from backend.schema.failure import Failure, FailureBody

_log = logging.getLogger(__name__)


def register(app: Quart) -> None:
    """Lets an app answer all exceptions with error objects."""
    app.register_error_handler(ApiError, respond)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _fault)


def body(error: ApiError) -> str:
    """An error as JSON, for a response or for an event of a stream."""
    failure = Failure(message=error.message, type=error.type, param=error.param, code=error.code)
    return FailureBody(error=failure).model_dump_json()


async def respond(error: ApiError) -> Response:
    """An error as a response."""
    return Response(
        body(error), error.status, headers=error.headers, content_type="application/json"
    )


async def _http(error: HTTPException) -> Response:
    """What Quart refuses by itself: unknown routes and wrong methods, above all."""
    status = error.code or 500
    headers: dict[str, str] = {}
    message = error.description or error.name
    if status == 404:
        message = "There is no such route."
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        message = f"This route takes {headers['Allow']}."
    if status >= 500:
        return await respond(InternalError())
    return await respond(RouteError(status, message, headers))


async def _fault(error: Exception) -> Response:
    _log.error("a request failed", exc_info=error)
    return await respond(InternalError())
