"""docs/reference/events.md: every event of a run, and the values they hold."""

from __future__ import annotations

import dataclasses
import re
import typing
from types import UnionType
from typing import Any

from council import events, messages, prices, replies, result
from scripts.reference_pages.docstrings import attributes, doc_of, paragraphs, table

_INTRO = """# Events

A run is a stream of events, in order, from `run.started` to `run.finished`: objects when a
`council.Run` is iterated, lines of JSON with `council run --events`, server-sent events from a
gateway. All surfaces and the record have the same ones.

`type` tells them apart. `at` is in seconds since the run started; `expert` and `sample` name
who an event is about; `stage` is what is asked for: `answer`, `review`, `judge`, `round-1` and
so on, `synthesis` or `repair`. New events and fields may come with a new version, so pass over
what you do not know.
"""
_MODULES = (events, messages, prices, replies, result)
_EVERYWHERE = {
    "type": "What happened.",
    "at": "Seconds since the run started.",
    "expert": "Whose it is.",
    "sample": "Which of its samples, from 0.",
    "stage": "What is asked for.",
}


def page() -> str:
    """The page."""
    kinds = typing.get_args(events.Event)
    overview = [
        (f"[`{_type(k)}`](#{_anchor(_type(k))})", doc_of(k).text.split("\n")[0]) for k in kinds
    ]
    parts = [_INTRO.strip(), table(("event", ""), overview)]
    parts += [_section(kind, _type(kind)) for kind in kinds]
    parts.append("## Values\n\nWhat the fields of events hold.")
    parts += [_section(kind, kind.__name__, level=3) for kind in _values(kinds)]
    return "\n\n".join(parts)


def _type(kind: type) -> str:
    return str(typing.get_args(fields(kind)["type"])[0])


def _anchor(title: str) -> str:
    return re.sub(r"[^\w-]", "", title.lower())


def _section(kind: Any, title: str, level: int = 2) -> str:
    told = _EVERYWHERE | attributes(kind) if "type" in fields(kind) else attributes(kind)
    rows = [
        (f"`{name}`", f"`{type_name(hint)}`", told.get(name, ""))
        for name, hint in fields(kind).items()
    ]
    head = "#" * level
    return (
        f"{head} {title}\n\n{paragraphs(doc_of(kind).text)}\n\n{table(('field', 'type', ''), rows)}"
    )


def fields(kind: Any) -> dict[str, Any]:
    """The fields of a dataclass with their types."""
    hints = typing.get_type_hints(kind)
    return {each.name: hints[each.name] for each in dataclasses.fields(kind)}


def type_name(hint: Any) -> str:
    """A type as it is written, without modules."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return " | ".join(map(repr, arguments)).replace("'", '"')
    if origin in (typing.Union, UnionType):
        return " | ".join(map(type_name, arguments))
    if hint is type(None):
        return "None"
    if hint is Ellipsis:
        return "…"
    if origin is None:
        return str(getattr(hint, "__name__", hint))
    return f"{origin.__name__}[{', '.join(map(type_name, arguments))}]"


def _values(kinds: Any) -> list[type]:
    """The dataclasses that fields hold, and those that these hold, in the order first met."""
    found: dict[type, None] = {}
    ahead = list(kinds)
    while ahead:
        for hint in fields(ahead.pop(0)).values():
            for kind in _inside(hint):
                if kind not in found and kind.__module__ in {m.__name__ for m in _MODULES}:
                    found[kind] = None
                    ahead.append(kind)
    return list(found)


def _inside(hint: Any) -> list[type]:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return [hint]
    return [kind for argument in typing.get_args(hint) for kind in _inside(argument)]
