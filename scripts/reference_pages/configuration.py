"""docs/reference/configuration.md: every key of a panel file."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from pydantic import BaseModel

from council.config import schema
from council.config.backend import BackendConfig
from council.strategies import STRATEGIES
from council.strategies.extractors import EXTRACTORS
from council.strategies.extractors.base import Extractor
from scripts.reference_pages.docstrings import attributes, doc_of, paragraphs, table

_INTRO = """# Panel files

Every key, with its type and what holds where it is left out. `council config schema` prints the
same as a JSON schema for editors, and `council config check FILE` checks a file. Durations are
seconds, or a text such as `30s`, `2m`, `500ms`. Paths are relative to the file. `${NAME}`
stands for a variable of the environment. Unknown keys are mistakes.
"""
_SECTIONS: dict[str, type[BaseModel]] = {
    "The file": schema.PanelConfig,
    "experts": schema.ExpertConfig,
    "synthesizer": schema.SynthesizerConfig,
    "embedder": schema.EmbedderConfig,
    "sampling": schema.SamplingConfig,
    "timeouts": schema.TimeoutsConfig,
    "rate": schema.RateConfig,
    "price": schema.PriceConfig,
    "price of an embedder": schema.EmbeddingPriceConfig,
    "limits": schema.LimitsConfig,
    "backend": BackendConfig,
}
_TITLES = {kind.__name__: title for title, kind in _SECTIONS.items()}
_DURATION = ["number", "string"]
_PLAIN = {"object": "mapping", "array": "list", "null": "null"}


def page() -> str:
    """The page."""
    parts = [_INTRO.strip(), *map(_of_file, _SECTIONS)]
    parts.append(
        "## strategy\n\nA name, or a mapping of `name` and options. Each strategy has its own; what"
        " it does is told [on its page](../strategies/)."
    )
    parts += [_section(name, kind, level=3) for name, kind in STRATEGIES.items()]
    parts.append(
        "## extract\n\nHow a position is read from an answer (an option of `vote` and `debate`): a"
        " name, or a mapping of `kind` and options."
    )
    told = attributes(Extractor)["confidence"]
    parts.append(
        table(("key", "type", "default", ""), [("`confidence`", "boolean", "`false`", told)])
    )
    common = ("kind", "confidence")
    parts += [_section(name, kind, 3, common) for name, kind in EXTRACTORS.items()]
    return "\n\n".join(parts)


def _of_file(title: str) -> str:
    """A part of the file, without what it has in common with an expert."""
    kind = _SECTIONS[title]
    if kind not in (schema.SynthesizerConfig, schema.EmbedderConfig):
        return _section(title, kind)
    shared = [key for key in kind.model_fields if key in schema.ExpertConfig.model_fields]
    own = {"price"} if kind is schema.EmbedderConfig else set()
    shared = [key for key in shared if key not in own]
    listed = ", ".join(f"`{key}`" for key in shared)
    return f"{_section(title, kind, told_before=shared)}\n\nAs for `experts`: {listed}."


def _section(
    title: str, kind: type[BaseModel], level: int = 2, told_before: Collection[str] = ()
) -> str:
    described = kind.model_json_schema()
    told, required = attributes(kind), described.get("required", [])
    rows = [
        (
            f"`{name}`",
            _type(field, described.get("$defs", {})),
            "required" if name in required else _default(field),
            told.get(_attribute(kind, name), ""),
        )
        for name, field in described.get("properties", {}).items()
        if name not in told_before
    ]
    text = paragraphs(doc_of(kind).text)
    shown = table(("key", "type", "default", ""), rows)
    return "\n\n".join(filter(None, [f"{'#' * level} {title}", text, shown]))


def _attribute(kind: type[BaseModel], key: str) -> str:
    """The attribute behind a key that has another name in files."""
    fields = kind.model_fields.items()
    return next((name for name, field in fields if (field.alias or name) == key), key)


def _type(field: dict[str, Any], defs: dict[str, Any]) -> str:
    if "$ref" in field:
        return _named(field["$ref"].rpartition("/")[2], defs)
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    for several in ("anyOf", "oneOf"):
        if several in field:
            kinds = [_type(each, defs) for each in field[several] if each.get("type") != "null"]
            # A number that may also be written as a text is one of seconds.
            return "duration" if kinds == _DURATION else " or ".join(dict.fromkeys(kinds))
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}), defs)}"
    plain = str(field.get("type", "any"))
    return f"{_PLAIN.get(plain, plain)}{_bounds(field)}"


def _named(name: str, defs: dict[str, Any]) -> str:
    if name in _TITLES:
        return f"[{_TITLES[name]}](#{re.sub(' ', '-', _TITLES[name].lower())})"
    if name == "StrategyConfig":
        return "[strategy](#strategy)"
    if name.endswith("Extractor"):
        return "[extract](#extract)"
    return _type(defs.get(name, {}), defs)


_BOUNDS = {
    "minimum": "≥",
    "exclusiveMinimum": ">",
    "maximum": "≤",
    "exclusiveMaximum": "<",
}


def _bounds(field: dict[str, Any]) -> str:
    found = [f"{sign} {field[name]:g}" for name, sign in _BOUNDS.items() if name in field]
    return f" {', '.join(found)}" if found else ""


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    if default is None:
        return ""
    if isinstance(default, dict):
        return "see there" if default else "none"
    if default in ([], ""):
        return "none"
    if isinstance(default, str) and (len(default) > 40 or "\n" in default):
        return "a prompt of its own"
    shown = f"{default:g}" if isinstance(default, float) else json.dumps(default)
    return f"`{default if isinstance(default, str) else shown}`"
