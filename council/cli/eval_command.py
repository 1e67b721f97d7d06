"""`council eval`: how often panels are right, next to their members alone and to each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from council.cli.completing import complete_panel
from council.cli.exit_codes import USAGE
from council.cli.terminal import complain
from council.errors import ConfigError

# Written out, since `council --help` must not load what an evaluation needs; a test compares.
BASELINES = ("self-consistency",)

_Configs = Annotated[
    list[Path],
    typer.Argument(
        help="Panel files or names of panels; several are compared with the first.",
        metavar="CONFIG",
        autocompletion=complete_panel,
    ),
]
_Questions = Annotated[
    Path,
    typer.Option(
        help="JSON Lines: {id, question, answer, kind?, choices?, field?}.", metavar="FILE"
    ),
]


def eval_command(
    configs: _Configs,
    questions: _Questions,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="Ask the best member alone, too, at equal tokens: self-consistency.",
            metavar="NAME",
        ),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(min=1, help="How often the baseline asks, instead of at equal tokens."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask only the first N questions.", metavar="N")
    ] = None,
    at_once: Annotated[
        int | None,
        typer.Option(min=1, help="Questions under way at once; 1 measures latency at rest."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws lots, samples and resamples.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything, each answer too, as JSON.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the accuracies into this file.", metavar="FILE.svg")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Ask panels questions with known answers. The report goes to standard output.

    \b
    Examples:
      council eval configs/panel.yaml --questions examples/questions/builtin.jsonl
      council eval panel.yaml --questions mine.jsonl --baseline self-consistency --plot out.svg
      council eval panel.yaml --questions mine.jsonl --limit 20 --json > out.json
      council eval new.yaml old.yaml --questions mine.jsonl

    \b
    Exit codes: 0 measured, 1 nothing could be, 2 usage or configuration,
    130 interrupted (what there is by then is printed).
    """
    # Imported when an evaluation begins, as for `council run`.
    import anyio

    from council.cli.eval_session import EvalOptions, EvalSession

    try:
        wanted = _known(baseline)
        options = EvalOptions(
            tuple(configs), questions, wanted, samples, limit, at_once, seed, as_json, plot, quiet
        )
        code = anyio.run(EvalSession(options).run)
    except ConfigError as error:
        complain(error)
        raise typer.Exit(USAGE) from None
    raise typer.Exit(code)


def _known(baseline: str | None) -> bool:
    """Whether a baseline is wanted; raises ConfigError for one that there is not."""
    if baseline is not None and baseline not in BASELINES:
        raise ConfigError(f"--baseline: expected {' or '.join(BASELINES)}, got {baseline!r}")
    return baseline is not None
