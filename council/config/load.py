"""Reads panel files, and turns validation errors into ones that name the place and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from council.config.document import Document, KeyPath, read_document
from council.config.schema import ExpertConfig, PanelConfig, SynthesizerConfig
from council.errors import ConfigError


def load_config(path: str | Path) -> tuple[PanelConfig, Document]:
    """Reads a panel file; the document goes along for errors that are found later.

    Raises:
        ConfigError: The file cannot be read, or something in it is wrong.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text") from error
    document = read_document(text, str(path))
    return _checked(document, path.parent), document


def parse_config(values: Mapping[str, Any]) -> tuple[PanelConfig, Document]:
    """Checks a panel given as plain values; paths in it are relative to the working folder.

    Raises:
        ConfigError: Something in it is wrong.
    """
    document = Document("<panel>", values, {})
    return _checked(document, Path()), document


def validation_error(
    error: ValidationError, document: Document, prefix: KeyPath, model: type[BaseModel]
) -> ConfigError:
    """The first of pydantic's complaints, with file, line, key path and the nearest right name."""
    # A misspelt key is also a missing one: the misspelling is what helps.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    path = prefix + _key_path(first["loc"], document.values, prefix)
    if first["type"] == "extra_forbidden":
        message = f"unknown key{nearest(str(path[-1]), _known_keys(model, path[len(prefix) : -1]))}"
    elif first["type"] == "missing":
        message = "is missing"
    else:
        message = first["msg"].removeprefix("Value error, ")
    return document.error(path, message[0].lower() + message[1:])


def _checked(document: Document, folder: Path) -> PanelConfig:
    try:
        config = PanelConfig.model_validate(document.values)
    except ValidationError as error:
        raise validation_error(error, document, (), PanelConfig) from None
    _unique_ids(config, document)
    experts = [
        expert.model_copy(update={"model": _model(expert, folder, document, ("experts", i))})
        for i, expert in enumerate(config.experts)
    ]
    synthesizers = [
        entry
        if isinstance(entry, str)
        else entry.model_copy(update={"model": _model(entry, folder, document, ("synthesizer",))})
        for entry in config.synthesizer
    ]
    _known_references(config, document)
    return config.model_copy(update={"experts": experts, "synthesizer": synthesizers})


def _unique_ids(config: PanelConfig, document: Document) -> None:
    seen: set[str | None] = set()
    for i, expert in enumerate(config.experts):
        if expert.id in seen:
            raise document.error(("experts", i, "id"), f"two experts are called {expert.id!r}")
        seen.add(expert.id)


def _known_references(config: PanelConfig, document: Document) -> None:
    ids = [str(expert.id) for expert in config.experts]
    for entry in config.synthesizer:
        if isinstance(entry, str) and entry not in ids:
            hint = nearest(entry, ids)
            raise document.error(("synthesizer",), f"no expert is called {entry!r}{hint}")


def _model(
    config: ExpertConfig | SynthesizerConfig, folder: Path, document: Document, path: KeyPath
) -> str:
    """The model's name; for a file served here, its path made absolute and checked."""
    served_here = config.endpoint is None and config.kind in (None, "local")
    if not served_here or config.model.startswith("builtin:"):
        return config.model
    file = (folder / Path(config.model).expanduser()).resolve()
    if not file.is_file():
        raise document.error(
            (*path, "model"),
            f"no model file at {file}: without `endpoint` a model is a GGUF file or builtin:NAME",
        )
    return str(file)


def _key_path(loc: tuple[str | int, ...], values: Any, prefix: KeyPath) -> KeyPath:
    """Pydantic's location without the parts that name types and not keys."""
    for part in prefix:
        values = _step(values, part)
    path: list[str | int] = []
    for part in loc:
        inside = _step(values, part)
        if inside is _NOWHERE and part != loc[-1]:
            continue
        if inside is _NOWHERE and _is_type_name(part):
            continue
        path.append(part)
        values = None if inside is _NOWHERE else inside
    return tuple(path)


_NOWHERE = object()


def _step(values: Any, part: str | int) -> Any:
    if isinstance(values, Mapping) and part in values:
        return values[part]
    if isinstance(values, list) and isinstance(part, int) and part < len(values):
        return values[part]
    return _NOWHERE


def _is_type_name(part: str | int) -> bool:
    return part in ("str", "SynthesizerConfig")


def _known_keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys of the (nested) model that a path leads to."""
    for part in path:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        model = next(_models_in(field.annotation if field else None), model)
    return list(model.model_fields)


def _models_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument)


def nearest(name: str, known: list[str]) -> str:
    """How an error about an unknown name goes on: the nearest right one, or all of them."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f": did you mean {close[0]!r}?"
    return f" (known: {', '.join(known)})"
