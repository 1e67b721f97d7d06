"""The benchmark of servers: a small run with a real server, and how it reads what comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import backend
from benchmarks.backend_bench.cell import WINDOW, Answer, Cell, Outcome, pace, summary
from benchmarks.backend_bench.load import BadAnswer, Received
from benchmarks.backend_bench.load import Work as Load
from benchmarks.backend_bench.load import outcome as load_outcome
from benchmarks.backend_bench.prompts import conversations
from benchmarks.backend_bench.report import Report
from benchmarks.backend_bench.runner import Measurement
from benchmarks.backend_bench.servers import NoServer, Setting, started
from tests.backend.random_model import Shape, write_model
from tests.backend.serving import running

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that writes ASCII until a limit."""
    return write_model(tmp_path_factory.mktemp("models") / "tiny.gguf", Shape(ascii_only=True))


@pytest.mark.timeout(600)
def test_a_run_measures_the_floor_and_our_server(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.json"
    sizes = ["--ctx", "4096", "--parallel", "4", "--threads", "1", "--words", "30"]
    work = ["--kinds", "same,personas", "--requests", "3", "--tokens", "6", "--repeats", "2"]
    backend.main(["--model", str(tiny), *sizes, *work, "--json", str(figures)])
    printed = capsys.readouterr().out

    measurements = backend.read_json([figures])
    assert len(measurements) == 8
    for done in measurements:
        outcome = done.outcome
        assert outcome.error is None
        assert outcome.generated == 3 * 6
        assert 0 < outcome.first_token <= outcome.last_first_token <= outcome.wall
        assert outcome.cpu is not None
        # Two of the three find the beginning computed; what the template begins with, all may.
        assert outcome.prompt / 3 < outcome.cached < outcome.prompt * 2 / 3 + 3 * 10
    counts = {(done.cell.kind, done.repeat, done.outcome.prompt) for done in measurements}
    assert len(counts) == 4, "the floor and the server had prompts of different lengths"

    backend.main(["--report", str(figures)])
    table = capsys.readouterr().out
    assert table.strip()
    assert table in printed + "\n"
    assert table.count("\n| 3 | ours |") == 2


@pytest.mark.timeout(300)
def test_a_server_that_runs_already_is_measured_too(tiny: Path, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    with running("--model", str(tiny), "--ctx", "2048") as server:
        whom = ["--no-floor", "--start", "", "--server", f"mine={server.url}"]
        work = ["--kinds", "short", "--requests", "2", "--tokens", "5", "--repeats", "1"]
        backend.main(["--model", str(tiny), *whom, *work, "--json", str(figures)])
    (done,) = backend.read_json([figures])
    assert done.cell == Cell("mine", "short", 2, 5)
    assert done.outcome.error is None
    assert done.outcome.generated == 10
    assert done.outcome.cpu is None


def test_a_server_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    setting = Setting(tmp_path / "no.gguf", 512, 2, 1, "own", llama_server=f"{tmp_path}/no")
    with pytest.raises(NoServer, match="cannot be started"), started("llama-server", setting):
        pass
    missing = r"exit code 2\n.*there is no such file"
    with pytest.raises(NoServer, match=missing), started("ours", setting):
        pass


def test_a_server_that_is_not_there_is_an_outcome() -> None:
    error = load_outcome(Load("http://127.0.0.1:1/v1", ["{}"], 1)).error
    assert error is not None
    assert error.startswith("ConnectionRefusedError")


def chunk(body: str) -> bytes:
    raw = body.encode()
    return b"%x\r\n%s\r\n" % (len(raw), raw)


def event(**fields: object) -> str:
    return f"data: {json.dumps(fields)}\n\n"


def text(content: str) -> str:
    return event(choices=[{"delta": {"content": content}}])


USAGE = event(
    choices=[],
    usage={
        "prompt_tokens": 9,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 4},
    },
)


def test_tokens_are_dated_by_the_read_that_completed_them() -> None:
    first, second = text("one"), text("two")
    role = event(choices=[{"delta": {"role": "assistant", "content": ""}}])
    whole = chunk(second)
    received = Received(
        # An event in two chunks, and a chunk in two reads.
        [
            HEAD + chunk(role) + chunk(first[:9]),
            chunk(first[9:]) + whole[:7],
            whole[7:],
            chunk(USAGE + "data: [DONE]\n\n") + b"0\r\n\r\n",
        ],
        [1.0, 2.0, 3.0, 4.0],
    )
    assert received.answer() == Answer([2.0, 3.0], prompt=9, cached=4, generated=2)


def test_without_usage_a_token_is_an_event() -> None:
    received = Received([HEAD + chunk(text("one") + text("two") + "data: [DONE]\n\n")], [1.0])
    assert received.answer() == Answer([1.0, 1.0], prompt=0, cached=0, generated=2)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (HEAD + chunk(text("one")), "was cut"),
        (HEAD + chunk(event(error={"message": "no room"})), "no room"),
        (b'HTTP/1.1 503 Busy\r\n\r\n{"error": "loading"}', "loading"),
    ],
)
def test_what_is_no_whole_answer_is_none(raw: bytes, said: str) -> None:
    with pytest.raises(BadAnswer, match=said):
        Received([raw], [1.0]).answer()


def test_answers_of_another_length_are_an_error() -> None:
    whole, short = Answer([1.0, 2.0], 9, 0, 2), Answer([1.0], 9, 0, 1)
    assert summary([whole, whole], 2, 2.5).wall == 2.5
    assert summary([whole, short], 2, 2.5).error == (
        "1 of 2 answers are not whole: 1 tokens and 1 events"
    )


def test_the_pace_is_that_of_full_windows() -> None:
    times = [n * 0.01 for n in range(WINDOW)] + [2.5 + n * 0.02 for n in range(WINDOW + 1)]
    assert pace(times) == pytest.approx((0.01, 0.02))
    assert pace(times[: 2 * WINDOW]) == ()


def test_prompts_share_what_their_kind_says_and_nothing_between_repeats() -> None:
    same = conversations("same", 3, 50, "a")
    assert same[0] == same[1] == same[2]
    first, second = (one[-1]["content"] for one in conversations("personas", 2, 50, "a"))
    context = same[0][-1]["content"]
    assert first.startswith(context)
    assert second.startswith(context)
    assert first != second
    assert not conversations("same", 1, 50, "b")[0][-1]["content"].startswith(context[:20])
    different = [one[-1]["content"] for one in conversations("different", 2, 50, "a")]
    assert different[0][:20] != different[1][:20]


def test_ratios_are_taken_within_a_repeat_and_of_the_least() -> None:
    def done(subject: str, repeat: int, wall: float) -> Measurement:
        return Measurement(Cell(subject, "same", 8, 64), repeat, Outcome(wall, prompt=1))

    measurements = [done("ours", 0, 4.0), done("ours", 1, 2.0)]
    measurements += [done("other", 0, 2.0), done("other", 1, 4.0)]
    report = Report(measurements)
    other = Cell("other", "same", 8, 64)
    assert report.ratios(other) == [2.0, 0.5]
    assert report.ratio_of_least(other, lambda outcome: outcome.wall) == 1.0
    assert "| 8 | other | 3.00 (2.00–4.00) | 1.25 (0.50–2.00) | 1.00 |" in report.markdown()


def test_a_failed_cell_is_a_row_that_says_so() -> None:
    cell = Cell("other", "same", 8, 64)
    failed = Measurement(cell, 0, Outcome(error="a | b\nc"))
    assert r"| 8 | other | a \| b c |" in Report([failed]).markdown()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kinds", "odd"], "unknown kind 'odd'"),
        (["--start", "odd"], "unknown server to start 'odd'"),
        (["--server", "odd"], "expected NAME=URL"),
    ],
)
def test_a_wrong_command_line_is_refused(arguments: list[str], said: str, tiny: Path) -> None:
    with pytest.raises(SystemExit, match=said):
        backend.main(["--model", str(tiny), *arguments])
