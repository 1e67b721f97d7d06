"""One evaluation: shows how far it is, prints what came of it, and minds the signals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from council.cli.exit_codes import FAILED, OK
from council.cli.interrupts import run_until_signal
from council.cli.terminal import answer, harmless, say
from council.council import open_council
from council.errors import ConfigError
from council.evaluation.measure import BASELINE, Evaluation, questions_at_once
from council.evaluation.plot import plot
from council.evaluation.questions import read_questions
from council.evaluation.report import Asked, markdown, to_json
from council.evaluation.scoring import Answered
from council.evaluation.summary import Summary, summarize

_LINES = 20  # of progress for each of panel and baseline
_FAILURES = 3


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """What the command line asks for; raises ConfigError for what cannot be combined."""

    config: Path
    questions: Path
    baseline: bool
    samples: int | None
    limit: int | None
    at_once: int | None
    seed: int
    as_json: bool
    plot: Path | None
    quiet: bool

    def __post_init__(self) -> None:
        if self.samples is not None and not self.baseline:
            raise ConfigError("--samples is the baseline's: add --baseline self-consistency")
        # Known before minutes of asking, not after them.
        if self.plot and (self.plot.is_dir() or not self.plot.absolute().parent.is_dir()):
            raise ConfigError(f"--plot {self.plot}: expected a file in a folder that exists")


class EvalSession:
    """One evaluation, shown as asked for.

    Args:
        options: What the command line asks for.

    Raises:
        ConfigError: The question file cannot be used.
    """

    def __init__(self, options: EvalOptions) -> None:
        self._options = options
        self._questions = read_questions(options.questions)[: options.limit]
        self._evaluation: Evaluation | None = None
        self._right: dict[str, int] = {}
        self._failures = 0
        self._exit_code = OK

    async def run(self) -> int:
        """Asks; returns the exit code.

        Raises:
            ConfigError: The panel file cannot be used.
        """
        interrupted = await run_until_signal(self._ask, self._print_partial)
        return self._exit_code if interrupted is None else interrupted

    async def _ask(self) -> None:
        options = self._options
        async with open_council(options.config) as council:
            evaluation = Evaluation(
                council,
                self._questions,
                seed=options.seed,
                at_once=options.at_once,
                tell=self._tell,
            )
            self._evaluation = evaluation
            await evaluation.ask_panel()
            if options.baseline:
                await evaluation.ask_baseline(options.samples)
            # From here on an interrupt finds nothing more to print.
            self._evaluation = None
            self._print(evaluation)

    def _print_partial(self) -> None:
        evaluation, self._evaluation = self._evaluation, None
        if evaluation is not None and evaluation.panel:
            self._print(evaluation, interrupted=True)

    def _print(self, evaluation: Evaluation, *, interrupted: bool = False) -> None:
        """Prints the report, draws the picture and settles the exit code."""
        options, summary = self._options, summary_of(evaluation)
        at_once = options.at_once or questions_at_once(evaluation.council)
        paths = str(options.config), str(options.questions)
        asked = Asked(*paths, options.seed, at_once, interrupted)
        text = markdown(asked, summary)
        if options.as_json:
            text = to_json(asked, summary, evaluation.panel, evaluation.baseline)
        if not answer(text):
            say("council: error: standard output cannot be written to")
            self._exit_code = FAILED
        if summary.rows[0].accuracy is None:
            self._exit_code = FAILED
        self._draw(summary)

    def _draw(self, summary: Summary) -> None:
        if self._options.plot is None:
            return
        title = f"{self._options.config.name} on {self._options.questions.name}"
        try:
            self._options.plot.write_text(plot(summary, title), "utf-8")
        except OSError as error:
            say(f"council: error: --plot {self._options.plot}: {error.strerror or error}")
            self._exit_code = FAILED

    def _tell(self, name: str, done: int, outcome: Answered) -> None:
        """A line now and then, and one for each of the first failures."""
        if self._options.quiet:
            return
        self._right[name] = self._right.get(name, 0) + (outcome.verdict == "right")
        if outcome.verdict == "failed" and outcome.result.error and self._failures < _FAILURES:
            self._failures += 1
            message = " ".join(outcome.result.error.message.split())
            say(f"{name:>16} | {harmless(f'{outcome.question.id}: failed: {message}')}")
        total = len(self._questions)
        if done * _LINES // total > (done - 1) * _LINES // total:
            say(f"{name:>16} | {done} of {total} questions, {self._right[name]} right")


def summary_of(evaluation: Evaluation) -> Summary:
    """What an evaluation has come to so far."""
    alone = evaluation.resampled
    name = f"{BASELINE} ({alone.id} × {alone.samples})" if alone else ""
    return summarize(
        evaluation.questions,
        evaluation.panel,
        [expert.id for expert in evaluation.council.experts],
        strategy=evaluation.council.strategy.name,
        baseline=evaluation.baseline,
        baseline_name=name,
        seed=evaluation.seed,
    )
