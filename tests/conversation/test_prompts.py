"""What strategies ask within a conversation: the context is there, names and tallies are not."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

import council
from council.agents.scripted import ScriptedAgent
from council.expert import Expert
from council.messages import ChatRequest, Role
from council.place import History
from council.strategies import STRATEGIES
from council.testing.prompts import plays, prompt_of, prompts, shown
from council.testing.strategy_runs import ANSWERS, EXPERT_IDS

pytestmark = pytest.mark.anyio

FIRST, SECOND = "What is the capital of Japan?", "And of Italy?"
CASES = [
    *((name, {}) for name in sorted(STRATEGIES)),
    ("judge", {"mode": "score"}),
    ("judge", {"mode": "pairwise"}),
    ("debate", {"when": "always", "max_rounds": 2, "final": "synthesize"}),
    ("synthesize", {"top": 2}),
]


def script(answers: tuple[str, ...], seat: int) -> Callable[[ChatRequest], str]:
    return lambda request: plays(answers, seat, request)


def seats(answers: tuple[str, ...]) -> list[Expert]:
    """Four experts whose names, models, families and parts are told from all other words."""
    return [
        Expert(
            id,
            ScriptedAgent(id, script(answers, seat), model=f"quark-{seat}"),
            persona=f"Persona-{seat}",
            family=f"gens-{seat}",
            samples=1 + seat % 2,
        )
        for seat, id in enumerate(EXPERT_IDS)
    ]


def sent(panel: list[Expert]) -> list[ScriptedAgent]:
    return [seat.agent for seat in panel if isinstance(seat.agent, ScriptedAgent)]


@pytest.mark.parametrize("answers", ANSWERS, ids=["numbers", "texts"])
@pytest.mark.parametrize("history", ["answers", "own"])
@pytest.mark.parametrize(("name", "options"), CASES)
async def test_no_prompt_of_a_later_turn_holds_a_name(
    name: str, options: dict[str, object], history: History, answers: tuple[str, ...]
) -> None:
    panel = seats(answers)
    async with council.open_council(panel, strategy={"name": name, **options}) as opened:
        talk = opened.conversation(history)
        await talk.ask(FIRST)
        await talk.ask(SECOND)
    names = re.compile("|".join([*EXPERT_IDS, r"quark-\d", r"gens-\d"]), re.IGNORECASE)
    for seat, texts in enumerate(prompts(sent(panel))):
        for text in texts:
            assert not names.search(text)
            assert not re.search(rf"Persona-(?!{seat})\d", text)
    # And nobody is asked the second question without the first one before it.
    for agent in sent(panel):
        later = [request for request in agent.requests if SECOND in prompt_of(request)]
        assert all(roles(request) == ["user", "assistant", "user"] for request in later)
        assert all(request.messages[0].text == FIRST for request in later)


def roles(request: ChatRequest) -> list[Role]:
    return [message.role for message in request.messages]


def by_stage(agent: ScriptedAgent, mark: str) -> list[ChatRequest]:
    """The requests of the second turn whose prompt holds a text."""
    return [
        each for each in agent.requests if SECOND in prompt_of(each) and mark in prompt_of(each)
    ]


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("judge", "BEST: X"),
        ("rank", "FINAL RANKING: X"),
        ("synthesize", "Write the best single answer"),
    ],
)
@pytest.mark.parametrize("history", ["answers", "own"])
async def test_whoever_writes_or_judges_sees_the_panels_answers(
    name: str, mark: str, history: History
) -> None:
    panel = seats(ANSWERS[0])
    async with council.open_council(panel, strategy=name) as opened:
        talk = opened.conversation(history)
        first = await talk.ask(FIRST)
        await talk.ask(SECOND)
    asked = [request for agent in sent(panel) for request in by_stage(agent, mark)]
    assert asked
    assert {request.messages[1].text for request in asked} == {first.answer}


async def test_in_a_debate_each_seat_keeps_its_own_history() -> None:
    panel = seats(ANSWERS[1])
    strategy = {"name": "debate", "when": "always", "max_rounds": 1}
    async with council.open_council(panel, strategy=strategy) as opened:
        talk = opened.conversation("own")
        await talk.ask(FIRST)
        await talk.ask(SECOND)
    for seat, agent in enumerate(sent(panel)):
        for request in by_stage(agent, "Others have answered this too"):
            assert request.messages[1].text == ANSWERS[1][seat]
            # Others' answers of this turn are shown, and none of an earlier one.
            assert len(shown(request)) == 5


async def test_what_all_share_comes_first() -> None:
    panel = seats(ANSWERS[0])
    async with council.open_council(panel) as opened:
        talk = opened.conversation()
        await talk.ask(FIRST)
        await talk.ask(SECOND)
    last = [agent.requests[-1].messages for agent in sent(panel)]
    assert len({messages[:-1] for messages in last}) == 1
    for seat, messages in enumerate(last):
        assert messages[-1].text == f"{SECOND}\n\nYour part on this panel: Persona-{seat}"


async def test_the_answer_of_concat_is_kept_without_names() -> None:
    panel = [ScriptedAgent("ada", "Tokyo", "Rome"), ScriptedAgent("bob", "Kyoto", "Rome")]
    async with council.open_council(panel, strategy="concat") as opened:
        talk = opened.conversation()
        result = await talk.ask(FIRST)
        await talk.ask(SECOND)
    assert result.answer == "## ada (scripted)\n\nTokyo\n\n## bob (scripted)\n\nKyoto"
    unnamed = "## Answer 1\n\nTokyo\n\n## Answer 2\n\nKyoto"
    assert talk.turns[0].answer == unnamed
    assert panel[0].requests[1].messages[1].text == unnamed


@pytest.mark.parametrize(
    ("question", "answer", "extract"),
    [("What is 17 + 25?", "It is 42.", "number"), ("A) cat or B) dog?", "A", "choice")],
)
async def test_positions_are_read_from_answers_alone(
    question: str, answer: str, extract: str
) -> None:
    """The turn before asked for a number or a choice; this one asks for neither."""
    later = "Rome"
    panel = [ScriptedAgent(id, answer, later) for id in ("ada", "bob", "cyd")]
    async with council.open_council(panel) as opened:
        talk = opened.conversation()
        first = await talk.ask(question)
        second = await talk.ask("Which city is meant here?")
    assert first.votes is not None
    assert second.votes is not None
    assert (first.votes.extract, second.votes.extract) == (extract, "text")
    assert (second.votes.winner, second.agreement and second.agreement.agree) == ("rome", 3)
