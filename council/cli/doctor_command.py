"""`council doctor`: examine the models of a panel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from council.cli.exit_codes import FAILED, OK, USAGE
from council.cli.run_options import PanelArgument
from council.cli.terminal import complain, harmless
from council.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from council.doctor import Finding

_PLAIN_WIDTH = 10_000  # whoever reads a pipe has no edge at which lines would have to break
_HEADS = ("experts", "model", "endpoint", "state", "first token", "tok/s", "notes")
_NUMBERS = ("first token", "tok/s")
_NOTES_WIDTH = 30  # with less, notes are columns of single words
_NOTHING = "-"
_COLOURS = {"ok": "green", "slow": "yellow", "failed": "red"}


def doctor_command(
    config: PanelArgument,
    thorough: Annotated[
        bool,
        typer.Option("--thorough", help="Also try seed, stop, logprobs, n, response_format."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Ask every model of a panel something small: who answers, how fast, and what is ignored.

    An embedder embeds a short text.

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
        complain(error)
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
        fits = _natural_width(findings) <= console.width
        console.print(_table(findings, boxed=True) if fits else _list(findings))
        return
    console.width = _PLAIN_WIDTH
    with console.capture() as captured:
        console.print(_table(findings, boxed=False))
    for line in captured.get().splitlines():
        typer.echo(line.rstrip())


def _natural_width(findings: list[Finding]) -> int:
    """Columns that the boxed table needs for words to stay whole, notes in a narrow column."""
    from rich.cells import cell_len

    rows = [_HEADS, *(tuple(_cells(finding)) for finding in findings)]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return sum(widths[:-1]) + min(widths[-1], _NOTES_WIDTH) + 3 * len(_HEADS) + 1


def _table(findings: list[Finding], *, boxed: bool) -> Table:
    from rich.box import ROUNDED
    from rich.table import Table
    from rich.text import Text

    table = Table(box=ROUNDED if boxed else None, pad_edge=boxed)
    for name in _HEADS:
        justify: Literal["left", "right"] = "right" if name in _NUMBERS else "left"
        table.add_column(name, overflow="fold", justify=justify)
    for finding in findings:
        # Text and not markup: a bracket in an error is just a bracket.
        cells = [Text(cell) for cell in _cells(finding)]
        cells[_HEADS.index("state")].stylize(_COLOURS[finding.state])
        table.add_row(*cells)
    return table


def _list(findings: list[Finding]) -> Group:
    """The same for a narrow terminal: a paragraph for each finding, a line for each cell."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    lines: list[Text | Padding] = []
    for finding in findings:
        experts, *cells = _cells(finding)
        lines.append(
            Text.assemble((experts, "bold"), ": ", (finding.state, _COLOURS[finding.state]))
        )
        lines += [
            Padding(Text(f"{name}: {cell}", overflow="fold"), (0, 0, 0, 2), expand=False)
            for name, cell in zip(_HEADS[1:], cells, strict=True)
            if name != "state" and cell not in ("", _NOTHING)
        ]
    return Group(*lines)


def _cells(finding: Finding) -> list[str]:
    return [
        ", ".join(finding.experts),
        finding.model,
        finding.endpoint or "local",
        finding.state,
        _number(finding.first_token, "{:.2f} s"),
        _number(finding.tokens_per_second, "{:.1f}"),
        harmless("; ".join(_remarks(finding))),
    ]


def _remarks(finding: Finding) -> Iterator[str]:
    """The cause of a failure with the way out, and whatever else was noticed."""
    if finding.error:
        advice = f" ({finding.advice})" if finding.advice else ""
        yield f"{' '.join(finding.error.split())}{advice}"
    yield from finding.notes
    if finding.dimensions is not None and finding.seconds is not None:
        yield f"{finding.dimensions} dimensions in {finding.seconds:.2f} s"
    if finding.price:
        yield finding.price
    if finding.key:
        yield f"key: {finding.key}"


def _number(value: float | None, form: str) -> str:
    return _NOTHING if value is None else form.format(value)
