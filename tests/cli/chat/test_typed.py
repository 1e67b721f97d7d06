"""`council chat` at a terminal: keys, signals, what stays when an answer does not come."""

from __future__ import annotations

import os
import shlex
import signal
from pathlib import Path

import pytest

from council.testing import (
    Request,
    Step,
    chunked,
    delta,
    raw_server,
    until_closed,
    unused_port,
    whole_reply,
)
from council.testing.frames import STREAM_HEAD
from council.testing.raw_server import serving
from tests.support.chats import ChatFolder, asked, counting
from tests.support.typed import ALT_ENTER, COUNCIL, CTRL_C, CTRL_D, CTRL_Z, READY, TAB, UP

pytestmark = pytest.mark.anyio

HALF: list[Step] = [STREAM_HEAD, chunked(delta("half an answer\n")), until_closed]


@pytest.fixture
def home(tmp_path: Path) -> ChatFolder:
    return ChatFolder(tmp_path)


async def test_a_chat_from_greeting_to_goodbye(home: ChatFolder) -> None:
    async with counting() as server:
        with home.typed(home.panel(server)) as chat:
            await chat.until("A · vote\n/help lists the commands, Ctrl-D leaves\n")
            chat.say("one?")
            await chat.until("answer 1\n", "[complete · vote · ")
            chat.say("two?")
            await chat.until("answer 2\n", "[complete · vote · ")
            await chat.until(READY)
            chat.type(CTRL_D)
            assert await chat.end() == 0
    run = home.store.run("last")
    assert f"--continue {run.id[:8]} --store" not in chat.shown
    assert f"--continue {run.id[:8]} goes on from here" in chat.shown
    assert asked(server)[1] == ["one?", "answer 1", "two?"]
    assert [run.place.turn for run in home.store.runs() if run.place] == [2, 1]


async def test_ctrl_c_stops_the_answer_and_keeps_the_chat(home: ChatFolder) -> None:
    async with raw_server(whole_reply("fine"), HALF, whole_reply("again")) as server:
        with home.typed(home.panel(server)) as chat:
            chat.say("one?")
            await chat.until("[complete")
            chat.say("two?")
            await chat.until("half an answer")
            chat.type(CTRL_C)
            await chat.until("interrupted; so far:\nA (partial): half an answer\n")
            # It has hung up: nobody writes on for nobody.
            await server.closed[-1].wait()
            chat.say("/history")
            await chat.until("1  one?\n     fine\n  ?  two?\n     no answer: /retry asks it again")
            chat.say("/why")
            await chat.until("no answer: the run was interrupted")
            chat.say("three?")
            await chat.until("again\n", "[complete")
            chat.say("/quit")
            assert await chat.end() == 0
    assert asked(server)[-1] == ["one?", "fine", "three?"]
    states = [run.state for run in home.store.runs()]
    assert states == ["complete", "interrupted", "complete"]


async def test_ctrl_c_with_one_model_keeps_what_was_typed_out(home: ChatFolder) -> None:
    async with raw_server(HALF, whole_reply("first ", "second")) as server:
        with home.typed("--url", server.url, "--model", "m") as chat:
            chat.say("one?")
            await chat.until("half an answer\n")
            chat.type(CTRL_C)
            shown = await chat.until("interrupted\n")
            assert "so far" not in shown
            chat.say("/retry")
            # As it is written, and not a second time at the end.
            shown = await chat.until("[complete · first · ")
            assert shown.count("first second") == 1
            await chat.until(READY)
            chat.type(CTRL_D)
            assert await chat.end() == 0
    assert asked(server) == [["one?"], ["one?"]]


async def test_ctrl_c_at_the_prompt(home: ChatFolder) -> None:
    async with counting() as server:
        with home.typed(home.panel(server)) as chat:
            await chat.until(READY)
            chat.type(CTRL_C)
            await chat.until("Ctrl-D or /quit leaves; /help lists the commands")
            await chat.until(READY)
            chat.type("half a question")
            await chat.until("question")
            chat.type(CTRL_C)
            await chat.until(READY)
            chat.say("whole?")
            shown = await chat.until("answer 1\n")
            assert "leaves" not in shown
            await chat.until(READY)
            chat.type(CTRL_D)
            assert await chat.end() == 0
    assert asked(server) == [["whole?"]]


async def test_a_server_that_is_gone_between_two_turns(home: ChatFolder) -> None:
    def answer(request: Request) -> list[Step]:
        return whole_reply(f"{len(request.json['messages'])} messages")

    port = unused_port()
    with home.typed(home.panel(f"http://127.0.0.1:{port}")) as chat:
        async with serving(answer, port=port):
            chat.say("one?")
            await chat.until("1 messages\n", "[complete")
        chat.say("two?")
        await chat.until("failed: quorum lost: 0 of 1 needed experts answered (A: ", READY)
        async with serving(answer, port=port):
            chat.say("/retry")
            await chat.until("3 messages\n", "[complete")
        chat.say("/history")
        await chat.until("2  two?\n     3 messages\n", READY)
        chat.type(CTRL_D)
        assert await chat.end() == 0


async def test_signals_from_elsewhere_at_the_prompt(home: ChatFolder) -> None:
    with home.typed("configs/panel.yaml") as chat:
        await chat.until(READY)
        chat.process.send_signal(signal.SIGINT)
        await chat.until("Ctrl-D or /quit leaves", READY)
        chat.process.send_signal(signal.SIGTERM)
        assert await chat.end() == 143
    assert "Traceback" not in chat.shown
    # The terminal is as it was.
    assert chat.shown.rindex("\x1b[?2004l") > chat.shown.rindex(READY)


async def test_several_lines(home: ChatFolder) -> None:
    async with counting() as server:
        with home.typed(home.panel(server)) as chat:
            await chat.until(READY)
            chat.type(f"a\\\rb{ALT_ENTER}c\r")
            await chat.until("answer 1\n", "[complete")
            await chat.until(READY)
            # As a terminal sends what was pasted.
            chat.type("\x1b[200~d\ne\x1b[201~\r")
            await chat.until("answer 2\n", "[complete")
    assert [messages[-1] for messages in asked(server)] == ["a\nb\nc", "d\ne"]


async def test_questions_are_remembered_for_the_next_time(home: ChatFolder) -> None:
    async with counting() as server:
        panel = home.panel(server)
        for keys in ("what?\r", f"{UP}\r"):
            with home.typed(panel) as chat:
                await chat.until(READY)
                chat.type(keys)
                await chat.until("[complete")
                chat.say("/quit")
                assert await chat.end() == 0
        assert asked(server) == [["what?"], ["what?"]]
        file = home.data / "council" / "chat-history"
        assert "what?" in file.read_text()
        assert file.stat().st_mode & 0o777 == 0o600


async def test_nothing_is_kept_of_who_wants_nothing_kept(home: ChatFolder) -> None:
    async with counting() as server:
        with home.typed(home.panel(server), "--no-store") as chat:
            chat.say("what?")
            await chat.until("[complete")
            chat.say("/quit")
            assert await chat.end() == 0
    assert "--continue" not in chat.shown
    assert sorted(os.listdir(home.folder)) == ["panel.yaml"]


async def test_commands_and_strategies_are_completed(home: ChatFolder) -> None:
    async with counting() as server:
        with home.typed(home.panel(server, server)) as chat:
            await chat.until(READY)
            chat.type(f"/str{TAB}")
            await chat.until("ategy")
            chat.type(f" conc{TAB}")
            await chat.until("at")
            chat.type("\r")
            await chat.until("strategy: concat\n")
            chat.say("one?")
            await chat.until("A (m)")
            await chat.until("[complete · concat · ")


@pytest.mark.parametrize("term", ["dumb", "xterm"])
async def test_answers_alone_go_to_standard_output(home: ChatFolder, term: str) -> None:
    """Also without line editing, where the terminal can do no more than lines."""
    ready = "> " if term == "dumb" else READY
    reading, writing = os.pipe()
    async with counting() as server:
        with home.typed(home.panel(server), term=term, stdout=writing) as chat:
            os.close(writing)
            await chat.until(ready)
            chat.say("one?")
            await chat.until("[complete")
            await chat.until(ready)
            chat.say("/why")
            await chat.until("decided by vote")
            await chat.until(ready)
            chat.type(CTRL_D)
            assert await chat.end() == 0
    with os.fdopen(reading) as output:
        assert output.read() == "answer 1\n"
    if term == "dumb":
        assert "\x1b" not in chat.shown


async def test_ctrl_c_without_line_editing(home: ChatFolder) -> None:
    async with raw_server(HALF) as server:
        with home.typed(home.panel(server), term="dumb") as chat:
            await chat.until("> ")
            chat.type(CTRL_C)
            await chat.until("Ctrl-D or /quit leaves")
            await chat.until("> ")
            chat.say("one?")
            await chat.until("half an answer")
            chat.type(CTRL_C)
            await chat.until("interrupted; so far:")
            await chat.until("> ")
            chat.type(CTRL_D)
            assert await chat.end() == 0


async def test_a_chat_is_gone_on_with_after_a_restart(home: ChatFolder) -> None:
    async with counting() as server:
        panel = home.panel(server)
        with home.typed(panel, "--system", "Be brief.") as chat:
            chat.say("one?")
            await chat.until("[complete")
            chat.say("/quit")
            assert await chat.end() == 0
        with home.typed(panel, "--continue", "last") as chat:
            await chat.until("the last question was: one?")
            chat.say("/why")
            await chat.until("complete: decided by vote")
            chat.say("/undo")
            await chat.until("nothing has been asked and answered in this chat yet")
            chat.say("two?")
            await chat.until("[complete")
            chat.say("/history")
            await chat.until("system: Be brief.\n  1  one?\n     answer 1\n  2  two?\n")
            chat.say("/clear")
            await chat.until("a new conversation begins")
            chat.say("three?")
            await chat.until("[complete")
            chat.say("/quit")
            assert await chat.end() == 0
    assert asked(server)[1:] == [
        ["Be brief.", "one?", "answer 1", "two?"],
        ["Be brief.", "three?"],
    ]
    talks = [run.place.conversation for run in home.store.runs() if run.place]
    assert talks[2] == talks[1] != talks[0]


async def test_a_model_without_a_network(home: ChatFolder) -> None:
    with home.typed("--model", "builtin:abacus") as chat:
        await chat.until("abacus · first\n")
        chat.say("What is 17 + 25?")
        await chat.until("42.")
        await chat.until("[complete · first · ")
        chat.say("/experts")
        await chat.until("abacus  builtin:abacus")
        await chat.until(READY)
        chat.type(CTRL_D)
        assert await chat.end() == 0


async def test_ctrl_z_gives_the_terminal_back_to_the_shell(home: ChatFolder) -> None:
    # A shell that controls jobs: who has no parent in the session cannot be suspended.
    script = f'set -m; {shlex.join(COUNCIL)} "$@"; echo "in the shell: $?"; fg'
    async with counting() as server:
        shell = ["bash", "-c", script, "bash"]
        with home.typed(home.panel(server), command=shell) as chat:
            await chat.until(READY)
            chat.type(CTRL_Z)
            await chat.until(f"in the shell: {128 + signal.SIGTSTP}", READY)
            chat.say("one?")
            await chat.until("answer 1\n", "[complete", READY)
            chat.type(CTRL_D)
            assert await chat.end() == 0
