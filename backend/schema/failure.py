"""OpenAI's error object."""

from __future__ import annotations

from pydantic import BaseModel


class Failure(BaseModel):
    """What went wrong: for people, by class, by field and for programs."""

    message: str
    type: str
    param: str | None
    code: str | None


class FailureBody(BaseModel):
    """The body of every response that is no success."""

    error: Failure
