"""One evaluation or several: shows how far it is, prints what came of it, minds the signals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from council.cli.exit_codes import FAILED, OK
from council.cli.interrupts import run_until_signal
from council.cli.terminal import answer, harmless, say
from council.council import open_council
from council.errors import ConfigError
from council.evaluation.comparison import Measured, compare, comparison_markdown, pictured
from council.evaluation.measure import BASELINE, Evaluation, questions_at_once
from council.evaluation.plot import plot
from council.evaluation.questions import read_questions
from council.evaluation.report import Asked, Member, as_data, markdown
from council.evaluation.scoring import Answered
from council.evaluation.summary import Summary, summarize

_LINES = 20  # of progress for each of panel and baseline
_FAILURES = 3


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """What the command line asks for; raises ConfigError for what cannot be combined."""

    configs: tuple[Path, ...]
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
        if len(set(self.configs)) < len(self.configs):
            raise ConfigError("a panel file is named twice: each is compared with the others once")
        # Known before minutes of asking, not after them.
        if self.plot and (self.plot.is_dir() or not self.plot.absolute().parent.is_dir()):
            raise ConfigError(f"--plot {self.plot}: expected a file in a folder that exists")


class EvalSession:
    """One evaluation for each panel file, shown as asked for.

    Args:
        options: What the command line asks for.

    Raises:
        ConfigError: The question file cannot be used.
    """

    def __init__(self, options: EvalOptions) -> None:
        self._options = options
        self._questions = read_questions(options.questions)[: options.limit]
        self._evaluations: list[Evaluation] = []
        self._asking: Evaluation | None = None
        self._printed = False
        self._right: dict[str, int] = {}
        self._failures = 0
        self._exit_code = OK

    async def run(self) -> int:
        """Asks; returns the exit code.

        Raises:
            ConfigError: A panel file cannot be used.
        """
        interrupted = await run_until_signal(self._ask, self._print_partial)
        return self._exit_code if interrupted is None else interrupted

    async def _ask(self) -> None:
        configs = self._options.configs
        for config in configs:
            # A mistake in the last file is told before minutes of asking, not after them.
            async with open_council(config):
                pass
        for config, name in zip(configs, names_of(configs), strict=True):
            if len(configs) > 1 and not self._options.quiet:
                say(f"{harmless(name)}:")
            await self._ask_panel(config)
        self._print()

    async def _ask_panel(self, config: Path) -> None:
        options = self._options
        self._right = {}
        async with open_council(config) as council:
            evaluation = Evaluation(
                council,
                self._questions,
                seed=options.seed,
                at_once=options.at_once,
                tell=self._tell,
            )
            self._evaluations.append(evaluation)
            self._asking = evaluation
            await evaluation.ask_panel()
            if options.baseline:
                await evaluation.ask_baseline(options.samples)
            self._asking = None

    def _print_partial(self) -> None:
        self._evaluations = [one for one in self._evaluations if one.panel]
        if self._evaluations and not self._printed:
            self._print()

    def _print(self) -> None:
        """Prints the reports, draws the picture and settles the exit code."""
        # From here on an interrupt finds nothing more to print.
        self._printed = True
        measured = self._measured()
        render = self._json if self._options.as_json else self._markdown
        if not answer(render(measured)):
            say("council: error: standard output cannot be written to")
            self._exit_code = FAILED
        self._say_unmeasured(measured)
        self._draw(measured)

    def _say_unmeasured(self, measured: Sequence[Measured]) -> None:
        """Says whom nothing is known of; it is a failure where that is everybody."""
        unknown = [one.name for one in measured if one.summary.rows[0].accuracy is None]
        if len(measured) > 1:
            for name in unknown:
                say(f"council: warning: {harmless(name)}: nothing could be measured")
        if len(unknown) == len(measured):
            self._exit_code = FAILED

    def _measured(self) -> list[Measured]:
        # An interrupted session has asked only the first panels.
        names = names_of(self._options.configs)
        return [
            Measured(name, summary_of(one))
            for name, one in zip(names, self._evaluations, strict=False)
        ]

    def _markdown(self, measured: Sequence[Measured]) -> str:
        both = zip(self._asked(), measured, strict=True)
        parts = [markdown(asked, one.summary) for asked, one in both]
        if len(measured) > 1:
            comparison = compare(measured, self._options.seed)
            parts.append(comparison_markdown(comparison, str(self._options.questions)))
        return "\n\n".join(parts)

    def _json(self, measured: Sequence[Measured]) -> str:
        """One panel's object; for several, a list of them and the comparison."""
        panels = [
            as_data(asked, one.summary, evaluation.panel, evaluation.baseline)
            for asked, one, evaluation in zip(
                self._asked(), measured, self._evaluations, strict=True
            )
        ]
        data: dict[str, object] = panels[0]
        if len(self._options.configs) > 1:
            comparison = compare(measured, self._options.seed)
            data = {"panels": panels, "comparison": asdict(comparison)}
        return json.dumps(data, indent=2, ensure_ascii=False)

    def _asked(self) -> list[Asked]:
        """How each panel was asked; one that was still being asked has been interrupted."""
        options = self._options
        return [
            Asked(
                str(config),
                str(options.questions),
                options.seed,
                options.at_once or questions_at_once(evaluation.council),
                evaluation is self._asking,
                tuple(map(Member.of, evaluation.council.experts)),
            )
            for config, evaluation in zip(options.configs, self._evaluations, strict=False)
        ]

    def _draw(self, measured: Sequence[Measured]) -> None:
        if self._options.plot is None:
            return
        title = f"{', '.join(names_of(self._options.configs))} on {self._options.questions.name}"
        try:
            self._options.plot.write_text(plot(pictured(measured), title), "utf-8")
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


def names_of(configs: Sequence[Path]) -> list[str]:
    """What panels are called: their files without `.yaml`, or as given if two would be alike."""
    names = [config.stem for config in configs]
    return names if len(set(names)) == len(names) else [str(config) for config in configs]


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
