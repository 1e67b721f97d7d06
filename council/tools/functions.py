"""From Python functions to tools: what a signature and a docstring say."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind

from council.errors import ConfigError
from council.tools.tool import Tool

ToolSource = Callable[..., object] | Tool
"""A plain or async function, annotated, or a tool made by hand."""

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_WAY_OUT = "or describe it with council.Tool(name, description, parameters, run)"


def to_tools(sources: Sequence[ToolSource]) -> tuple[Tool, ...]:
    """The tools behind functions.

    Raises:
        ConfigError: A function's parameters cannot be told to a model, or two have the same name.
    """
    tools = tuple(source if isinstance(source, Tool) else tool_of(source) for source in sources)
    names = [tool.name for tool in tools]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two tools are called {name!r}: names have to differ")
    return tools


def tool_of(function: Callable[..., object]) -> Tool:
    """The tool that a function is, by its name, docstring and parameters; errors as `to_tools`."""
    if not callable(function):
        raise ConfigError(f"tools: expected a function or a council.Tool, got {function!r}")
    name = getattr(function, "__name__", type(function).__name__)
    model = _model(name, _signature(name, function))
    try:
        schema = model.model_json_schema(schema_generator=_Schema)
    except PydanticUserError as error:
        raise _not_json(name, error) from None
    schema.pop("title", None)
    return Tool(name, inspect.getdoc(function) or "", schema, _by_names(function), model)


def is_async(function: Callable[..., object]) -> bool:
    """Whether calling it gives something to await."""
    called = getattr(type(function), "__call__", None)  # noqa: B004 - an object with such a method
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


class _Schema(GenerateJsonSchema):
    """Without titles, which repeat the names, and without a warning for an odd default."""

    ignored_warning_kinds: set[JsonSchemaWarningKind] = {  # noqa: RUF012 - pydantic reads it so
        *("skipped-choice", "non-serializable-default"),
    }

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False


def _signature(name: str, function: Callable[..., object]) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except (TypeError, ValueError, NameError) as error:
        raise ConfigError(f"tool {name!r}: its signature cannot be read ({error})") from None


def _model(name: str, signature: inspect.Signature) -> type[BaseModel]:
    """A model with a field for each parameter.

    Fields are called p0, p1, …, and have the parameters' names as aliases: a parameter may be
    called what a model's attribute is called (`json`, `copy`).
    """
    fields: dict[str, Any] = {}
    for number, parameter in enumerate(signature.parameters.values()):
        where = f"tool {name!r}: parameter {parameter.name!r}"
        if parameter.kind not in _BY_NAME:
            raise ConfigError(f"{where} cannot be given by name: name each one, {_WAY_OUT}")
        if parameter.annotation is parameter.empty:
            raise ConfigError(f"{where} has no annotation: say what it is (int, str …), {_WAY_OUT}")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[f"p{number}"] = (parameter.annotation, Field(default, alias=parameter.name))
    try:
        model: type[BaseModel] = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    except PydanticUserError as error:
        raise _not_json(name, error) from None
    return model


def _not_json(name: str, error: PydanticUserError) -> ConfigError:
    said = str(error).splitlines()[0]
    return ConfigError(f"tool {name!r}: a parameter cannot be given as JSON ({said}): {_WAY_OUT}")


def _by_names(function: Callable[..., object]) -> Callable[[dict[str, Any]], object]:
    """The function as a tool calls it: with one mapping."""
    if is_async(function):

        async def awaited(arguments: dict[str, Any]) -> object:
            result: Any = function(**arguments)
            return await result

        return awaited
    return lambda arguments: function(**arguments)
