"""Everything that can go wrong, by who has to act.

BackendError
├─ UsageError               the command line: exit code 2
├─ StartupError             the machine (a port in use, no model that loads): exit code 1
└─ ApiError                 a request: an HTTP status and OpenAI's error object
   ├─ InvalidRequest        400  a field, named in ``param``
   ├─ ContextExceeded       400  the prompt does not fit; both counts
   ├─ InputTooLong          400  a text to embed does not fit; both counts
   ├─ VectorsRefused        400  a text, or a model, of which no vector can be made
   ├─ ModelNotFound         404  lists the models there are
   ├─ RouteError            4xx  no such route, wrong method, body too large
   ├─ QueueFull             429  with Retry-After
   ├─ ModelLoading          503  with Retry-After
   ├─ ModelFailed           503  the reason it cannot be loaded
   ├─ ModelCrashed          503  its worker process died during the request
   ├─ VectorsFailed         503  a text's vector cannot be computed, for want of memory above all
   ├─ ShuttingDown          503
   └─ InternalError         500  a fault of this program; details go to the log only
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar


class BackendError(Exception):
    """Base of all errors; the text is for a person."""


class UsageError(BackendError):
    """The command line asks for something impossible; the text names the option and the way out."""


class StartupError(BackendError):
    """The server cannot run here and now."""


class ApiError(BackendError):
    """A request that ends with an error object.

    Attributes:
        status: HTTP status.
        type: OpenAI's class of error.
        code: What happened, for programs; None where OpenAI has none.
        param: The field of the request at fault.
        headers: HTTP headers that belong to the error.
    """

    status: int = 500
    type: ClassVar[str] = "server_error"
    code: str | None = None

    def __init__(
        self, message: str, *, param: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Takes the message and what goes with it."""
        super().__init__(message)
        self.message = message
        self.param = param
        self.headers = dict(headers or {})


class InvalidRequest(ApiError):
    """A field is missing, malformed, out of range or not supported."""

    status = 400
    type = "invalid_request_error"

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        """Takes the message, the field and a code."""
        super().__init__(message, param=param)
        self.code = code


class ContextExceeded(ApiError):
    """The prompt leaves no room for an answer."""

    status = 400
    type = "invalid_request_error"
    code = "context_length_exceeded"

    def __init__(self, prompt_tokens: int, ctx: int, *, more: bool = False) -> None:
        """Takes both counts, in tokens; ``more`` when the first one is only a part."""
        super().__init__(
            f"The prompt has {'more than ' * more}{prompt_tokens} tokens, but the model's context "
            f"is {ctx} tokens and the answer needs at least one of them. Shorten the messages.",
            param="messages",
        )


class InputTooLong(ApiError):
    """A text to embed has more tokens than the model reads."""

    status = 400
    type = "invalid_request_error"
    code = "context_length_exceeded"

    def __init__(self, index: int, tokens: int, limit: int) -> None:
        """Takes the text's place in the input and both counts, in tokens."""
        super().__init__(
            f"input[{index}] has {tokens} tokens, but the model reads at most {limit} of a text. "
            "Divide it.",
            param=f"input[{index}]",
        )


class VectorsRefused(ApiError):
    """No vector can be made of a text, or by the model at all."""

    status = 400
    type = "invalid_request_error"

    def __init__(self, model: str, reason: str, index: int | None) -> None:
        """Takes the model, the reason, and the text at fault unless it is the model."""
        what = f"The model {model!r} made no vectors" if index is None else f"input[{index}]"
        super().__init__(f"{what}: {reason}.", param="model" if index is None else what)


class ModelNotFound(ApiError):
    """No model has this id."""

    status = 404
    type = "invalid_request_error"
    code = "model_not_found"

    def __init__(self, name: str, there_are: Iterable[str]) -> None:
        """Takes the unknown name and the known ones."""
        known = ", ".join(repr(known) for known in there_are)
        super().__init__(f"There is no model {name[:200]!r}. There are: {known}.", param="model")


class RouteError(ApiError):
    """HTTP itself: no such route, a method it does not take, a body that is too large."""

    type = "invalid_request_error"

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Takes the status and the headers it needs."""
        super().__init__(message, headers=headers)
        self.status = status


class QueueFull(ApiError):
    """Too many requests wait for this model."""

    status = 429
    type = "rate_limit_error"
    code = "queue_full"

    def __init__(self, model: str, waiting: int) -> None:
        """Takes the model and how many requests it has."""
        super().__init__(
            f"The model {model!r} has {waiting} requests already. Try again in a moment.",
            headers={"Retry-After": "1"},
        )


class ModelLoading(ApiError):
    """The model is not there yet."""

    status = 503
    code = "model_loading"

    def __init__(self, model: str, what: str = "loading") -> None:
        """Takes the model and what it is doing."""
        super().__init__(
            f"The model {model!r} is {what}. Try again in a moment.",
            headers={"Retry-After": "1"},
        )


class ModelFailed(ApiError):
    """The model cannot be loaded."""

    status = 503
    code = "model_failed"

    def __init__(self, model: str, reason: str) -> None:
        """Takes the model and the reason."""
        super().__init__(f"The model {model!r} is not available: {reason}.")


class ModelCrashed(ApiError):
    """The model's worker process ended while it served the request."""

    status = 503
    code = "model_crashed"

    def __init__(self, model: str, reason: str) -> None:
        """Takes the model and how its process ended."""
        super().__init__(
            f"The model {model!r} stopped during this request: {reason}. It is started again.",
            headers={"Retry-After": "1"},
        )


class VectorsFailed(ApiError):
    """The engine could not compute vectors."""

    status = 503
    code = "vectors_failed"

    def __init__(self, model: str, reason: str) -> None:
        """Takes the model and what the engine said."""
        super().__init__(f"The model {model!r} made no vectors: {reason}.")


class ShuttingDown(ApiError):
    """The server is being stopped."""

    status = 503
    code = "shutting_down"

    def __init__(self) -> None:
        """Takes nothing: there is one reason."""
        super().__init__("The server is shutting down.")


class InternalError(ApiError):
    """A fault of this program."""

    code = "internal_error"

    def __init__(
        self, message: str = "The server made a mistake; its log has the details."
    ) -> None:
        """Takes a message that reveals nothing."""
        super().__init__(message)
