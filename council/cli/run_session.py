"""One run: shows events, prints what came of it, and minds the signals."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from council.cli.exit_codes import FAILED, OK, UNREAD, of_error
from council.cli.interrupts import run_until_signal
from council.cli.printed import print_answer
from council.cli.store_options import where
from council.cli.summary import partial_lines, summary_lines
from council.cli.terminal import answer, feed, say, shows_styles
from council.cli.view import View, make_view
from council.errors import ConfigError
from council.events import Event, to_json
from council.prices import Price
from council.result import Result

if TYPE_CHECKING:
    from council.store.store import Store


class Watched(Protocol):
    """A run under way, or one that is kept: what of a `Run` is of use here."""

    def __aiter__(self) -> AsyncIterator[Event]: ...

    @property
    def result(self) -> Result: ...

    def snapshot(self) -> Result | None: ...


@runtime_checkable
class Priced(Protocol):
    """A run that knows what its replies cost."""

    @property
    def prices(self) -> Mapping[str, Price | None]: ...


@dataclass(frozen=True, slots=True)
class Shown:
    """How the command line wants a run shown; raises ConfigError for what cannot be combined."""

    as_json: bool
    as_events: bool
    quiet: bool

    def __post_init__(self) -> None:
        if self.as_json and self.as_events:
            raise ConfigError("--json and --events exclude each other: choose one")

    @property
    def watched(self) -> bool:
        """Whether somebody looks on while it happens."""
        return not (self.as_json or self.as_events or self.quiet)


class RunSession:
    """One run, shown as asked for.

    Args:
        options: How to show it.
        open_run: Starts it; leaving the block ends it.
        store: Where it is kept, if anywhere.
        line_of: The line of JSON for an event.
    """

    def __init__(
        self,
        options: Shown,
        open_run: Callable[[], AbstractAsyncContextManager[Watched]],
        *,
        store: Store | None = None,
        line_of: Callable[[Event], str] = to_json,
    ) -> None:
        self._options = options
        self._open_run = open_run
        self._store = store
        self._line_of = line_of
        self._exit_code = OK
        self._run: Watched | None = None
        self._view: View = make_view(quiet=options.quiet or options.as_events)

    async def run(self) -> int:
        """Asks; returns the exit code.

        Raises:
            ConfigError: The panel file or an option cannot be used.
            StoreError: There is no such run.
        """
        interrupted = await run_until_signal(self._ask, self._print_partial)
        return self._exit_code if interrupted is None else interrupted

    async def _ask(self) -> None:
        async with self._open_run() as run:
            self._run = run
            if isinstance(run, Priced):
                self._view.price(run.prices)
            with self._view:
                try:
                    async for event in run:
                        self._show(event)
                except BrokenPipeError:
                    # Only the events are fed: what nobody reads is not to be paid for.
                    return self._leave(run)
            self._run = None
            self._finish(run.result)

    def _show(self, event: Event) -> None:
        if self._options.as_events:
            self._wrote(feed(self._line_of(event)))
        self._view.show(event)

    def _leave(self, run: Watched) -> None:
        """Settles what is said of a run whose reader has gone; leaving its block stops it."""
        self._run, self._exit_code = None, UNREAD
        result = run.snapshot()
        if result is not None and result.error is not None and not self._options.quiet:
            say("stopped: nobody reads the events any more")
            self._say_how_to_go_on(result)

    def _finish(self, result: Result) -> None:
        """Prints the result and settles the exit code."""
        if self._options.as_json:
            self._print(result.to_json(indent=2))
        elif result.answer is not None and not self._options.as_events:
            self._print_answer(result.answer, as_it_is=result.parsed is not None)
        if result.error is not None:
            self._exit_code = of_error(result.error.kind)
        # A degraded answer or a failure is said even to those who want it quiet.
        for line in summary_lines(result, brief=self._options.quiet):
            say(line)
        if result.error is not None:
            self._say_how_to_go_on(result)

    def _print_partial(self) -> None:
        self._view.close()
        if self._run is None:
            return
        result = self._run.snapshot()
        if result is None:
            return
        if self._options.as_json:
            self._print(result.to_json(indent=2))
        else:
            for line in partial_lines(result):
                say(line)
        self._say_how_to_go_on(result)

    def _say_how_to_go_on(self, result: Result) -> None:
        if self._store is not None and self._store.keeping and not self._options.quiet:
            say(f"council resume {result.run_id[:8]}{where(self._store)} goes on from here")

    def _print_answer(self, text: str, *, as_it_is: bool) -> None:
        self._wrote(print_answer(text, as_it_is=as_it_is))
        if shows_styles(sys.stdout) and not self._options.quiet:
            say("")  # what follows is no part of it

    def _print(self, text: str) -> None:
        self._wrote(answer(text))

    def _wrote(self, whole: bool) -> None:
        if not whole:
            say("council: error: standard output cannot be written to")
            self._exit_code = FAILED
