"""Writes panel files: from models and a strategy to YAML with comments."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from council.config.places import PACKAGE_FOLDER
from council.config.schema import is_reserved, letters

PERSONAS = (
    "You check every step before you answer.",
    "You answer from first principles and commit to an answer.",
    "You look for the mistake in the obvious answer first.",
)
"""What tells seats apart that one model has to fill."""

_PLAIN = re.compile(r"[A-Za-z/~][\w./+\-~]*")  # what YAML takes as a text without quotes
_YAML_WORDS = ("null", "true", "false", "yes", "no", "on", "off", "y", "n")
_LONGEST_ID = 24
_HEAD = """\
# {title}
# `council config check` reads this file, `council doctor` asks each model something small;
# `council config schema` has all keys for editors.
"""
_TAIL = """\
# Who writes or judges, where a strategy needs it; without this the experts do:
# synthesizer: {{model: …, endpoint: …}}
{strategy}
# For a whole run; `cost` is in US dollars and needs prices:
# limits: {{deadline: 2m, tokens: 20000, cost: 0.10}}
"""


@dataclass(frozen=True, slots=True)
class Model:
    """A model that may sit in a panel.

    Attributes:
        name: What its server calls it, the path of a file, or `builtin:NAME`.
        endpoint: As a panel file says it; empty for a model that is served here.
        kind: What API it speaks, where that has to be said.
        variable: The environment variable with its key; empty where it needs none.
        expands: Whether `${VAR:-default}` in the name is a variable, and not the name itself.
    """

    name: str
    endpoint: str = ""
    kind: str = ""
    variable: str = ""
    expands: bool = False


@dataclass(frozen=True, slots=True)
class Seat:
    """A model in a panel."""

    id: str
    model: Model
    persona: str = ""
    seed: int | None = None


def seats(models: Sequence[Model], count: int) -> list[Seat]:
    """So many seats, filled with the models in turn.

    Where there are fewer models, those that sit twice have a persona; built-in ones, which are too
    small to play parts, differ by chance.

    Args:
        models: At least one.
        count: How many seats, at least 1.
    """
    chosen = [models[place % len(models)] for place in range(count)]
    ids: list[str] = []
    filled: list[Seat] = []
    for place, model in enumerate(chosen):
        seat = Seat(_id(model, place, ids), model)
        ids.append(seat.id)
        if chosen.count(model) > 1:
            if model.name.startswith("builtin:"):
                seat = replace(seat, seed=place + 1)
            else:
                seat = replace(seat, persona=PERSONAS[place % len(PERSONAS)])
        filled.append(seat)
    return filled


def draft(title: str, filled: Sequence[Seat], strategy: str) -> str:
    """A panel file with comments.

    Args:
        title: Its first line.
        filled: Its experts.
        strategy: The name of its strategy.
    """
    experts = "".join(map(_entry, filled))
    tail = _TAIL.format(strategy=f"strategy: {strategy}")
    return f"{_HEAD.format(title=title)}experts:\n{experts}{tail}"


def ready(strategy: str) -> str:
    """The panel of built-in models that comes with council for a strategy."""
    name = "panel" if strategy == "vote" else strategy
    return (PACKAGE_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def _entry(seat: Seat) -> str:
    model = seat.model
    lines = {
        "id": scalar(seat.id),
        "model": model.name if model.expands else scalar(model.name),
        "kind": model.kind,
        "endpoint": model.endpoint,
        "api_key": f"${{{model.variable}}}" if model.variable else "",
        "persona": seat.persona,
        "sampling": "" if seat.seed is None else f"{{temperature: 0.5, seed: {seat.seed}}}",
    }
    said = [f"{key}: {value}\n" for key, value in lines.items() if value]
    return "  - " + "    ".join(said)


def scalar(text: str) -> str:
    """A text as YAML that stays this text: quoted where it has to be, dollars doubled."""
    text = text.replace("$", "$$")
    if _PLAIN.fullmatch(text) and text.lower() not in _YAML_WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def _id(model: Model, place: int, taken: Sequence[str]) -> str:
    """A short name for a seat: the last word of its model's, or a letter where that is taken."""
    name = model.name.rpartition(":-")[2].rstrip("}") if model.expands else model.name
    word = name.removesuffix(".gguf").rpartition("/")[2].removeprefix("builtin:")
    id = re.sub(r"[^\w.\-]+", "-", word, flags=re.ASCII).strip("-.")[:_LONGEST_ID].strip("-.")
    usable = id and id not in taken and not is_reserved(id)
    return id if usable else letters(place)
