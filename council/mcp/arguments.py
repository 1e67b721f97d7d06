"""What each tool is called with, and how a wrong call is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import ErrorDetails

from council.config.wording import complaint
from council.errors import ConfigError

A = TypeVar("A", bound="Arguments")

LAST = "last"

# Within the union: a schema's own words for a bound belong to the number.
_Above0 = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_From1 = Annotated[int, Field(ge=1)]


class Arguments(BaseModel):
    """The arguments of one call; unknown ones are refused, so that a typo is no silent default."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @classmethod
    def schema_for(cls, **choices: Sequence[str]) -> dict[str, Any]:
        """The JSON schema that clients are shown.

        Args:
            choices: By an argument's name, the values that it may have.
        """
        schema = cls.model_json_schema()
        properties: dict[str, dict[str, Any]] = schema.setdefault("properties", {})
        for name, described in properties.items():
            described.pop("title", None)
            if described.get("default", ...) is None:
                del described["default"]
            if name in choices:
                described["enum"] = list(choices[name])
        return {name: value for name, value in schema.items() if name not in _FOR_PYTHON}


class AskArguments(Arguments):
    """What `ask_panel` is called with."""

    question: Annotated[
        str,
        Field(
            min_length=1,
            description="The question, with all that is needed to answer it: the experts see"
            " nothing else of this conversation.",
        ),
    ]
    panel: Annotated[
        str | SkipJsonSchema[None], Field(description="Which panel to ask; see list_panels.")
    ] = None
    strategy: Annotated[
        str | SkipJsonSchema[None],
        Field(
            description="How the answer comes about, instead of the panel's own way: vote counts"
            " positions, judge and rank compare answers, synthesize writes one from all, debate"
            " lets the experts read each other first."
        ),
    ] = None
    deadline: Annotated[
        _Above0 | SkipJsonSchema[None], Field(description="Seconds that the run may take.")
    ] = None
    max_total_tokens: Annotated[
        _From1 | SkipJsonSchema[None],
        Field(description="How many tokens the run may use, prompts and replies together."),
    ] = None
    max_cost: Annotated[
        _Above0 | SkipJsonSchema[None],
        Field(description="How many US dollars the run may cost."),
    ] = None
    seed: Annotated[
        int, Field(ge=0, lt=1 << 63, description="Draws the strategy's lots: orders and labels.")
    ] = 0


class ExplainArguments(Arguments):
    """What `explain_run` is called with."""

    run_id: Annotated[
        str,
        Field(
            min_length=1,
            description="The run's id, as ask_panel gave it, or the beginning of it; last for the"
            " newest run.",
        ),
    ] = LAST
    longest: Annotated[
        int,
        Field(ge=0, description="Characters shown of each reply at most; 0 for all of them."),
    ] = 1500


class ListArguments(Arguments):
    """What `list_panels` is called with: nothing."""


_FOR_PYTHON = ("title", "description")


def read(kind: type[A], tool: str, given: Mapping[str, Any] | None) -> A:
    """The arguments of a call.

    Args:
        kind: The tool's.
        tool: The tool's name.
        given: What the client sent.

    Raises:
        ConfigError: They cannot be used; it says which one, and what was expected.
    """
    try:
        return kind.model_validate(dict(given or {}))
    except ValidationError as error:
        known = ", ".join(kind.model_fields) or "none"
        wrong = "; ".join(map(_wrong, _by_name(error.errors(include_url=False))))
        raise ConfigError(f"{tool}: {wrong} (its arguments: {known})") from None


def _by_name(found: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """One complaint for each argument: that it may be left out is no news to who has given it."""
    told = [detail for detail in found if detail["type"] != "none_required"]
    return list({detail["loc"][0]: detail for detail in reversed(told)}.values())[::-1]


def _wrong(found: ErrorDetails) -> str:
    name = str(found["loc"][0])
    if found["type"] == "missing":
        return f"{name} is missing"
    if found["type"] == "extra_forbidden":
        return f"{name[:64]!r} is no argument of it"
    return f"{name}: {complaint([found])}"
