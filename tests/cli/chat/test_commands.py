"""What the commands of a chat do, on scripted panels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import council
from council.agents.scripted import Script, ScriptedAgent
from council.cli.chat.commands import COMMANDS, NAMES, Leave, obey
from council.cli.chat.screen import Screen
from council.cli.chat.spending import spending_lines, total
from council.cli.chat.spoken import Called, understood
from council.cli.chat.turns import Turns
from council.conversation import Conversation
from council.errors import ConfigError, TransportError
from council.messages import ChatMessage
from council.prices import Cost
from council.replies import Failure
from council.testing.prompts import prompts
from tests.support.panels import agents

pytestmark = pytest.mark.anyio

INTERRUPTED = Failure("interrupted", "the run was interrupted")
OPENING = (ChatMessage("system", "Be brief."),)


@asynccontextmanager
async def chat(*scripts: Script | tuple[Script, ...]) -> AsyncGenerator[Turns, None]:
    """A chat with experts a, b, c, …; each of a tuple is for one question."""
    async with council.open_council(agents(*scripts)) as panel:
        talk = panel.conversation(messages=OPENING)
        yield Turns(panel, talk, Screen(quiet=True), {}, opening=OPENING)


async def told(turns: Turns, line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command writes to standard error; standard output is for answers."""
    called = understood(line)
    assert isinstance(called, Called)
    capsys.readouterr()
    await obey(turns, called)
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", None),
        (" \n", None),
        (" why? ", "why?"),
        ("/why", Called("why", "")),
        (" /Save  my file.md ", Called("save", "my file.md")),
        ("//why", "/why"),
        ("a /b", "a /b"),
        ("/", Called("", "")),
    ],
    ids=["nothing", "blank", "question", "command", "argument", "escaped", "inside", "slash"],
)
def test_what_was_said(text: str, meant: object) -> None:
    assert understood(text) == meant


async def test_help_names_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    async with chat("7") as turns:
        text = await told(turns, "/help", capsys)
    for command in COMMANDS:
        assert f"/{command.name}" in text
        assert command.help in text
    for key in ("Alt-Enter", "Ctrl-C", "Ctrl-D", "\\", "//"):
        assert key in text


async def test_leaving_and_aliases() -> None:
    async with chat("7") as turns:
        for name in ("quit", "exit"):
            with pytest.raises(Leave):
                await obey(turns, Called(name, ""))
    assert {"retry", "again"} < set(NAMES)


async def test_before_anything_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    async with chat("7") as turns:
        for name in ("why", "cost", "undo", "retry"):
            with pytest.raises(ConfigError, match="nothing has been asked"):
                await obey(turns, Called(name, ""))
        assert "nothing has been asked yet" in await told(turns, "/history", capsys)
        assert "a  scripted  weight 1  not asked" in await told(turns, "/experts", capsys)


async def test_why_tells_votes_dissent_and_failures(capsys: pytest.CaptureFixture[str]) -> None:
    async with chat("It is 7", "7", "\x1b[HIt is 8", TransportError("it is down")) as turns:
        assert await turns.ask("How many?") == 0
        lines = (await told(turns, "/why", capsys)).splitlines()
    assert lines[:3] == [
        "degraded: decided by vote",
        "votes, by number: 7 by a b, 8 by c",
        "agreement: 2 of 3, 67% of the weight, 1 model family",
    ]
    assert "dissent: c said It is 8" in lines
    assert "missing: d: it is down" in lines
    assert sum("it is down" in line for line in lines) == 1


async def test_why_of_a_run_that_decided_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    async with chat(TransportError("down"), TransportError("down")) as turns:
        assert await turns.ask("How many?") == 3
        lines = (await told(turns, "/why", capsys)).splitlines()
    assert lines[0] == "failed: nothing was decided"


async def test_who_was_stopped_was_not_spared(capsys: pytest.CaptureFixture[str]) -> None:
    async with chat("7", "7") as turns:
        await turns.ask("How many?")
        assert turns.last is not None
        cut = tuple(replace(reply, status="cancelled") for reply in turns.last.experts)
        kept = replace(turns.last, experts=cut, decider=None)
        turns.last = replace(kept, answer=None, status="failed", error=INTERRUPTED)
        seats = await told(turns, "/experts", capsys)
        why = (await told(turns, "/why", capsys)).splitlines()
    assert seats.splitlines()[0].endswith("  stopped")
    assert "not needed" not in seats
    assert why[0] == "stopped: nothing was decided"


async def test_why_tells_rounds_and_who_changed(capsys: pytest.CaptureFixture[str]) -> None:
    async with chat("7", "7", ("8", "7")) as turns:
        await obey(turns, Called("strategy", "debate max_rounds=1"))
        assert await turns.ask("How many?") == 0
        text = await told(turns, "/why", capsys)
        assert "round 0: 7 by a b, 8 by c" in text
        assert "c changed from 8 to 7 (to the first majority)" in text
        assert "c  scripted  weight 1  round-1: done" in await told(turns, "/experts", capsys)


async def test_why_tells_the_ranking(capsys: pytest.CaptureFixture[str]) -> None:
    async with chat(("one", "1 2 3"), ("two", "1 2 3"), ("three", "1 2 3")) as turns:
        await obey(turns, Called("strategy", "rank"))
        await turns.ask("Which?")
        assert turns.last is not None
        text = await told(turns, "/why", capsys)
    assert ("ranking: 1." in text) == (turns.last.ranking is not None)
    assert "decided by rank" in text


async def test_who_was_not_needed_any_more_has_not_failed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with chat("7", [asyncio.Event().wait, "8"]) as turns:
        await obey(turns, Called("strategy", "first"))
        await turns.ask("How many?")
        assert "missing" not in await told(turns, "/why", capsys)
        text = await told(turns, "/experts", capsys)
        assert "b  scripted  weight 1  cancelled: not needed any more" in text


async def test_why_there_is_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    async with chat(TransportError("it is down"), TransportError("so is this")) as turns:
        assert await turns.ask("How many?") == 3
        text = await told(turns, "/why", capsys)
        assert "no answer: quorum lost" in text
        assert "missing: a: it is down\nmissing: b: so is this\n" in text
        assert "a  scripted  weight 1  failed: it is down" in await told(turns, "/experts", capsys)
        assert turns.talk.turns == ()


async def test_another_strategy_and_back(capsys: pytest.CaptureFixture[str]) -> None:
    async with chat("7", "7") as turns:
        text = await told(turns, "/strategy", capsys)
        assert text.startswith("strategy: vote\nothers: auto, concat, ")
        assert await told(turns, "/strategy concat", capsys) == "strategy: concat\n"
        await turns.ask("How many?")
        assert turns.last is not None
        assert turns.last.strategy == "concat"
        text = await told(turns, "/strategy vote extract=text", capsys)
        assert text.startswith("strategy: vote extract=")
        await obey(turns, Called("strategy", "vote"))
        assert turns.strategy is turns.council.strategy


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("vot", "did you mean 'vote'?"),
        ("vote extrakt=text", "extrakt"),
        ("vote extract", "expected key=value"),
        ("debate converge=semantic", "has no `embedder`"),
    ],
    ids=["name", "option", "pair", "embedder"],
)
async def test_a_strategy_that_cannot_be(argument: str, message: str) -> None:
    async with chat("7", "7") as turns:
        before = turns.strategy
        with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
            await obey(turns, Called("strategy", argument))
        assert turns.strategy is before


async def test_asking_again_takes_the_place_of_the_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    agent = ScriptedAgent("a", "first", "second")
    async with council.open_council([agent]) as panel:
        turns = Turns(panel, panel.conversation(), Screen(quiet=True), {"seed": 3})
        await turns.ask("How?")
        await obey(turns, Called("retry", ""))
    assert [turn.answer for turn in turns.talk.turns] == ["second"]
    assert [len(request.messages) for request in agent.requests] == [1, 1]
    assert capsys.readouterr().out == "first\nsecond\n"
    assert len(turns.results) == 2


async def test_what_was_answered_stays_where_asking_again_fails() -> None:
    async with chat(("fine", TransportError("it is down"), "better")) as turns:
        await turns.ask("How?")
        assert await turns.again() == 3
        assert [turn.answer for turn in turns.talk.turns] == ["fine"]
        assert turns.talk.dropped is None
        assert await turns.again() == 0
        assert [turn.answer for turn in turns.talk.turns] == ["better"]


async def test_what_came_to_no_answer_is_asked_again() -> None:
    agent = ScriptedAgent("a", "one", TransportError("it is down"), "two")
    async with council.open_council([agent]) as panel:
        turns = Turns(panel, panel.conversation(), Screen(quiet=True), {})
        await turns.ask("1?")
        assert await turns.ask("2?") == 3
        assert await turns.again() == 0
    assert [turn.answer for turn in turns.talk.turns] == ["one", "two"]
    assert prompts([agent]) == [["1?", *["1?\none\n2?"] * 2]]


async def test_a_turn_is_shown_also_where_it_is_cancelled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    begun = asyncio.Event()

    async def forever() -> None:
        begun.set()
        await asyncio.Event().wait()

    agent = ScriptedAgent("a", [forever, "too late"])
    async with council.open_council([agent]) as panel:
        turns = Turns(panel, panel.conversation(), Screen(quiet=True), {})
        task = asyncio.create_task(turns.ask("How?"))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert "interrupted; so far:\na: nothing yet\n" in capsys.readouterr().err
    assert turns.talk.dropped is not None
    assert len(turns.results) == 1


async def test_undo_and_clear(capsys: pytest.CaptureFixture[str]) -> None:
    async with chat("7") as turns:
        await turns.ask("One?")
        await turns.ask("Two?")
        assert await told(turns, "/undo", capsys) == "taken back: Two?\n"
        assert [turn.question for turn in turns.talk.turns] == ["One?"]
        before = turns.talk.id
        await obey(turns, Called("clear", ""))
        assert turns.talk.messages == OPENING
        assert turns.talk.id != before
        # What it cost is not undone by that.
        assert (await told(turns, "/cost", capsys)).startswith("2 runs, ")


async def test_history_in_short(capsys: pytest.CaptureFixture[str]) -> None:
    async with chat(("x" * 1000, TransportError("down"))) as turns:
        await turns.ask("One\nor two?")
        await turns.ask("And?")
        lines = (await told(turns, "/history", capsys)).splitlines()
    assert lines[0] == "system: Be brief."
    assert lines[1] == "  1  One or two?"
    assert len(lines[2]) < 400
    assert lines[3:] == ["  ?  And?", "     no answer: /retry asks it again"]


async def test_a_chat_is_saved_for_people_and_for_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    async with chat("7", "7") as turns:
        await turns.ask("How many?")
        text = await told(turns, "/save", capsys)
        file = tmp_path / f"council-{turns.talk.id[:8]}.md"
        assert text == f"saved in {file}\n"
        assert file.read_text().startswith(
            f"# How many?\n\n- conversation: {turns.talk.id}\n\n## System\n\nBe brief.\n\n"
            "## Question 1\n\nHow many?\n\n## Answer 1\n\n7\n\n- [complete · vote · 2 of 2 agree"
        )
        await obey(turns, Called("save", "a chat.json"))
        again = Conversation.from_json((tmp_path / "a chat.json").read_text(), turns.council)
        assert again.messages == turns.talk.messages
        # What this chat has written it may write again; what others have, it may not.
        await obey(turns, Called("save", "a chat.json"))
        (tmp_path / "theirs.md").write_text("theirs")
        for name, why in (("theirs.md", "is there already"), ("no/such.md", "No such file")):
            with pytest.raises(ConfigError, match=why):
                await obey(turns, Called("save", name))
    assert (tmp_path / "theirs.md").read_text() == "theirs"


async def test_tokens_and_dollars() -> None:
    async with chat("7", "7") as turns:
        await turns.ask("One?")
        await turns.ask("Two?")
        lines = spending_lines(turns.results)
    usage = turns.results[0].usage + turns.results[1].usage
    assert lines[0].startswith("2 runs, ")
    assert f"{usage.total_tokens} tokens: {usage.prompt_tokens} in prompts" in lines[1]
    assert lines[2] == "what a, b cost is not known: a panel file may say `price`"


def test_costs_add_up_as_far_as_they_are_known() -> None:
    known = Cost(amount=0.25, at_least=0.25, tabled=("a",), table="t 1")
    partly = Cost(amount=None, at_least=0.5, unpriced=("b",), estimated=True)
    assert total([known, known]) == Cost(0.5, 0.5, tabled=("a",), table="t 1")
    assert total([known, partly]) == Cost(None, 0.75, ("b",), True, ("a",), "t 1")
    assert total([]) == Cost(amount=0)
