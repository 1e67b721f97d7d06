"""What a new panel can be made of: servers on this machine, keys, model files, built-in models."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from council.config.keys import kept_keys
from council.config.model_files import BUILTIN, builtin_names, content_problem, missing_problem
from council.config.model_folder import model_files, model_folder
from council.drafting import Model
from council.errors import ConfigError
from council.servers import PATIENCE, USUAL, Found, look_around, variable_or

HOSTED = {
    "openai": Model(
        "${OPENAI_MODEL:-gpt-4o-mini}",
        "${OPENAI_BASE_URL:-https://api.openai.com/v1}",
        variable="OPENAI_API_KEY",
        expands=True,
    ),
    "anthropic": Model(
        "${ANTHROPIC_MODEL:-claude-3-5-haiku-latest}",
        "${ANTHROPIC_BASE_URL:-https://api.anthropic.com}",
        kind="anthropic",
        variable="ANTHROPIC_API_KEY",
        expands=True,
    ),
    "openrouter": Model(
        "openai/gpt-4o-mini",
        "${OPENROUTER_URL:-https://openrouter.ai/api/v1}",
        variable="OPENROUTER_API_KEY",
    ),
}
_OPENROUTER = (
    "openai/gpt-4o-mini",
    "anthropic/claude-3.5-haiku",
    "meta-llama/llama-3.3-70b-instruct",
)
_TITLES = {"openai": "OpenAI", "anthropic": "Anthropic", "openrouter": "OpenRouter"}
_NO_CHAT = ("embed", "rerank", "whisper", "tts")  # in the names of models that answer nothing
_MEMBERS = ("abacus", "atlas", "sage")  # the chair, where it is needed, has panels of its own

SOURCES = (*(server.name for server in USUAL), *HOSTED, "gguf", "builtin")
"""The names of all there may be, the first choices first."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Models of one kind that are there.

    Attributes:
        name: One of `SOURCES`.
        title: The same for people.
        models: At least one.
        note: What a person should know of it, such as where the key comes from.
    """

    name: str
    title: str
    models: tuple[Model, ...]
    note: str = ""


async def all_offers(*, patience: float = PATIENCE) -> list[Offer]:
    """What there is on this machine; the built-in models, which always are, come last.

    Args:
        patience: Seconds that servers have to answer.

    Raises:
        ConfigError: The kept keys cannot be read.
    """
    found = [offer for one in await look_around(patience=patience) if (offer := _served(one))]
    hosted = [_hosted(name) for name in HOSTED if _key_source(HOSTED[name].variable)]
    files = [Model(str(file.path)) for file in model_files(model_folder())]
    on_disk = [Offer("gguf", "model files", tuple(files), str(model_folder()))] if files else []
    return [*found, *hosted, *on_disk, *_builtin()]


def chosen_for(offers: Sequence[Offer]) -> Offer:
    """The offer that is taken where nobody chooses: no panel of panels, and never nothing.

    Raises:
        ConfigError: There is none.
    """
    for offer in offers:
        if offer.name != "gateway":
            return offer
    raise ConfigError("there is no model to make a panel of: start a server, or set a key")


def together(offers: Sequence[Offer]) -> list[Model]:
    """The models of several offers, one of each in turn, so that all come into a small panel."""
    rounds = zip_longest(*(offer.models for offer in offers))
    return list(dict.fromkeys(model for turn in rounds for model in turn if model is not None))


async def offer_of(source: str, *, patience: float = PATIENCE) -> Offer:
    """The offer of one source, or of a model file by its path.

    Args:
        source: One of `SOURCES`, or the path of a GGUF file.
        patience: Seconds that a server has to answer.

    Raises:
        ConfigError: There is no such source, it is not there, or its key is missing.
    """
    if source in HOSTED:
        variable = HOSTED[source].variable
        if not _key_source(variable):
            raise ConfigError(
                f"--from {source}: {variable} is not set: export it, or run `council keys set"
                f" {variable}`"
            )
        return _hosted(source)
    if source == "gguf" or source == "builtin":
        offers = [one for one in await all_offers(patience=patience) if one.name == source]
        if not offers:
            raise ConfigError(f"--from {source}: nothing is there: council pull OWNER/NAME/FILE")
        return offers[0]
    servers = [server for server in USUAL if server.name == source]
    if not servers:
        return _file(source)
    (found,) = await look_around(servers, patience=patience)
    offer = _served(found)
    if offer is None:
        why = found.listed.problem or "it lists no model that chats"
        raise ConfigError(f"--from {source}: {found.server.url}: {why}")
    return offer


def _served(found: Found) -> Offer | None:
    server = found.server
    names = [name for name in found.listed.names if not any(no in name.lower() for no in _NO_CHAT)]
    models = tuple(Model(name, server.endpoint) for name in names)
    return Offer(server.name, server.title, models, server.url) if models else None


def _hosted(name: str) -> Offer:
    model = HOSTED[name]
    # Behind that one key are several families, and siblings err alike.
    names = _OPENROUTER if name == "openrouter" else (model.name,)
    variable, _, default = model.endpoint[2:-1].partition(":-")
    endpoint = variable_or(variable, default)
    models = tuple(replace(model, name=one, endpoint=endpoint) for one in names)
    note = f"{model.variable} from {_key_source(model.variable)}"
    return Offer(name, _TITLES[name], models, note)


def _key_source(variable: str) -> str:
    """Where a key comes from, in words; empty where there is none."""
    if os.environ.get(variable):
        return "the environment"
    where = kept_keys().get(variable)
    return {"keyring": "the keyring", "file": "the keys file"}[where] if where else ""


def _builtin() -> list[Offer]:
    known: Sequence[str] = builtin_names() or ()
    models = tuple(Model(BUILTIN + name) for name in _MEMBERS if name in known)
    return [Offer("builtin", "built-in models", models)] if models else []


def _file(source: str) -> Offer:
    if Path(source).suffix != ".gguf":
        known = ", ".join(SOURCES)
        raise ConfigError(f"--from: expected {known} or a file FILE.gguf, got {source!r}")
    path = Path(source).expanduser().absolute()
    problem = missing_problem(path) or content_problem(path)
    if problem:
        raise ConfigError(f"--from: {problem}")
    return Offer("gguf", "model files", (Model(str(path)),), str(path.parent))
