"""A tool as an expert is told of it, and how its arguments are read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from council.errors import ConfigError
from council.messages import Json
from council.strategies.extractors.json_schema import check_schema, faults

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_FAULTS = 5


class BadArguments(ValueError):
    """What a model gave as arguments cannot be used; the message is for the model."""


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that an expert may have called before it answers.

    Functions become tools by themselves; this is for what has no signature to go by.

    Attributes:
        name: What experts call it: up to 64 letters, digits, `_` and `-`.
        description: What it does and when to use it, in words for a model.
        parameters: The JSON schema of its arguments, which are an object.
        run: Called with the arguments. A plain function runs in a thread, an async one is awaited;
            text is given as it is, and anything else as JSON.
        model: What reads arguments instead of the schema; its fields' aliases are their names.

    Raises:
        ConfigError: The name or the schema cannot be used.

    Example:
        >>> places = {"type": "object", "properties": {"city": {"type": "string"}}}
        >>> weather = Tool("weather", "The weather in a city.", places, lambda given: "rain")
    """

    name: str
    description: str
    parameters: Json
    run: Callable[[dict[str, Any]], object]
    model: type[BaseModel] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"tool {self.name!r}: a name has up to 64 letters, digits, `_` and `-`:"
                " give it one with council.Tool(name, …)"
            )
        if self.model is not None:
            return
        if self.parameters.get("type") != "object":
            raise ConfigError(f"tool {self.name!r}: its parameters have to be of type 'object'")
        try:
            check_schema(self.parameters)
        except ValueError as error:
            raise ConfigError(f"tool {self.name!r}: {error}") from None

    @property
    def described(self) -> Json:
        """The tool as the chat API describes it."""
        about = {"description": self.description} if self.description else {}
        function = {"name": self.name, **about, "parameters": dict(self.parameters)}
        return {"type": "function", "function": function}

    def arguments(self, text: str) -> dict[str, Any]:
        """The arguments in the JSON text of a call; no text means none.

        Raises:
            BadArguments: It is no JSON object, or does not fit.
        """
        text = text if text.strip() else "{}"
        if self.model is not None:
            return _read_by(self.model, text)
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadArguments(f"no JSON: {error}") from None
        found = faults(value, self.parameters)
        if found:
            raise BadArguments("; ".join(found[:_MOST_FAULTS]))
        arguments: dict[str, Any] = value
        return arguments


def _read_by(model: type[BaseModel], text: str) -> dict[str, Any]:
    try:
        read = model.model_validate_json(text)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)[:_MOST_FAULTS]
        raise BadArguments("; ".join(map(_fault, details))) from None
    # By attribute: dumping would make dictionaries of the models that a function asks for.
    return {info.alias or key: getattr(read, key) for key, info in model.model_fields.items()}


def _fault(details: Mapping[str, Any]) -> str:
    place = ".".join(map(str, details["loc"]))
    return f"{place}: {details['msg']}" if place else str(details["msg"])
