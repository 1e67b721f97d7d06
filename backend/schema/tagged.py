"""Objects told apart by their ``type``, where clients know more types than the server can use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

FunctionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,128}$")]
OTHER = "other-object"
"""The tag of objects of all other types; the hyphen keeps tags out of the paths of errors."""


def by_type(tags: Mapping[str | None, str]) -> Callable[[Any], str]:
    """A discriminator for a union whose tags these are by type, None for an object without one."""

    def tag(value: Any) -> str:
        found = value.get("type") if isinstance(value, dict) else getattr(value, "type", OTHER)
        known = found is None or isinstance(found, str)
        return tags.get(found, OTHER) if known else OTHER

    return tag


class Unsupported(BaseModel):
    """An object of any other type, which is refused."""

    because: ClassVar[str] = "whose models read and write text only"
    type: str

    @model_validator(mode="after")
    def _refuse(self) -> Self:
        raise PydanticCustomError(
            "unsupported",
            "type {type} is not supported by this server, {because}",
            {"type": repr(self.type[:60]), "because": self.because},
        )


class UnsupportedTool(Unsupported):
    """A tool that a server would have to run itself."""

    because: ClassVar[str] = "which has no tools of its own: functions run at the client"
