"""One `council run`: shows events, prints what came of it, and minds the signals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from council.cli.exit_codes import FAILED, OK, of_error
from council.cli.interrupts import run_until_signal
from council.cli.summary import partial_lines, summary_lines
from council.cli.terminal import answer, say
from council.cli.view import View, make_view
from council.council import open_council
from council.events import Event, to_json
from council.result import Result
from council.run import Run


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line asks for."""

    config: Path
    question: str
    strategy: str | None
    deadline: float | None
    as_json: bool
    as_events: bool
    quiet: bool


class RunSession:
    """One question to a panel file, shown as asked for."""

    def __init__(self, options: RunOptions) -> None:
        self._options = options
        self._exit_code = OK
        self._run: Run | None = None
        self._view: View = make_view(quiet=options.quiet or options.as_events)

    async def run(self) -> int:
        """Asks; returns the exit code.

        Raises:
            ConfigError: The panel file or an option cannot be used.
        """
        interrupted = await run_until_signal(self._ask, self._print_partial)
        return self._exit_code if interrupted is None else interrupted

    async def _ask(self) -> None:
        options = self._options
        async with open_council(options.config) as council:
            stream = council.stream(
                options.question, strategy=options.strategy, deadline=options.deadline
            )
            async with stream as run:
                self._run = run
                with self._view:
                    async for event in run:
                        self._show(event)
            self._run = None
            self._finish(run.result)

    def _show(self, event: Event) -> None:
        if self._options.as_events:
            self._print(to_json(event))
        self._view.show(event)

    def _finish(self, result: Result) -> None:
        """Prints the result and settles the exit code."""
        if self._options.as_json:
            self._print(result.to_json(indent=2))
        elif result.answer is not None and not self._options.as_events:
            self._print(result.answer)
        if result.error is not None:
            self._exit_code = of_error(result.error.kind)
        # A degraded answer or a failure is said even to those who want it quiet.
        for line in summary_lines(result, brief=self._options.quiet):
            say(line)

    def _print_partial(self) -> None:
        self._view.close()
        if self._run is None:
            return
        result = self._run.snapshot()
        if self._options.as_json:
            self._print(result.to_json(indent=2))
        else:
            for line in partial_lines(result):
                say(line)

    def _print(self, text: str) -> None:
        if not answer(text):
            say("council: error: standard output cannot be written to")
            self._exit_code = FAILED
