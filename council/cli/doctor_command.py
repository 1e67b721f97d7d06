"""`council doctor`: examine the models of a panel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from council.cli.exit_codes import FAILED, OK, USAGE
from council.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

    from council.doctor import Finding

_PLAIN_WIDTH = 10_000  # whoever reads a pipe has no edge at which lines would have to break


def doctor_command(
    config: Annotated[Path, typer.Argument(help="A panel file.", metavar="CONFIG")],
    thorough: Annotated[
        bool,
        typer.Option("--thorough", help="Also find out whether seed, stop, logprobs are ignored."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Ask every model of a panel something small: who answers, how fast, and what is ignored.

    \b
    Examples:
      council doctor configs/panel.yaml
      council doctor panel.yaml --thorough --json | python -m json.tool

    \b
    Exit codes: 0 all answered, 1 somebody failed, 2 usage or configuration, 130 interrupted.
    """
    # Imported when the examination begins, as for `council run`.
    import anyio

    from council.cli.interrupts import run_until_signal
    from council.doctor import examine

    findings: list[Finding] = []

    async def call() -> None:
        findings.extend(await examine(config, thorough=thorough))

    try:
        interrupted = anyio.run(run_until_signal, call)
    except ConfigError as error:
        typer.echo(f"council: error: {error}", err=True)
        raise typer.Exit(USAGE) from None
    if interrupted is not None:
        raise typer.Exit(interrupted)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _print(findings)
    failed = any(finding.state == "failed" for finding in findings)
    raise typer.Exit(FAILED if failed else OK)


def _print(findings: list[Finding]) -> None:
    from rich.console import Console

    console = Console()
    if console.is_terminal:
        console.print(_table(findings, boxed=True))
        return
    console.width = _PLAIN_WIDTH
    with console.capture() as captured:
        console.print(_table(findings, boxed=False))
    for line in captured.get().splitlines():
        typer.echo(line.rstrip())


def _table(findings: list[Finding], *, boxed: bool) -> Table:
    from rich.box import ROUNDED
    from rich.table import Table
    from rich.text import Text

    table = Table(box=ROUNDED if boxed else None, pad_edge=boxed)
    for name in ("experts", "model", "endpoint", "state"):
        table.add_column(name, overflow="fold")
    table.add_column("first token", justify="right")
    table.add_column("tok/s", justify="right")
    table.add_column("notes", overflow="fold")
    colours = {"ok": "green", "slow": "yellow", "failed": "red"}
    for finding in findings:
        table.add_row(
            # Text and not markup: a bracket in an error is just a bracket.
            Text(", ".join(finding.experts)),
            Text(finding.model),
            Text(finding.endpoint or "local"),
            Text(finding.state, style=colours[finding.state]),
            _number(finding.first_token, "{:.2f} s"),
            _number(finding.tokens_per_second, "{:.1f}"),
            Text("; ".join(_remarks(finding))),
        )
    return table


def _remarks(finding: Finding) -> Iterator[str]:
    """The cause of a failure with the way out, and whatever else was noticed."""
    if finding.error:
        advice = f" ({finding.advice})" if finding.advice else ""
        yield f"{' '.join(finding.error.split())}{advice}"
    yield from finding.notes


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
