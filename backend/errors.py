"""Everything that can go wrong, by who has to act.

BackendError
├─ UsageError               the command line: exit code 2
├─ StartupError             the machine (a port in use, no model that loads): exit code 1
└─ ApiError                 a request: an HTTP status and OpenAI's error object
   ├─ InvalidRequest        400  a field, named in ``param``
   │  ├─ ContextExceeded         the prompt does not fit; both counts
   │  ├─ InputTooLong            a text to embed does not fit; both counts
   │  └─ VectorsRefused          a text, or a model, of which no vector can be made
   ├─ ModelNotFound         404  lists the models there are
   ├─ SessionNotFound       404  unknown, expired, or somebody else's
   ├─ SessionBusy           409  another turn of it is under way
   ├─ ModelInUse            409  a model to unload has requests
   ├─ RouteError            4xx  no such route, wrong method
   ├─ Unserved              4xx, 5xx  no key, too much in a minute, body too large, out of time
   ├─ QueueFull             429  with Retry-After
   ├─ TooManySessions       429  with Retry-After
   ├─ ModelLoading          503  with Retry-After
   ├─ ModelFailed           503  the reason it cannot be loaded
   ├─ ModelCrashed          503  its worker process died during the request; with Retry-After
   ├─ VectorsFailed         503  a text's vector cannot be computed, for want of memory above all
   ├─ ShuttingDown          503
   └─ InternalError         500  a fault of this program; details go to the log only
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


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
        soon: Whether the same request may do in a moment: then the client is told to try again.
        headers: HTTP headers that belong to the error.
    """

    status: int = 500
    type: str = "server_error"
    code: str | None = None
    soon: bool = False

    def __init__(
        self, message: str, *, param: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Takes the message and what goes with it."""
        super().__init__(message)
        self.message = message
        self.param = param
        self.headers = {**({"Retry-After": "1"} if self.soon else {}), **(headers or {})}


class InvalidRequest(ApiError):
    """A field is missing, malformed, out of range or not supported."""

    status = 400
    type = "invalid_request_error"

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        """Takes the message, the field and a code."""
        super().__init__(message, param=param)
        self.code = code or self.code


class ContextExceeded(InvalidRequest):
    """The prompt leaves no room for an answer."""

    code = "context_length_exceeded"

    def __init__(self, prompt_tokens: int, ctx: int, *, more: bool = False) -> None:
        """Takes both counts, in tokens; ``more`` when the first one is only a part."""
        # Clients know by "prompt is too long" (Anthropic's words) and "this model's maximum context
        # length is" (OpenAI's) what went wrong, and take a larger model or shorten by themselves.
        super().__init__(
            f"The prompt is too long: it has {'more than ' * more}{prompt_tokens} tokens, but this"
            f" model's maximum context length is {ctx} tokens and the answer needs at least one of"
            " them. Shorten the messages.",
            param="messages",
        )


class InputTooLong(InvalidRequest):
    """A text to embed has more tokens than the model reads."""

    code = "context_length_exceeded"

    def __init__(self, index: int, tokens: int, limit: int) -> None:
        """Takes the text's place in the input and both counts, in tokens."""
        super().__init__(
            f"input[{index}] has {tokens} tokens, but the model reads at most {limit} of a text. "
            "Divide it.",
            param=f"input[{index}]",
        )


class VectorsRefused(InvalidRequest):
    """No vector can be made of a text, or by the model at all."""

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
    """HTTP itself: no such route, or a method it does not take."""

    type = "invalid_request_error"

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Takes the status and the headers it needs."""
        super().__init__(message, headers=headers)
        self.status = status


class Unserved(ApiError):
    """The server would not serve it, whatever it was about."""

    def __init__(
        self, message: str, status: int, type: str, code: str | None, headers: Mapping[str, str]
    ) -> None:
        """Takes what was said where it was refused."""
        super().__init__(message, headers=headers)
        self.status, self.type, self.code = status, type, code


class SessionNotFound(ApiError):
    """No session has this id, for this client."""

    status = 404
    type = "invalid_request_error"
    code = "session_not_found"

    def __init__(self, id: str) -> None:
        """Takes the unknown id."""
        super().__init__(
            f"There is no session {id[:200]!r}: it has not begun, has expired, or was deleted.",
            param="session_id",
        )


class SessionBusy(ApiError):
    """A session takes one turn after the other."""

    status = 409
    type = "invalid_request_error"
    code = "session_busy"

    def __init__(self, id: str) -> None:
        """Takes the session."""
        super().__init__(
            f"Another request of the session {id!r} is not answered yet. Wait for its end.",
            param="session_id",
        )


class ModelInUse(ApiError):
    """A model cannot be unloaded while requests wait for its answers."""

    status = 409
    type = "invalid_request_error"
    code = "model_in_use"

    def __init__(self, model: str, requests: int) -> None:
        """Takes the model and how many requests it has."""
        super().__init__(
            f"The model {model!r} is in use: requests not answered yet: {requests}. Try again when"
            " they are.",
            param="model",
        )


class TooManySessions(ApiError):
    """All sessions that are kept have a turn under way."""

    status = 429
    type = "rate_limit_error"
    code = "too_many_sessions"
    soon = True

    def __init__(self, most: int) -> None:
        """Takes how many are kept."""
        super().__init__(f"All {most} sessions of this server are in use. Try again in a moment.")


class QueueFull(ApiError):
    """Too many requests wait for this model."""

    status = 429
    type = "rate_limit_error"
    code = "queue_full"
    soon = True

    def __init__(self, model: str, waiting: int) -> None:
        """Takes the model and how many requests it has."""
        super().__init__(
            f"The model {model!r} has {waiting} requests already. Try again in a moment."
        )


class ModelLoading(ApiError):
    """The model is not there yet."""

    status = 503
    code = "model_loading"
    soon = True

    def __init__(self, model: str, what: str = "loading") -> None:
        """Takes the model and what it is doing."""
        super().__init__(f"The model {model!r} is {what}. Try again in a moment.")


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
    soon = True

    def __init__(self, model: str, reason: str) -> None:
        """Takes the model and how its process ended."""
        super().__init__(
            f"The model {model!r} stopped during this request: {reason}. It is started again."
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
