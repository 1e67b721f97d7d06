"""What council logs, and `council -v`."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
import yaml

import council
from council.agents.gate import Allowance, Gate, GatedAgent
from council.agents.scripted import ScriptedAgent
from council.errors import TransportError
from council.logs import Line
from council.messages import ChatMessage, ChatRequest, ChatToken, ToolCallDelta
from council.testing import plain_reply, raw_server, whole_reply
from tests.support.collect import collect

pytestmark = pytest.mark.anyio

KEY = "sk-abcdefghijkl0123456789"
QUESTION = "How many secrets?"
LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|debug) council\.\S+ [a-z_.]+( \S+=.+)?"
)


def lines(caplog: pytest.LogCaptureFixture) -> list[Line]:
    return [record.msg for record in caplog.records if isinstance(record.msg, Line)]


def test_a_lines_values_can_be_told_apart() -> None:
    line = Line(
        "run.ended", {"a": "x", "b": 'say "no"\nmore', "c": 1.23456, "d": True, "e": None, "f": ""}
    )
    assert str(line) == r'run.ended a=x b="say \"no\"\nmore" c=1.235 d=true f=""'


async def test_a_run_in_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "council")
    call = ChatToken(tool_calls=(ToolCallDelta(0, "call-1", "add", '{"a": 1}'),))

    def add(a: int) -> int:
        """Adds."""
        return a

    agents = [
        ScriptedAgent("a", [call], "Forty-two."),
        ScriptedAgent("b", "Forty-two."),
        ScriptedAgent("c", TransportError("HTTP 500 from http://host.test: down", status=500)),
    ]
    result = await council.ask(QUESTION, panel=agents, tools=[add])
    told = lines(caplog)
    events = [line.event for line in told]
    assert events[0] == "run.started"
    assert events[-1] == "run.finished"
    assert sorted(set(events[1:-1])) == [
        "expert.failed",
        "expert.finished",
        "expert.started",
        "tool.called",
        "tool.returned",
    ]
    assert {line.fields["run"] for line in told} == {result.run_id[:8]}
    (failed,) = [line for line in told if line.event == "expert.failed"]
    assert (failed.fields["expert"], failed.fields["error"]) == ("c", "500")
    assert told[-1].fields["status"] == "degraded"
    said = " ".join(map(str, told))
    assert "secrets" not in said
    assert "Forty" not in said
    assert '"a"' not in said


async def test_a_cancelled_run_in_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "council")
    agent = ScriptedAgent("a", ["It", anyio.sleep_forever])
    async with council.open_council([agent]) as opened, opened.stream(QUESTION) as run:
        async for event in run:
            if event.type == "expert.token":
                break
    assert lines(caplog)[-1].event == "run.cancelled"


async def test_nothing_is_logged_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    await council.ask(QUESTION, panel=[ScriptedAgent("a", "Forty-two.")])
    assert capsys.readouterr() == ("", "")


async def test_a_breaker_that_opens_and_a_rate_that_waits(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "council")
    gate = Gate(Allowance(6000.0), Allowance(None))
    gate.requests.take(6000.0, anyio.current_time())
    agent = GatedAgent(ScriptedAgent("ada", TransportError("down")), gate)
    request = ChatRequest("m", (ChatMessage("user", QUESTION),), request_id="r-1")
    for _ in range(gate.breaker.failures):
        with pytest.raises(TransportError):
            await collect(agent, request)
    told = lines(caplog)
    assert {line.event for line in told} == {"rate.waits", "breaker.opened"}
    assert told[0].fields["request"] == "r-1"
    assert told[-1].event == "breaker.opened"
    assert told[-1].fields["agent"] == "ada"


def run(folder: Path, url: str, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`council … run`, with an expert whose key is no secret to the server alone."""
    panel = folder / "panel.yaml"
    panel.write_text(
        yaml.safe_dump({"experts": [{"model": "m", "endpoint": url, "api_key": KEY}] * 2})
    )
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "council",
            *options,
            "run",
            "--quiet",
            "--no-store",
            panel,
            QUESTION,
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={"PATH": "", **env},
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize(("options", "requests"), [(["-v"], False), (["-vv"], True)])
async def test_v_says_what_happens(tmp_path: Path, options: list[str], requests: bool) -> None:
    busy = plain_reply("503 Service Unavailable", "come back later")
    async with raw_server(busy, whole_reply("Forty-two.")) as server:
        done = await anyio.to_thread.run_sync(lambda: run(tmp_path, server.url, *options))
    assert done.stdout == "Forty-two.\n"
    told = done.stderr.splitlines()
    assert all(LINE.fullmatch(line) for line in told), done.stderr
    assert any(" expert.notice " in line and "kind=retry" in line for line in told)
    assert any(" council.agents.http request.answered " in line for line in told) is requests
    if requests:
        assert {part for line in told for part in line.split() if part.startswith("status=")} == {
            "status=503",
            "status=200",
            "status=complete",
        }
    for secret in (KEY, "secrets?", "Forty"):
        assert secret not in done.stderr


async def test_lines_of_json(tmp_path: Path) -> None:
    async with raw_server(whole_reply("Forty-two.")) as server:
        done = await anyio.to_thread.run_sync(
            lambda: run(tmp_path, server.url, "-v", COUNCIL_LOG="json")
        )
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert told[0].keys() > {"time", "level", "logger", "event", "run", "strategy"}
    assert [line["event"] for line in told if line["event"].startswith("run.")] == [
        "run.started",
        "run.finished",
    ]
    assert isinstance(told[-1]["seconds"], float)


async def test_without_v_nothing_is_said(tmp_path: Path) -> None:
    async with raw_server(whole_reply("Forty-two.")) as server:
        done = await anyio.to_thread.run_sync(lambda: run(tmp_path, server.url))
    assert (done.stdout, done.stderr) == ("Forty-two.\n", "")


PROGRAM = """
import sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
provider = TracerProvider()
file = open(sys.argv.pop(1), "w")
line = lambda span: span.to_json(indent=None) + "\\n"
provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter(out=file, formatter=line)))
trace.set_tracer_provider(provider)
from council.cli.main import main
main()
"""


async def test_the_command_has_its_spans_exported_at_its_end(tmp_path: Path) -> None:
    out, panel = tmp_path / "spans", tmp_path / "panel.yaml"
    async with raw_server(whole_reply("Forty-two.")) as server:
        panel.write_text(yaml.safe_dump({"experts": [{"model": "m", "endpoint": server.url}]}))
        arguments = [out, "run", "-q", "--no-store", panel, QUESTION]
        command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
        await anyio.to_thread.run_sync(lambda: subprocess.run(command, check=True, timeout=100))
    spans = [json.loads(line) for line in out.read_text().splitlines()]
    assert sorted(span["name"] for span in spans) == ["chat m", "invoke_agent panel"]
