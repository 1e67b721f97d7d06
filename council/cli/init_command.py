"""`council init`: a first panel file, made of what is there."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from council.cli.completing import STRATEGY_NAMES, complete_source, complete_strategy
from council.cli.store_options import errors_told
from council.cli.terminal import answer, say
from council.errors import ConfigError

if TYPE_CHECKING:
    from council.config import PanelConfig
    from council.drafting import Model
    from council.offers import Offer

_MOST = 9
_QUESTION = "What is 17 + 25?"


def init_command(
    file: Annotated[Path, typer.Argument(help="The panel file to write.", metavar="[FILE]")] = Path(
        "panel.yaml"
    ),
    experts: Annotated[
        int | None, typer.Option(min=1, max=_MOST, help="How many experts (default: 3).")
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            help=f"How they decide (default: vote): {STRATEGY_NAMES}.",
            autocompletion=complete_strategy,
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            help="Models of ollama, lmstudio, llama-server, gateway, openai, anthropic, openrouter,"
            " gguf (files that were pulled), builtin, or of a file FILE.gguf; may be given again.",
            metavar="SOURCE",
            autocompletion=complete_source,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    patience: Annotated[
        float, typer.Option(help="Seconds that servers on this machine have.", min=0.1)
    ] = 2.0,
) -> None:
    """Write a first panel of models that are there, and print the command that asks it.

    Found are servers on their usual ports (see council models), keys of OpenAI, Anthropic and
    OpenRouter, and pulled files; else built-in models take the seats. What no option says is asked
    on a terminal; elsewhere the first that is found is taken.

    \b
    Examples:
      council init
      council init team.yaml --from ollama --experts 3 --strategy debate --yes
      council init --from openai --from one.gguf
    """
    import anyio

    from council.offers import all_offers, chosen_for, offer_of, together

    with errors_told():
        path = _path(file, force=force)
        _check_strategy(strategy)
        asks = not yes and sys.stdin is not None and sys.stdin.isatty()
        if source:
            offers = [anyio.run(partial(offer_of, one, patience=patience)) for one in source]
        else:
            there = anyio.run(partial(all_offers, patience=patience))
            offers = _asked_offers(there) if asks else [chosen_for(there)]
        count = experts or (_asked_count() if asks else 3)
        chosen = strategy or (_asked_strategy() if asks else "vote")
        text = _text(offers, together(offers), count, chosen)
        _check(text, path)
        _write(text, path, force=force)
    say(f"wrote {path}: {_described(offers, count, chosen)}")
    answer(f'council run {shlex.quote(str(path))} "{_QUESTION}"')


def _path(file: Path, *, force: bool) -> Path:
    """The file to write; raises ConfigError where it is there, or its folder is not."""
    path = file if file.suffix or file.is_dir() else file.with_name(f"{file.name}.yaml")
    if path.is_dir():
        raise ConfigError(f"{path}: a directory: name the panel file to write")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.parent}: make it first")
    if path.exists() and not force:
        raise ConfigError(f"{path} is there already: name another file, or pass --force")
    return path


def _check_strategy(strategy: str | None) -> None:
    known = STRATEGY_NAMES.split(", ")
    if strategy is not None and strategy not in known:
        from council.config.hints import nearest

        raise ConfigError(f"--strategy: unknown strategy {strategy!r}{nearest(strategy, known)}")


def _asked_offers(there: list[Offer]) -> list[Offer]:
    """The offers that somebody chooses by their numbers."""
    from council.offers import chosen_for

    for number, offer in enumerate(there, start=1):
        note = f" ({offer.note})" if offer.note else ""
        say(f"  {number}. {offer.title}{note}: {_names(offer)}")
    preset = str(there.index(chosen_for(there)) + 1)
    while True:
        said = typer.prompt("Models of which, e.g. 1 or 1,2", default=preset, err=True)
        try:
            numbers = [int(word) for word in str(said).replace(",", " ").split()]
        except ValueError:
            numbers = []
        if numbers and all(1 <= number <= len(there) for number in numbers):
            return [there[number - 1] for number in dict.fromkeys(numbers)]
        say(f"numbers from 1 to {len(there)}, please")


def _asked_count() -> int:
    while True:
        said = str(typer.prompt("How many experts", default="3", err=True))
        if said.isascii() and said.isdigit() and 1 <= int(said) <= _MOST:
            return int(said)
        say(f"a number from 1 to {_MOST}, please")


def _asked_strategy() -> str:
    say(f"  strategies: {STRATEGY_NAMES}")
    while True:
        said = str(typer.prompt("How do they decide", default="vote", err=True)).strip()
        try:
            _check_strategy(said)
        except ConfigError as error:
            say(str(error))
        else:
            return said


def _warn_of_one(config: PanelConfig) -> None:
    if len(config.experts) == 1 and config.strategy.name != "first":
        say(
            f"council: warning: with one expert {config.strategy.name} has nothing to compare, and"
            " where it needs a writer or a judge that is the same expert: --experts 2 or more, or"
            " --strategy first"
        )


def _text(offers: list[Offer], models: list[Model], count: int, strategy: str) -> str:
    from council.drafting import draft, ready, seats

    if [offer.name for offer in offers] == ["builtin"] and count == len(models):
        # The panels that come with council are tuned for these: who writes, ranks or judges.
        return ready(strategy)
    title = f"Made by council init: {_described(offers, count, strategy)}."
    return draft(title, seats(models, count), strategy)


def _described(offers: list[Offer], count: int, strategy: str) -> str:
    of = " and ".join(dict.fromkeys(offer.title for offer in offers))
    return f"{count} {'expert' if count == 1 else 'experts'} of {of}, strategy {strategy}"


def _names(offer: Offer) -> str:
    names = [model.name for model in offer.models]
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


def _check(text: str, path: Path) -> None:
    """Raises ConfigError for a panel that could not be used, before anything is written."""
    import anyio

    from council.assemble import check_panel
    from council.config.document import read_document

    document = read_document(text, str(path))
    document.mistakes.raise_any()
    found = anyio.run(check_panel, document.values)
    for line in found.lacking:
        say(f"council: warning: {line}")
    _warn_of_one(found.config)


def _write(text: str, path: Path, *, force: bool) -> None:
    import os
    import shutil
    import tempfile

    try:
        if not (force and path.exists()):
            with path.open("x", encoding="utf-8") as new:
                new.write(text)
            return
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with open(descriptor, "w", encoding="utf-8") as other:
            other.write(text)
        shutil.copymode(path, name)
        os.replace(name, path)
    except FileExistsError:
        raise ConfigError(f"{path} is there already: name another file, or pass --force") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
