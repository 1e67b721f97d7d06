"""What a gateway lists, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from council.errors import StreamError
from council.result import Result

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RemoteExpert:
    """A seat of a panel at a gateway; the attributes of `Expert` that anybody may know."""

    id: str
    model: str = ""
    family: str = ""
    samples: int = 1


@dataclass(frozen=True, slots=True)
class RemotePanel:
    """A panel that a gateway serves.

    Attributes:
        name: What `ask` calls it.
        description: What it is for; empty where nobody has said so.
        strategy: How it decides unless a run says otherwise.
        experts: Its seats.
        form: Whether its answers have a form of the panel's own.
    """

    name: str
    description: str = ""
    strategy: str = ""
    experts: tuple[RemoteExpert, ...] = ()
    form: bool = False


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """A run in a gateway's list.

    Attributes:
        id: The run's id.
        panel: Which panel was asked.
        question: What it was asked.
        status: `running`, or how it ended.
        created: When it began, in seconds since 1970 UTC.
        strategy: The strategy's name.
        answer: The beginning of the answer, None where there is none.
    """

    id: str
    panel: str = ""
    question: str = ""
    status: str = ""
    created: float = 0.0
    strategy: str = ""
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteRecord:
    """A run at a gateway.

    Attributes:
        id: The run's id.
        panel: Which panel was asked.
        question: What it was asked.
        status: `running`, or how it ended.
        created: When it began, in seconds since 1970 UTC.
        strategy: The strategy's name.
        events: How many events there are by now.
        result: What it came to, None while it goes on.
    """

    id: str
    panel: str = ""
    question: str = ""
    status: str = ""
    created: float = 0.0
    strategy: str = ""
    events: int = 0
    result: Result | None = None


@dataclass(frozen=True, slots=True)
class Panels:
    """The answer of a gateway that is asked for its panels."""

    panels: tuple[RemotePanel, ...]


@dataclass(frozen=True, slots=True)
class Runs:
    """The answer of a gateway that is asked for its runs."""

    runs: tuple[RemoteEntry, ...]


@dataclass(frozen=True, slots=True)
class Started:
    """The answer of a gateway that has begun a run."""

    id: str


def read_as(kind: type[T], data: bytes, endpoint: str) -> T:
    """A value of a dataclass from its JSON; fields of a newer gateway are passed over.

    Raises:
        StreamError: It is something else.
    """
    try:
        value: T = TypeAdapter[Any](kind).validate_json(data)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, wrong["loc"]))
        raise StreamError(
            f"{endpoint} does not answer as a gateway of council does"
            f" ({f'{place}: ' if place else ''}{wrong['msg']}): is that the URL of `council serve`?"
        ) from None
    return value
