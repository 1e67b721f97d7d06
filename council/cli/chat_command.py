"""`council chat`: question after question to a panel, or to one model."""

from __future__ import annotations

from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from council.cli.completing import complete_panel, complete_run, complete_strategy
from council.cli.run_options import CostOption, DeadlineOption, QuietOption, TotalTokensOption
from council.cli.store_options import NoStoreOption, StoreOption, errors_told, open_store
from council.errors import ConfigError

if TYPE_CHECKING:
    from council.cli.chat.one_model import OneModel


class Seen(StrEnum):
    """What experts see of earlier turns."""

    ANSWERS = "answers"
    OWN = "own"


Words = Annotated[
    list[str] | None,
    typer.Argument(
        help="A panel's file or name, unless --model or --url names one model; a message after it"
        " is answered, and that is all.",
        metavar="[CONFIG] [MESSAGE]",
        show_default=False,
        autocompletion=complete_panel,
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(help="One model: a GGUF file, builtin:NAME, or with --url a server's name."),
]
UrlOption = Annotated[
    str | None, typer.Option(help="The endpoint of a server whose model to talk to.")
]
KeyOption = Annotated[
    str | None, typer.Option(help="The variable with the server's key.", metavar="VAR")
]
SystemOption = Annotated[
    str | None, typer.Option(help="What is said to all before the first question.")
]
StrategyOption = Annotated[
    str | None,
    typer.Option(
        help="Decide by this strategy instead; /strategy lists them.",
        autocompletion=complete_strategy,
    ),
]
HistoryOption = Annotated[
    Seen | None,
    typer.Option(help="What experts see of earlier turns: the panel's answers, or their own."),
]
MaxTurnsOption = Annotated[
    int | None, typer.Option(min=1, help="Send no more than this many earlier turns.")
]
SeedOption = Annotated[
    int, typer.Option(min=0, help="Draws the strategy's lots: orders, labels, random ties.")
]
ContinueOption = Annotated[
    str | None,
    typer.Option(
        "--continue",
        help="Go on with the conversation of this run.",
        metavar="RUN",
        autocompletion=complete_run,
    ),
]


def chat_command(
    words: Words = None,
    model: ModelOption = None,
    url: UrlOption = None,
    api_key_env: KeyOption = None,
    system: SystemOption = None,
    strategy: StrategyOption = None,
    history: HistoryOption = None,
    max_turns: MaxTurnsOption = None,
    deadline: DeadlineOption = None,
    max_total_tokens: TotalTokensOption = None,
    max_cost: CostOption = None,
    seed: SeedOption = 0,
    after: ContinueOption = None,
    quiet: QuietOption = False,
    store: StoreOption = None,
    no_store: NoStoreOption = False,
) -> None:
    """Talk to a panel: each question is asked with those before it and their answers.

    At a terminal /help lists the commands, Ctrl-C stops an answer, Ctrl-D leaves. From a pipe each
    line is a question. Answers go to standard output, all else to standard error. Limits are those
    of each answer.

    \b
    Examples:
      council chat configs/panel.yaml
      council chat --model builtin:abacus "What is 17 + 25?"
      council chat --url http://localhost:11434 --model llama3.2
      printf 'Capital of Japan?\\nAnd of Italy?\\n' | council chat configs/panel.yaml
      council chat panel.yaml --continue last

    \b
    Exit codes: those of `council run` for a message, and for the first line of a pipe that came to
    no answer; 0 for whoever leaves a terminal.
    """
    # Imported when a chat begins: help and usage errors need neither network nor panel code.
    import anyio

    from council.cli.chat.opening import Chat, Wanted
    from council.cli.run_command import seconds
    from council.sources import AskOptions

    with errors_told():
        panel, message = _understood(words or [], model, url, api_key_env)
        options: AskOptions = {
            "deadline": seconds(deadline),
            "max_total_tokens": max_total_tokens,
            "max_cost": max_cost,
            "seed": seed,
        }
        wanted = Wanted(
            panel=panel,
            strategy=strategy,
            options=options,
            message=message,
            system=system,
            after=after,
            history=history.value if history else None,
            max_turns=max_turns,
            quiet=quiet,
            keep=not no_store,
        )
        # What is gone on with is read even where nothing is to be kept.
        with nullcontext() if no_store and after is None else open_store(store) as kept:
            code = anyio.run(Chat(wanted, kept).run)
    raise typer.Exit(code)


def _understood(
    words: list[str], model: str | None, url: str | None, api_key_env: str | None
) -> tuple[Path | OneModel, str | None]:
    """Whom the command line names, and the one question if there is one."""
    from council.cli.chat.one_model import OneModel
    from council.cli.run_command import whole_question

    alone = model is not None or url is not None or api_key_env is not None
    if not alone and not words:
        raise ConfigError(
            "nobody to talk to: council chat CONFIG names a panel, --model or --url one model"
        )
    message = words if alone else words[1:]
    if alone and len(words) > 1 and _is_panel(words[0]):
        raise ConfigError(
            f"{words[0]!r} is a panel, and --model, --url and --api-key-env are for one model"
            " without a panel: leave one of them out"
        )
    if len(message) > 1:
        raise ConfigError(f"one message at most, in quotes: {message[1]!r} is too much")
    if message and not message[0].strip():
        raise ConfigError("the message is empty: leave it out to begin a chat")
    panel = OneModel(model, url, api_key_env) if alone else Path(words[0])
    return panel, whole_question(message[0]) if message else None


def _is_panel(word: str) -> bool:
    """Whether a word is the name of a panel or the path of a file."""
    from council.config.places import named_panel

    return named_panel(word) is not None or Path(word).is_file()
