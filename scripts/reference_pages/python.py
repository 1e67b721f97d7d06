"""docs/reference/python.md: the public names with signatures and docstrings."""

from __future__ import annotations

import inspect
import re
import typing
from typing import Any

import council
from scripts.reference_pages.docstrings import Doc, attributes, doc_of, paragraphs, table

_INTRO = """# Python

What `import council` offers. A name is loaded when it is first used.
"""
# What dataclasses, pydantic and exceptions bring along is theirs to describe.
_OWN = "council"


def page() -> str:
    """The page."""
    return "\n\n".join([_INTRO.strip(), *(_section(name) for name in council.__all__)])


def _section(name: str) -> str:
    thing = getattr(council, name)
    if inspect.isclass(thing):
        return _class(name, thing)
    if inspect.isroutine(thing):
        return "\n\n".join([f"## {name}", _code(_signature(name, thing)), *_said(doc_of(thing))])
    return f"## {name}\n\n{_constant(name, thing)}"


def _constant(name: str, thing: Any) -> str:
    if isinstance(thing, dict):
        return f"A mapping of {', '.join(f'`{key}`' for key in thing)}."
    members = ", ".join(f"`{kind.__name__}`" for kind in typing.get_args(thing))
    return f"One of {members}; see [events.md](events.md)."


def _class(name: str, kind: type) -> str:
    bases = ", ".join(base.__name__ for base in kind.__bases__ if base.__module__.startswith(_OWN))
    head = f"class {name}({bases})" if bases else f"class {name}"
    made = _made(name, kind)
    said = doc_of(kind)
    said.entries = {"Attributes": attributes(kind)} | {
        section: entries for section, entries in said.entries.items() if section != "Attributes"
    }
    parts = [f"## {name}", _code("\n".join(filter(None, [head, made]))), *_said(said)]
    return "\n\n".join([*parts, *_methods(name, kind)])


def _made(name: str, kind: type) -> str:
    """How an instance is made; empty where nobody but council makes one."""
    own = "__init__" in vars(kind) or hasattr(kind, "__dataclass_fields__")
    return _signature(name, kind) if own and not getattr(kind, "_is_protocol", False) else ""


def _methods(name: str, kind: type) -> list[str]:
    found = []
    for member, value in vars(kind).items():
        if member.startswith("_") or not _is_shown(value):
            continue
        inner = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        title = f"### {name}.{member}"
        call = f"{name}.{member}" if isinstance(value, property) else _signature(member, inner)
        found.append("\n\n".join([title, _code(call), *_said(doc_of(inner))]))
    return found


def _is_shown(value: object) -> bool:
    routine = inspect.isroutine(value) or isinstance(value, property | classmethod | staticmethod)
    return routine and bool(getattr(value, "__doc__", None))


def _signature(name: str, thing: Any) -> str:
    inner = inspect.unwrap(thing)
    prefix = "async " if inspect.iscoroutinefunction(inner) else ""
    text = f"{prefix}{name}{inspect.signature(inner)}"
    if inner is not thing and inspect.isasyncgenfunction(inner):
        # A context manager, whose annotation is that of the generator it was made from.
        text = re.sub(r"-> '?AsyncGenerator\[(.*), None\]'?$", r"-> \1", f"async with {text}")
    # Annotations are texts, which are shown with quotes.
    text = re.sub(r"'((?:[^'\\]|\\.)*)'", _unquoted, text)
    text = text.replace("(self, ", "(").replace("(self)", "()").replace("(cls, ", "(")
    text = re.sub(r" at 0x[0-9a-f]+", "", text).replace(" -> None", "")
    return text if len(text) <= 100 else _broken(text)


def _unquoted(match: re.Match[str]) -> str:
    # A default that is a text keeps its quotes: what follows `= ` is no annotation.
    before = match.string[: match.start()]
    return match[0] if before.endswith(("= ", "=")) else match[1]


def _broken(text: str) -> str:
    """A long signature with a line for each parameter."""
    opened = text.index("(")
    closed = text.rindex(")")
    parts, depth, start = [], 0, opened + 1
    for at in range(opened + 1, closed):
        depth += (text[at] in "([{<") - (text[at] in ")]}>" and text[at - 1 : at + 1] != "->")
        if text[at] == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    parts.append(text[start:closed].strip())
    inside = "".join(f"    {part},\n" for part in parts)
    return f"{text[: opened + 1]}\n{inside}{text[closed:]}"


def _said(doc: Doc) -> list[str]:
    parts = [paragraphs(doc.text)] if doc.text else []
    for section, entries in doc.entries.items():
        title = {"Args": "argument", "Attributes": "attribute", "Raises": "raises"}[section]
        parts.append(table((title, ""), [(f"`{name}`", said) for name, said in entries.items()]))
    for section, text in doc.prose.items():
        shown = _code(text) if section.startswith("Example") else f"{section}: {text}"
        parts.append(shown)
    return [part for part in parts if part]


def _code(text: str) -> str:
    return f"```text\n{text}\n```"
