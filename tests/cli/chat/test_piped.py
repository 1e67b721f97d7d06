"""`council chat` without a terminal: lines in, answers out, one message and that is all."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from council.cli.main import app
from council.testing import (
    STREAM_HEAD,
    Step,
    chunked,
    delta,
    plain_reply,
    raw_server,
    until_closed,
    unused_port,
    whole_reply,
)
from tests.support.chats import ChatFolder, asked, counting
from tests.support.typed import COUNCIL, ROOT

pytestmark = pytest.mark.anyio


@pytest.fixture
def home(tmp_path: Path) -> ChatFolder:
    return ChatFolder(tmp_path)


async def shell(command: str) -> subprocess.CompletedProcess[str]:
    def call() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", command], capture_output=True, text=True, cwd=ROOT, check=False
        )

    return await anyio.to_thread.run_sync(call)


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`council chat` with standard input that stays open."""
    with subprocess.Popen(
        [*COUNCIL, "chat", *arguments, "--no-store"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


async def tell(process: subprocess.Popen[str], line: str, until: str) -> None:
    """Sends a line and waits for a text on standard error."""
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    while until not in (shown := await anyio.to_thread.run_sync(process.stderr.readline)):
        assert shown, "the process ended too early"


async def test_each_line_is_answered_with_the_history(home: ChatFolder) -> None:
    async with counting() as server:
        done = await home.piped("one?\n\n  two?\nthree?", home.panel(server))
    assert (done.returncode, done.stdout) == (0, "answer 1\nanswer 2\nanswer 3\n"), done.stderr
    assert asked(server) == [
        ["one?"],
        ["one?", "answer 1", "two?"],
        ["one?", "answer 1", "two?", "answer 2", "three?"],
    ]
    assert "A | answer 1" in done.stderr
    assert "[complete · vote · " in done.stderr
    # Nothing that only a person would need.
    assert "/help" not in done.stderr
    assert "> " not in done.stderr


async def test_commands_write_nothing_to_standard_output(home: ChatFolder) -> None:
    async with counting() as server:
        done = await home.piped("one?\n/why\n/history\n/undo\n/quit\ntwo?\n", home.panel(server))
    assert (done.returncode, done.stdout) == (0, "answer 1\n")
    assert "complete: decided by vote" in done.stderr
    assert "taken back: one?" in done.stderr
    assert len(server.requests) == 1


async def test_an_unknown_command_names_the_nearest_and_the_rest_goes_on(home: ChatFolder) -> None:
    async with counting() as server:
        done = await home.piped("/whi\none?\n/why me\n", home.panel(server), "-q")
    assert (done.returncode, done.stdout) == (2, "answer 1\n")
    assert done.stderr.splitlines() == [
        "council: error: no command is called '/whi': did you mean '/why'?;"
        " // begins a question that begins with a slash",
        "council: error: /why stands alone: 'me' is too much",
    ]


async def test_lines_that_go_on_and_two_slashes(home: ChatFolder) -> None:
    async with counting() as server:
        done = await home.piped("first \\\nsecond\r\n//etc is what?\nend\\", home.panel(server))
    assert done.returncode == 0
    questions = [messages[-1] for messages in asked(server)]
    assert questions == ["first \nsecond", "/etc is what?", "end"]


async def test_text_that_is_not_utf_8(home: ChatFolder) -> None:
    async with counting() as server:
        panel = home.panel(server)
        command = f"printf 'caf\\351?\\n' | {' '.join(COUNCIL)} chat {panel} -q --no-store"
        done = await shell(command)
    assert (done.returncode, done.stdout) == (0, "answer 1\n"), done.stderr
    assert asked(server) == [["caf\ufffd?"]]


@pytest.mark.parametrize("source", ["<&-", "</dev/null"])
async def test_nothing_to_read_is_nothing_to_answer(home: ChatFolder, source: str) -> None:
    command = f"{' '.join(COUNCIL)} chat configs/panel.yaml --no-store {source}"
    done = await shell(command)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


async def test_a_reader_that_has_gone_is_asked_no_more_for(home: ChatFolder) -> None:
    async with counting() as server:
        file = home.folder / "questions"
        file.write_text("and?\n" * 200)
        panel = home.panel(server)
        command = f"{' '.join(COUNCIL)} chat {panel} --no-store < {file} | head -1"
        done = await shell(command)
    assert done.stdout == "answer 1\n"
    assert "Traceback" not in done.stderr
    assert len(server.requests) < 100


async def test_a_failure_in_the_middle_is_told_and_the_next_line_asked(home: ChatFolder) -> None:
    broken = plain_reply("500 Internal Server Error", '{"error": "overheated"}')
    async with raw_server(whole_reply("fine"), broken, whole_reply("better")) as server:
        done = await home.piped("a?\nb?\nc?\n", home.panel(server))
    assert (done.returncode, done.stdout) == (3, "fine\nbetter\n")
    assert "failed: quorum lost: 0 of 1 needed experts answered (A: " in done.stderr
    assert "overheated" in done.stderr
    # What came to no answer is no part of the history.
    assert asked(server)[2] == ["a?", "fine", "c?"]


async def test_a_degraded_answer_says_so(home: ChatFolder) -> None:
    async with counting() as good:
        dead = f"http://127.0.0.1:{unused_port()}"
        done = await home.piped("a?\n", home.panel(good, good, dead), "-q")
    assert done.returncode == 0
    assert "degraded: C: " in done.stderr


async def test_a_deadline_is_each_answers_own(home: ChatFolder) -> None:
    stalled: list[Step] = [STREAM_HEAD, until_closed]
    async with raw_server(stalled, whole_reply("in time")) as server:
        done = await home.piped("a?\nb?\n", home.panel(server), "--deadline", "500ms")
    assert (done.returncode, done.stdout) == (4, "in time\n")


async def test_each_expert_may_see_its_own_answers(home: ChatFolder) -> None:
    def named(name: str) -> list[Step]:
        return whole_reply(f"{name} says 7")

    async with raw_server(named("ada")) as ada, raw_server(named("bob")) as bob:
        done = await home.piped("one?\ntwo?\n", home.panel(ada, bob), "--history", "own", "-q")
    assert done.returncode == 0, done.stderr
    assert asked(ada)[1] == ["one?", "ada says 7", "two?"]
    assert asked(bob)[1] == ["one?", "bob says 7", "two?"]


async def test_only_the_latest_turns_are_sent_to_who_wants_few(home: ChatFolder) -> None:
    async with counting() as server:
        done = await home.piped("1?\n2?\n3?\n", home.panel(server), "--max-turns", "1")
    assert asked(server)[2] == ["2?", "answer 2", "3?"]
    assert "the oldest turn was left out (max_turns is 1)" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_ends_it_with_what_there_is(
    home: ChatFolder, number: signal.Signals, code: int
) -> None:
    reply: list[Step] = [STREAM_HEAD, chunked(delta("half an answer\n")), until_closed]
    async with raw_server(reply) as server:
        with started(home.panel(server)) as process:
            await tell(process, "a?", "half")
            process.send_signal(number)
            # Its input stays open: it must not wait for more of it.
            assert process.stderr is not None
            err = await anyio.to_thread.run_sync(process.stderr.read)
            assert await anyio.to_thread.run_sync(process.wait, 60) == code
    assert "interrupted; so far:\nA (partial): half an answer\n" in err
    assert "Traceback" not in err


async def test_a_signal_while_it_waits_for_a_line_ends_it() -> None:
    with started("configs/panel.yaml") as process:
        await tell(process, "/experts", "sage")
        process.terminate()
        assert await anyio.to_thread.run_sync(process.wait, 60) == 143


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nobody to talk to: council chat CONFIG names a panel"),
        (["nowhere.yaml"], "nowhere.yaml: No such file"),
        (["configs/panel.yaml", "one", "two"], "one message at most, in quotes: 'two'"),
        (["configs/panel.yaml", " "], "the message is empty"),
        (["rank", "--model", "x", "hi"], "'rank' is a panel, and --model, --url and"),
        (["--model", "x", "hello", "there"], "one message at most, in quotes: 'there'"),
        (["configs/panel.yaml", "--strategy", "vot"], "did you mean 'vote'?"),
        (["configs/panel.yaml", "--history", "mine"], "--history"),
        (["configs/panel.yaml", "--max-turns", "0"], "--max-turns"),
        (["configs/panel.yaml", "--deadline", "soon"], "--deadline: expected seconds"),
        (["configs/panel.yaml", "--system", "x", "--continue", "last"], "leave one out"),
        (["configs/panel.yaml", "--continue", "nobody"], "no run"),
    ],
)
def test_usage_errors(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(SystemExit) as end:
        app(["chat", *arguments, "--store", str(tmp_path / "runs.sqlite3")])
    out, err = capsys.readouterr()
    assert end.value.code in (1, 2)
    assert message in err
    assert out == ""


async def test_help_loads_no_line_editing() -> None:
    program = (
        "import sys; from council.cli.main import app; app(['chat', '--help'],"
        " standalone_mode=False); sys.stderr.write(' '.join(sys.modules))"
    )
    done = await anyio.to_thread.run_sync(
        lambda: subprocess.run(
            [COUNCIL[0], "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
        )
    )
    assert "Talk to a panel" in done.stdout
    slow = {"prompt_toolkit", "anyio", "rich", "sqlite3", "council.council"}
    assert not slow & set(done.stderr.split())


async def test_one_message_follows_the_rule_of_slashes(home: ChatFolder) -> None:
    async with counting() as server:
        panel = home.panel(server)
        seats = await home.piped("", panel, "/experts")
        unknown = await home.piped("", panel, "/etc/hosts is what?")
        left = await home.piped("", panel, "/quit")
        assert server.requests == []
        asking = await home.piped("", panel, "//etc/hosts is what?", "-q")
    assert (seats.returncode, seats.stdout) == (0, "")
    assert "A  m  weight 1  not asked" in seats.stderr
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "// begins a question that begins with a slash" in unknown.stderr
    assert (left.returncode, left.stdout, left.stderr) == (0, "", "")
    assert (asking.returncode, asking.stdout) == (0, "answer 1\n")
    assert asked(server) == [["/etc/hosts is what?"]]
