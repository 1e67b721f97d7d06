"""Options and arguments of the commands that show a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from council.cli.completing import (
    STRATEGY_NAMES,
    complete_panel,
    complete_run,
    complete_strategy,
)
from council.errors import ConfigError

PanelArgument = Annotated[
    Path,
    typer.Argument(
        help="A panel file, or the name of a panel.",
        metavar="CONFIG",
        autocompletion=complete_panel,
    ),
]
StrategyOption = Annotated[
    str | None,
    typer.Option(
        help=f"Decide by this strategy instead: {STRATEGY_NAMES}.",
        autocompletion=complete_strategy,
    ),
]
RunArgument = Annotated[
    str,
    typer.Argument(
        help="A run's id, the beginning of it, or last.",
        metavar="RUN",
        autocompletion=complete_run,
    ),
]
ContinueOption = Annotated[
    str | None,
    typer.Option(
        "--continue",
        help="Ask with what was asked and answered up to this run.",
        metavar="RUN",
        autocompletion=complete_run,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
EventsOption = Annotated[
    bool, typer.Option("--events", help="Print every event as a line of JSON as it happens.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress, no summary.")]
DeadlineOption = Annotated[
    str | None, typer.Option(help="End the run after this time: 30, 30s, 2m.")
]
PanelOption = Annotated[
    Path | None,
    typer.Option(
        "--panel",
        help="The panel file, where it is elsewhere now.",
        metavar="CONFIG",
        autocompletion=complete_panel,
    ),
]
AnywayOption = Annotated[
    bool, typer.Option("--anyway", help="Even if the panel file has changed since.")
]

TotalTokensOption = Annotated[
    int | None, typer.Option(help="Use no more tokens than this, prompts and replies together.")
]
CostOption = Annotated[
    float | None, typer.Option(help="Spend no more US dollars than this; needs prices.")
]
SchemaOption = Annotated[
    Path | None,
    typer.Option(help="The answer has to be JSON that fits this JSON schema.", metavar="FILE"),
]


def speed_of(text: str | None, *, watched: bool) -> float | None:
    """How many times as fast a run is to be replayed; None for as fast as possible.

    Args:
        text: What the command line says.
        watched: Whether somebody looks on, where it says nothing.

    Raises:
        ConfigError: It is neither a positive number nor `max`.
    """
    if text is None:
        return 1.0 if watched else None
    if text.strip() == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise ConfigError(f"--speed: expected a positive number or max, got {text!r}")
    return speed


def options_of(pairs: list[str]) -> dict[str, object]:
    """Strategy options given as `key=value`; values are read as in a panel file.

    Raises:
        ConfigError: One is no such pair, or its value is no YAML.
    """
    import yaml

    options: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--option: expected key=value, got {pair!r}")
        try:
            options[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ConfigError(f"--option {key}: not valid YAML: {value!r}") from None
    return options
