"""Every response that is no success is made here, in the shape of its route's dialect."""

from __future__ import annotations

import logging

from quart import Quart, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from backend.errors import ApiError, InternalError, RouteError, Unserved
from backend.schema.failure import Failure, FailureBody
from backend.schema.messages import MessageFailure, MessageFailureBody
from serving.errors import Refusal
from serving.exchange import request_id

_MESSAGES = "/v1/messages/"
"""Where Anthropic's routes are."""
_MESSAGE_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_log = logging.getLogger(__name__)
__all__ = ["body", "message_body", "register", "request_id", "respond", "unserved"]


def register(app: Quart) -> None:
    """Lets an app answer all exceptions with error objects."""
    app.register_error_handler(ApiError, respond)
    app.register_error_handler(Refusal, _refusal)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _fault)


def body(error: ApiError) -> str:
    """An error as OpenAI's JSON, for a response or for an event of a stream."""
    failure = Failure(message=error.message, type=error.type, param=error.param, code=error.code)
    return FailureBody(error=failure).model_dump_json()


def message_body(error: ApiError, request_id: str) -> str:
    """An error as Anthropic's JSON, for a response or for an event of a stream."""
    other = "api_error" if error.status >= 500 else "invalid_request_error"
    type = _MESSAGE_TYPES.get(error.status, other)
    failure = MessageFailure(type=type, message=error.message)
    return MessageFailureBody(error=failure, request_id=request_id).model_dump_json()


async def respond(error: ApiError) -> Response:
    """An error as a response to the current request."""
    headers = dict(error.headers)
    if f"{request.path}/".startswith(_MESSAGES):
        headers["request-id"] = request_id()
        text = message_body(error, headers["request-id"])
    else:
        text = body(error)
    return Response(text, error.status, headers=headers, content_type="application/json")


def unserved(refusal: Refusal) -> Unserved:
    """What was refused before a route saw it, as any other error."""
    said = (refusal.message, refusal.status, refusal.type, refusal.code)
    return Unserved(*said, refusal.headers)


async def _refusal(error: Refusal) -> Response:
    return await respond(unserved(error))


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
