"""The contract of a strategy, as a suite that runs; see `council.strategies.base.Strategy`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import replace
from itertools import product

import anyio

from council.agents.scripted import ScriptedAgent
from council.errors import CouncilError
from council.events import (
    Event,
    ExpertCancelled,
    ExpertFailed,
    ExpertFinished,
    ExpertStarted,
    from_json,
    to_json,
)
from council.limits import RunLimits
from council.replies import label_of
from council.strategies import Strategy
from council.testing.contract import require, run_checks
from council.testing.leaks import no_tasks_left
from council.testing.prompts import plays, prompts
from council.testing.strategy_runs import (
    ANSWERS,
    EXPERT_IDS,
    FAILURES,
    WEIGHTS,
    Fault,
    Play,
    Scene,
    Seen,
    Subject,
)

_SEATS = range(len(EXPERT_IDS))
_QUORUM = 3
_CALLS = 3  # failures are tried in so many calls of each expert
_DEADLINE = 0.5
_GRACE = 10.0


async def check_strategy(
    strategy: Strategy | Callable[[], Strategy],
    *,
    checks: Collection[str] | None = None,
    answers: Sequence[Sequence[str]] = ANSWERS,
    play: Play = plays,
    needs: int | None = None,
    patience: float = 120.0,
    settle: float = 10.0,
) -> tuple[str, ...]:
    """Checks that a strategy keeps its contract, over panels of four scripted experts.

    Args:
        strategy: The strategy, or what makes one.
        checks: The names of the checks to make, of `STRATEGY_CHECKS`; None for all.
        answers: Sets of four answers; at least one has to lead to an answer of the panel.
        play: What experts say, where the strategy has prompts that `plays` does not know.
        needs: How many answers it needs whatever the panel's quorum is; None where it keeps to the
            quorum.
        patience: Seconds that each check may take.
        settle: Seconds within which tasks of a run that was left have to be gone.

    Returns:
        The names of the checks that were made.

    Raises:
        ContractError: A rule is broken; the message says which, and in which case.
    """
    make = (lambda: strategy) if isinstance(strategy, Strategy) else strategy
    subject = Subject(make, answers, play, needs, settle)
    return await run_checks(STRATEGY_CHECKS, checks, subject, patience)


def _scenes(subject: Subject) -> Iterator[Scene]:
    for answers in subject.answers:
        yield Scene(subject, answers)


async def _names(subject: Subject) -> None:
    made = subject.make()
    require(isinstance(made, Strategy), f"{made!r} is no Strategy")
    require(made.name and isinstance(made.name, str), f"its name is {made.name!r}")
    require(type(made).model_json_schema(), "its options have no schema")
    require(made == type(made).model_validate(made.model_dump()), "its options cannot be kept")


async def _one_end(subject: Subject) -> None:
    answered = False
    for scene in _scenes(subject):
        seen = await scene.watch()
        _require_honest(seen, "when nobody fails")
        answered = answered or seen.result.status != "failed"
        again = [from_json(to_json(event)) for event in seen.events]
        require(again == seen.events, "its events cannot be written down and read again")
    require(answered, "it came to no answer although nobody failed")


async def _failures(subject: Subject) -> None:
    for scene in _scenes(subject):
        sound = (await scene.watch()).result.status != "failed"
        spared = subject.needs is None or subject.needs < len(EXPERT_IDS)
        for seat, fault, call in product(_SEATS, FAILURES, range(_CALLS)):
            seen = await replace(scene, faults={(seat, call): fault}).watch()
            case = f"{EXPERT_IDS[seat]}, call {call + 1}, failing {fault}"
            _require_honest(seen, case)
            lost = sound and spared and seen.result.status == "failed"
            require(not lost, f"{case}: one failure of four costs the answer: {seen.error}")


async def _all_fail(subject: Subject) -> None:
    for scene, fault in product(_scenes(subject), FAILURES):
        everyone: dict[tuple[int, int], Fault] = {(seat, -1): fault for seat in _SEATS}
        seen = await replace(scene, faults=everyone).watch()
        _require_honest(seen, f"all failing {fault}")
        said = seen.result.answer
        require(seen.result.status == "failed", f"all failing {fault}: it answers {said!r}")
        later: dict[tuple[int, int], Fault] = {(seat, -2): fault for seat in _SEATS}
        seen = await replace(scene, faults=later).watch()
        _require_honest(seen, f"all failing {fault} after their first reply")


async def _cancelled(subject: Subject) -> None:
    for scene in _scenes(subject):
        events = len((await scene.watch()).events)
        for count, leave in product(range(events), (_leaves, _is_cancelled)):
            agents = scene.agents()
            async with no_tasks_left(subject.settle):
                await leave(scene, agents, count)
            left = [agent.id for agent in agents if agent.open]
            require(not left, f"stopped after {count} events: replies of {left} stay open")


async def _leaves(scene: Scene, agents: Sequence[ScriptedAgent], count: int) -> None:
    """Reads so many events and leaves the run."""
    async with scene.open(agents) as run:
        events = aiter(run)
        for _ in range(count):
            await anext(events)


async def _is_cancelled(scene: Scene, agents: Sequence[ScriptedAgent], count: int) -> None:
    """Is cancelled from outside after so many events, while it waits for the next one."""
    with anyio.CancelScope() as scope:
        async with scene.open(agents) as run:
            events = aiter(run)
            for _ in range(count):
                await anext(events)
            scope.cancel()
            await anext(events)


async def _same_seed(subject: Subject) -> None:
    for scene, seed in product(_scenes(subject), (0, 7)):
        first, second = [await replace(scene, seed=seed).watch() for _ in range(2)]
        one, two = transcript(first.events), transcript(second.events)
        for who in sorted({*one, *two}):
            once, again = one.get(who), two.get(who)
            told = f"seed {seed} gave {who or 'the run'} once {once}\nand once {again}"
            require(once == again, told)
        asked = zip(EXPERT_IDS, prompts(first.agents), prompts(second.agents), strict=True)
        for id, before, after in asked:
            told = f"with seed {seed}, {id} was asked once {before}\nand once {after}"
            require(sorted(before) == sorted(after), told)


def transcript(events: Sequence[Event]) -> dict[str, list[str]]:
    """What happened to each sample, and under an empty label to the run; without times and ids.

    Apart, since which of two replies gets a token first is no matter of the strategy.
    """
    found: dict[str, list[str]] = {}
    for event in events:
        line = re.sub(r'"(?:at|seconds|total|first_token)":[^,}]+', "", to_json(event))
        line = re.sub(r'"run_id":"\w+"', "", line)
        expert, sample = getattr(event, "expert", ""), getattr(event, "sample", 0)
        found.setdefault(expert and label_of(expert, sample), []).append(line)
    return found


async def _no_names(subject: Subject) -> None:
    names = re.compile("|".join([*EXPERT_IDS, r"quark-\d", r"gens-\d"]), re.IGNORECASE)
    for scene in _scenes(subject):
        seen = await scene.watch()
        for seat, sent in enumerate(prompts(seen.agents)):
            for prompt in sent:
                told = names.search(prompt)
                require(not told, f"{EXPERT_IDS[seat]} is told a name: {_around(told, prompt)}")
                others = re.search(rf"Persona-(?!{seat})\d", prompt)
                require(not others, f"{EXPERT_IDS[seat]} is told another one's part: {prompt!r}")


def _around(match: re.Match[str] | None, text: str) -> str:
    return repr(text[max(0, match.start() - 40) : match.end() + 40]) if match else ""


async def _no_weights(subject: Subject) -> None:
    turned = (*WEIGHTS[1:], WEIGHTS[0])
    for scene in _scenes(subject):
        plain = prompts((await scene.watch()).agents)
        for weights in (WEIGHTS[::-1], turned, [3 * weight for weight in WEIGHTS]):
            other = prompts((await replace(scene, weights=weights).watch()).agents)
            for id, one, two in zip(EXPERT_IDS, plain, other, strict=True):
                # Whether somebody still has to be asked may well depend on weights.
                fewer, more = sorted((one, two), key=len)
                told = Counter(fewer) - Counter(more)
                require(not told, f"what {id} is asked depends on the weights: {list(told)}")


async def _quorum(subject: Subject) -> None:
    needed = _QUORUM if subject.needs is None else subject.needs
    for scene in _scenes(subject):
        sound = (await scene.watch()).result.status != "failed"
        scene = replace(scene, limits=RunLimits(quorum=_QUORUM))
        for first in _SEATS:
            # Whoever is left out sits at `first` and after it.
            order = [(first + seat) % len(EXPERT_IDS) for seat in _SEATS]
            few = await _with_failing(scene, order[: len(EXPERT_IDS) - needed + 1])
            case = f"{needed - 1} of {needed} needed answers"
            require(few.result.status == "failed", f"{case}, and it answers {few.result.answer!r}")
            kind = few.error.kind if few.error else ""
            require(kind in ("quorum", "limit"), f"{case} is no lost quorum to it, but {kind!r}")
            enough = await _with_failing(scene, order[: len(EXPERT_IDS) - needed])
            lost = sound and enough.result.status == "failed"
            require(not lost, f"{needed} answers are enough, but it failed: {enough.error}")


async def _with_failing(scene: Scene, seats: Sequence[int]) -> Seen:
    seen = await replace(scene, faults={(seat, -1): "before" for seat in seats}).watch()
    _require_honest(seen, f"{[EXPERT_IDS[seat] for seat in seats]} failing")
    return seen


async def _deadline(subject: Subject) -> None:
    limits = RunLimits(deadline=_DEADLINE)
    for call, seats in ((-1, _SEATS), (-2, _SEATS), (-1, [0])):
        faults: dict[tuple[int, int], Fault] = {(seat, call): "stall" for seat in seats}
        for scene in _scenes(subject):
            seen = await replace(scene, faults=faults, limits=limits).watch()
            case = f"a deadline of {_DEADLINE} s and {len(seats)} experts that hang"
            _require_honest(seen, case)
            late = seen.result.seconds - _DEADLINE
            require(late < _GRACE, f"{case}: it ended {late:.1f} s too late")


def _require_honest(seen: Seen, case: str) -> None:
    """Whatever happens: one end, an outcome for each reply, and reasons for what is missing."""
    types = [event.type for event in seen.events]
    require(types[0] == "run.started", f"{case}: the first event is {types[0]}")
    ends = types.count("run.finished")
    require(types[-1] == "run.finished" and ends == 1, f"{case}: {ends} ends, and then {types[-1]}")
    _require_outcomes(seen.events, case)
    result = seen.result
    cause = seen.error.__cause__ if seen.error else None
    require(isinstance(cause, CouncilError | None), f"{case}: it raised {cause!r}")
    if result.status == "failed":
        require(seen.error is not None, f"{case}: the run failed and does not say why")
        return
    for event in seen.failed:
        told = any(event.expert in reason for reason in result.reasons)
        require(told, f"{case}: {event.expert} failed, and `reasons` does not say so")
    degraded = result.status == "degraded"
    require(degraded == bool(result.reasons), f"{case}: {result.status}, but {result.reasons}")


def _require_outcomes(events: Sequence[Event], case: str) -> None:
    """Nobody is asked without an outcome."""
    started = Counter(event.expert for event in events if isinstance(event, ExpertStarted))
    for expert, count in started.items():
        outcomes = [
            event
            for event in events
            if isinstance(event, ExpertFinished | ExpertFailed | ExpertCancelled)
            and event.expert == expert
        ]
        enough = len(outcomes) >= count
        require(enough, f"{case}: {expert} was asked {count} times, {len(outcomes)} came to an end")


STRATEGY_CHECKS: dict[str, Callable[[Subject], Awaitable[None]]] = {
    "names": _names,
    "one end": _one_end,
    "failures": _failures,
    "all fail": _all_fail,
    "cancelled at every event": _cancelled,
    "same seed": _same_seed,
    "no names in prompts": _no_names,
    "no weights in prompts": _no_weights,
    "quorum": _quorum,
    "deadline": _deadline,
}
"""All checks of the suite, by name; the order is that of `check_strategy`."""
