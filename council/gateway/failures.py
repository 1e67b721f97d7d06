"""Every response that is no success is made here, in the shape of its route's dialect."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from quart import Quart, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from council import errors
from council.gateway.errors import (
    ApiError,
    InternalError,
    InvalidRequest,
    RouteError,
    RunFailed,
    Unserved,
)
from council.gateway.schema import Failure, FailureBody
from serving.errors import Refusal
from serving.exchange import request_id

if TYPE_CHECKING:
    from council.replies import Failure as RunFailure

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
_BY_KIND = {
    errors.ConfigError.kind: (400, "config"),
    errors.QuorumLost.kind: (502, "quorum_lost"),
    errors.LimitExceeded.kind: (504, "limit_hit"),
    errors.StrategyError.kind: (502, "strategy_failed"),
    errors.StoreError.kind: (503, "store_failed"),
    "interrupted": (503, "interrupted"),
}
_OTHER = (502, "run_failed")
_log = logging.getLogger(__name__)


def register(app: Quart) -> None:
    """Lets an app answer all exceptions with error objects."""
    app.register_error_handler(ApiError, respond)
    app.register_error_handler(errors.CouncilError, _council)
    app.register_error_handler(Refusal, _refusal)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _fault)


def of_failure(failure: RunFailure) -> ApiError:
    """The error of a run without an answer, for a response or for an event of a stream."""
    status, code = _BY_KIND.get(failure.kind, _OTHER)
    if failure.kind == errors.ConfigError.kind:
        return InvalidRequest(failure.message)
    return RunFailed(status, code, failure.message)


def of_error(error: errors.CouncilError) -> ApiError:
    """As `of_failure`, for an exception."""
    status, code = _BY_KIND.get(error.kind, _OTHER)
    if isinstance(error, errors.ConfigError):
        return InvalidRequest(str(error))
    return RunFailed(status, code, str(error))


def of_refusal(refusal: Refusal) -> ApiError:
    """The error of what `serving` refused, for a response or for an event of a stream."""
    said = (refusal.message, refusal.status, refusal.type, refusal.code)
    return Unserved(*said, refusal.headers)


def body(error: ApiError) -> str:
    """An error as OpenAI's JSON, for a response or for an event of a stream."""
    failure = Failure(message=error.message, type=error.type, param=error.param, code=error.code)
    return FailureBody(error=failure).model_dump_json()


def message_body(error: ApiError, request_id: str) -> str:
    """An error as Anthropic's JSON, for a response or for an event of a stream."""
    other = "api_error" if error.status >= 500 else "invalid_request_error"
    type = _MESSAGE_TYPES.get(error.status, other)
    told = {"type": type, "message": error.message}
    return json.dumps({"type": "error", "error": told, "request_id": request_id})


async def respond(error: ApiError) -> Response:
    """An error as a response to the current request."""
    headers = dict(error.headers)
    if f"{request.path}/".startswith(_MESSAGES):
        headers["request-id"] = request_id()
        text = message_body(error, headers["request-id"])
    else:
        text = body(error)
    return Response(text, error.status, headers=headers, content_type="application/json")


async def _council(error: errors.CouncilError) -> Response:
    return await respond(of_error(error))


async def _refusal(error: Refusal) -> Response:
    return await respond(of_refusal(error))


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
