"""Reads panel files: all that can be known to be wrong in one is said at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from council.config.complaints import complaints
from council.config.credentials import credential_problems
from council.config.document import Document, read_document
from council.config.hints import nearest
from council.config.mending import mended
from council.config.mistakes import KeyPath
from council.config.model_files import BUILTIN, builtin_problem, content_problem, missing_problem
from council.config.places import panel_path
from council.config.schema import (
    EMBEDDER_ID,
    EmbedderConfig,
    EndpointConfig,
    ExpertConfig,
    PanelConfig,
    SynthesizerConfig,
    is_reserved,
)
from council.config.schema_file import read_schema
from council.errors import ConfigError

_MOST_BYTES = 1_000_000  # more takes a minute to be found wrong

Entry = ExpertConfig | SynthesizerConfig | EmbedderConfig

_FOR_ENDPOINTS = (
    *("api_key", "headers", "verify", "proxy", "trust_env", "retries", "rate"),
    *("price", "takes_schema", "tools"),
)


def load_config(path: str | Path) -> tuple[PanelConfig, Document]:
    """Reads a panel file, by its path or name; the document is for errors that are found later.

    Raises:
        ConfigError: The file cannot be read, or something in it is wrong.
    """
    return _without_mistakes(draft_config(path))


def parse_config(values: Mapping[str, Any]) -> tuple[PanelConfig, Document]:
    """Checks a panel given as plain values; paths in it are relative to the working folder.

    Raises:
        ConfigError: Something in it is wrong.
    """
    return _without_mistakes(draft_config(values))


def draft_config(panel: str | Path | Mapping[str, Any]) -> tuple[PanelConfig, Document]:
    """Reads a panel as far as possible: what is wrong is left out, and noted in the document.

    Whoever looks for more mistakes calls `document.mistakes.raise_any()` at the end.

    Raises:
        ConfigError: So much is wrong that nothing can be looked at.
    """
    if isinstance(panel, Mapping):
        document, folder = Document("<panel>", panel, {}), Path()
    else:
        path = panel_path(panel)
        document, folder = read_document(_text(path), str(path)), path.parent
    return _checked(_validated(document, folder), folder, document), document


def local_entries(config: PanelConfig, document: Document) -> Iterator[tuple[KeyPath, Entry]]:
    """The entries whose model the bundled backend serves, with their keys."""
    for path, entry in _entries(config, document):
        if _is_local(entry):
            yield path, entry


def writer_path(place: int, document: Document) -> KeyPath:
    """The key of a synthesizer: one that stands alone need not stand in a list."""
    is_list = isinstance(document.values.get("synthesizer"), list)
    return ("synthesizer", place) if is_list else ("synthesizer",)


def note_unusable_files(config: PanelConfig, document: Document) -> None:
    """Notes model files that are none by their first bytes, which reading a panel leaves unread.

    Within a run such a file fails its own expert and nobody else.
    """
    for path, entry in local_entries(config, document):
        if not entry.model.startswith(BUILTIN):
            _note(document, (*path, "model"), content_problem(Path(entry.model)))


def _without_mistakes(draft: tuple[PanelConfig, Document]) -> tuple[PanelConfig, Document]:
    draft[1].mistakes.raise_any()
    return draft


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ConfigError(f"{path}: not a panel: larger than {_MOST_BYTES:,} bytes")
        return content.decode("utf-8-sig")
    except IsADirectoryError as error:
        raise ConfigError(f"{path}: a directory: name a panel file (.yaml, .yml) in it") from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text") from error


def _validated(document: Document, folder: Path) -> PanelConfig:
    """The panel as its model; what does not fit is noted and left out."""
    mistakes = document.mistakes
    context = {"folder": folder}  # what the path of a CA bundle is relative to
    try:
        return PanelConfig.model_validate(document.values, context=context)
    except ValidationError as error:
        for mistake in complaints(error, document, (), PanelConfig):
            mistakes.follow(mistake)
    try:
        return PanelConfig.model_validate(mended(document.values, mistakes.paths), context=context)
    except ValidationError as error:
        mistakes.raise_any()
        raise ConfigError(f"{document.name}: the panel cannot be read") from error


def _checked(config: PanelConfig, folder: Path, document: Document) -> PanelConfig:
    """The panel with the paths of model files made absolute; notes what its keys do not allow."""
    _note_unknown_references(config, document)
    _note_repeated_ids(config, document)
    experts = [
        expert.model_copy(update=_settled(expert, folder, document, ("experts", i)))
        for i, expert in enumerate(config.experts)
    ]
    synthesizers = [
        entry
        if isinstance(entry, str)
        else entry.model_copy(update=_settled(entry, folder, document, writer_path(i, document)))
        for i, entry in enumerate(config.synthesizer)
    ]
    embedder = config.embedder
    if embedder is not None:
        settled = _settled(embedder, folder, document, (EMBEDDER_ID,))
        embedder = embedder.model_copy(update=settled)
    update = {
        "experts": experts,
        "synthesizer": synthesizers,
        "embedder": embedder,
        "answer_schema": _answer_schema(config.answer_schema, folder, document),
    }
    return config.model_copy(update=update)


def _answer_schema(
    source: str | dict[str, Any] | None, folder: Path, document: Document
) -> dict[str, Any] | None:
    """The schema itself where a file is named; notes why it cannot be read."""
    if not isinstance(source, str):
        return source
    try:
        return read_schema((folder / Path(source).expanduser()).resolve())
    except ConfigError as error:
        _note(document, ("answer_schema",), str(error))
        return None


def _settled(entry: Entry, folder: Path, document: Document, path: KeyPath) -> dict[str, Any]:
    """What an entry becomes: its model file found, its credentials left out if unusable."""
    settled = _credentials(entry, document, path)
    if _is_local(entry):
        settled["model"] = _model(entry, folder, document, path)
        _note_idle_keys(entry, document, path)
    return settled


def _note_idle_keys(entry: Entry, document: Document, path: KeyPath) -> None:
    """Notes what has no meaning for a model that is served here."""
    for key in _FOR_ENDPOINTS:
        if key in entry.model_fields_set:
            problem = "is for an `endpoint`, and this entry has none: its model is served here"
            _note(document, (*path, key), problem)


def _credentials(entry: EndpointConfig, document: Document, path: KeyPath) -> dict[str, Any]:
    """What takes the place of credentials that no request could carry; notes why."""
    settled: dict[str, Any] = {}
    for key, problem in credential_problems(entry):
        _note(document, (*path, *key), problem)
        settled |= {"api_key": None, "headers": {}}
    return settled


def _is_local(entry: Entry) -> bool:
    if isinstance(entry, EmbedderConfig):
        return entry.endpoint is None
    return entry.endpoint is None and entry.kind in (None, "local")


def _note_repeated_ids(config: PanelConfig, document: Document) -> None:
    seen: set[str | None] = set()
    for i, expert in enumerate(config.experts):
        if expert.id in seen:
            _note(document, ("experts", i, "id"), f"two experts are called {expert.id!r}")
        if is_reserved(str(expert.id)):
            problem = f"{expert.id!r} is what council calls another part of a panel: choose another"
            _note(document, ("experts", i, "id"), problem)
        seen.add(expert.id)


def _note_unknown_references(config: PanelConfig, document: Document) -> None:
    ids = [str(expert.id) for expert in config.experts]
    if any(
        path[:1] == ("experts",) and path[-1] in ("id", "name") for path in document.mistakes.paths
    ):
        return  # the name that is missing may be the one that could not be read
    for i, entry in enumerate(config.synthesizer):
        if isinstance(entry, str) and entry not in ids:
            problem = f"no expert is called {entry!r}{nearest(entry, ids)}"
            _note(document, writer_path(i, document), problem)


def _model(entry: Entry, folder: Path, document: Document, path: KeyPath) -> str:
    """The model's name; for a file its absolute path. Notes what is not there."""
    if entry.model.startswith(BUILTIN):
        _note(document, (*path, "model"), builtin_problem(entry.model))
        return entry.model
    file = (folder / Path(entry.model).expanduser()).resolve()
    _note(document, (*path, "model"), missing_problem(file))
    return str(file)


def _entries(config: PanelConfig, document: Document) -> Iterator[tuple[KeyPath, Entry]]:
    for i, expert in enumerate(config.experts):
        yield ("experts", i), expert
    for i, entry in enumerate(config.synthesizer):
        if not isinstance(entry, str):
            yield writer_path(i, document), entry
    if config.embedder is not None:
        yield (EMBEDDER_ID,), config.embedder


def _note(document: Document, path: KeyPath, problem: str) -> None:
    if problem:
        document.mistakes.follow(document.error(path, problem))
