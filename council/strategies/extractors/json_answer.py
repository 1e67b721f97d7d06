"""The extractor `json`: the JSON value that an answer ends in, or one field of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from council.strategies.extractors.base import LONGEST, Closed
from council.strategies.extractors.json_schema import check_schema, fits
from council.strategies.extractors.json_text import NOTHING, at, canonical, last_json


class JsonExtractor(Closed):
    """The last JSON object or array of an answer, compared as a value and not as text.

    Attributes:
        shape: In panel files `schema`: a JSON schema that the value has to fit, or it is no
            position.
        field: What to compare instead of the whole value: keys and places, `a.b` or `items.0`.
    """

    kind: Literal["json"] = "json"

    shape: dict[str, Any] | None = Field(None, alias="schema")
    field: str | None = Field(None, pattern=r"^[^.]+(\.[^.]+)*$")

    @field_validator("shape")
    @classmethod
    def _usable(cls, shape: dict[str, Any] | None) -> dict[str, Any] | None:
        if shape is not None:
            check_schema(shape)
        return shape

    def read(self, text: str, question: str) -> str | None:
        """The value's normal form; None where there is none, it does not fit or has no field."""
        del question
        value = last_json(text) if len(text) <= LONGEST else NOTHING
        if value is NOTHING or (self.shape is not None and not fits(value, self.shape)):
            return None
        if self.field is not None:
            value = at(value, self.field)
        try:
            return None if value is NOTHING else canonical(value)
        except RecursionError:
            return None
