"""How positions are read from answers. A new extractor is one file and one entry here."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import BeforeValidator, Discriminator

from council.config.hints import nearest
from council.strategies.extractors.base import Closed, Extractor
from council.strategies.extractors.choice import ChoiceExtractor
from council.strategies.extractors.json_answer import JsonExtractor
from council.strategies.extractors.patterns import RegexExtractor
from council.strategies.extractors.plain import (
    AutoExtractor,
    ExactExtractor,
    NumberExtractor,
    TextExtractor,
)
from council.strategies.extractors.semantic import SemanticExtractor

AnyExtractor = (
    AutoExtractor
    | NumberExtractor
    | ChoiceExtractor
    | TextExtractor
    | ExactExtractor
    | JsonExtractor
    | RegexExtractor
    | SemanticExtractor
)

EXTRACTORS: dict[str, type[Extractor]] = {
    kind.model_fields["kind"].default: kind for kind in get_args(AnyExtractor)
}


def _checked(value: Any) -> Any:
    """A kind's name, or a mapping with `kind` and options; says which kinds and keys there are."""
    if isinstance(value, Extractor):
        return value
    options = {"kind": value} if isinstance(value, str) else value
    if not isinstance(options, dict):
        raise ValueError(f"expected a kind ({', '.join(EXTRACTORS)}) or a mapping with `kind`")
    name = options.get("kind")
    if name not in EXTRACTORS:
        raise ValueError(f"unknown kind {name!r}{nearest(str(name), list(EXTRACTORS))}")
    fields = EXTRACTORS[name].model_fields
    keys = [field.alias or key for key, field in fields.items()]
    for key in options:
        if key not in keys:
            raise ValueError(f"{name} has no key {key!r}{nearest(str(key), keys)}")
    return options


Extract = Annotated[AnyExtractor, Discriminator("kind"), BeforeValidator(_checked)]
"""As an option of a strategy: `number`, or `{kind: json, field: price}`."""

__all__ = [
    "EXTRACTORS",
    "AutoExtractor",
    "ChoiceExtractor",
    "Closed",
    "ExactExtractor",
    "Extract",
    "Extractor",
    "JsonExtractor",
    "NumberExtractor",
    "RegexExtractor",
    "SemanticExtractor",
    "TextExtractor",
]
