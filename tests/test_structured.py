"""Answers in a form: how experts are told, what is checked, what is mended, and what fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
import yaml
from pydantic import BaseModel

import council
from council.agents.scripted import Script, ScriptedAgent
from council.assemble import assemble_panel
from council.cli.summary import summary_lines
from council.errors import ConfigError, QuorumLost, StrategyError
from council.events import AnswerDiscarded, AnswerToken, Event
from council.expert import Expert
from council.remote.failures import error_of
from council.run import Run
from council.structured import read, to_form
from council.testing import raw_server, whole_reply

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[1]
COUNCIL_RUN = [sys.executable, "-m", "council.cli", "run", "--no-store"]
SCHEMA = {
    "title": "a city!",
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}
OSLO = '{"city": "Oslo"}'
ROME = '{"city": "Rome"}'


class City(BaseModel):
    city: str
    people: int | None = None


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def agents(*scripts: Script | tuple[Script, ...]) -> list[ScriptedAgent]:
    return [
        ScriptedAgent(id, *(script if isinstance(script, tuple) else (script,)))
        for id, script in zip("abc", scripts, strict=False)
    ]


async def watched(panel: list[ScriptedAgent], **arguments: Any) -> tuple[Run, list[Event]]:
    async with council.open_council(panel) as opened, opened.stream("?", **arguments) as run:
        return run, [event async for event in run]


async def test_a_schema_gives_plain_values() -> None:
    panel = agents(OSLO, f"Sure:\n```json\n{OSLO}\n```", ROME)
    result = await council.ask("?", panel=panel, response_format=SCHEMA)
    assert (result.parsed, result.status) == ({"city": "Oslo"}, "complete")
    assert json.loads(result.to_json())["parsed"] == {"city": "Oslo"}


async def test_a_model_gives_an_instance() -> None:
    result = await council.ask("?", panel=agents(OSLO), response_format=City)
    assert result.parsed == City(city="Oslo")
    assert json.loads(result.to_json())["parsed"] == {"city": "Oslo", "people": None}


async def test_without_a_form_nothing_is_parsed() -> None:
    panel = agents(OSLO)
    result = await council.ask("?", panel=panel)
    assert result.parsed is None
    assert panel[0].requests[0].messages[-1].content == "?"


async def test_a_vote_compares_values_and_not_texts() -> None:
    panel = agents(ROME, OSLO, '{ "city" :"Oslo"}')
    result = await council.ask("?", panel=panel, response_format=SCHEMA)
    assert result.votes is not None
    assert (result.votes.extract, result.parsed) == ("json", {"city": "Oslo"})


async def test_a_vote_over_a_field_composes() -> None:
    panel = agents('{"city": "Rome"}', '{"city": "Oslo", "people": 1}', OSLO)
    strategy = {"name": "vote", "extract": {"kind": "json", "field": "city"}}
    result = await council.ask("?", panel=panel, response_format=SCHEMA, strategy=strategy)
    assert result.parsed == {"city": "Oslo", "people": 1}


async def test_servers_that_can_are_told_in_the_request_others_in_the_prompt() -> None:
    told, made = ScriptedAgent("told", OSLO), ScriptedAgent("made", OSLO)
    panel = [
        Expert("told", told, persona="You check."),
        Expert("made", made, persona="You check.", takes_schema=True),
    ]
    await council.ask("Where?", panel=panel, response_format=SCHEMA)
    (plain,), (formed,) = told.requests, made.requests
    assert plain.response_format is None
    text = plain.messages[-1].text
    # What all are told comes before what only one of them is.
    assert text.startswith("Where?\n\nAnswer with JSON alone")
    assert text.endswith("You check.")
    assert text.count("Answer with JSON") == 1
    assert formed.response_format == {
        "type": "json_schema",
        "json_schema": {"name": "a_city", "schema": SCHEMA},
    }
    assert "JSON" not in formed.messages[-1].text


async def test_those_who_judge_are_not_told() -> None:
    panel = agents((OSLO, "RANKING: 1"), (ROME, "RANKING: 1"), (OSLO, "RANKING: 1"))
    await council.ask("?", panel=panel, response_format=SCHEMA, strategy="rank")
    for agent in panel:
        first, review = agent.requests
        assert "Answer with JSON" in first.messages[-1].text
        assert "Answer with JSON" not in review.messages[-1].text


async def test_an_answer_is_mended_by_who_wrote_it() -> None:
    panel = agents((OSLO, "It is Oslo.", OSLO), ROME)
    run, events = await watched(panel, response_format=SCHEMA, strategy="synthesize")
    result = run.result
    assert (result.answer, result.parsed) == (OSLO, {"city": "Oslo"})
    assert result.decider is not None
    assert (result.decider.id, result.decider.stage) == ("a", "repair")
    assert any("a mended it" in warning for warning in result.warnings)
    assert [reply.stage for reply in result.others] == ["synthesis"]
    asked = panel[0].requests[-1].messages[-1].text
    assert "It is Oslo." in asked
    assert "there is no JSON in it" in asked
    assert shown(events) == OSLO


async def test_a_chosen_answer_is_mended_by_the_first_writer() -> None:
    wrong = '{"city": 7, "people": "many"}'
    panel = agents((wrong, OSLO))
    strategy = {"name": "vote", "extract": "exact"}
    run, events = await watched(panel, response_format=SCHEMA, strategy=strategy)
    assert run.result.parsed == {"city": "Oslo"}
    asked = panel[0].requests[-1].messages[-1].text
    assert "- city: 7 is not of type 'string'" in asked
    assert "- people: 'many' is not of type 'integer'" in asked
    assert shown(events) == OSLO


def shown(events: list[Event]) -> str:
    """What is left of the answer's tokens for whoever watches."""
    text = ""
    for event in events:
        if isinstance(event, AnswerDiscarded):
            text = ""
        elif isinstance(event, AnswerToken):
            text += event.text
    return text


async def test_what_is_not_mended_fails_with_what_is_wrong() -> None:
    panel = agents("no", "no")
    run, events = await watched(panel, response_format=City, strategy="synthesize")
    assert isinstance(run.error, StrategyError)
    assert "there is no JSON in it" in str(run.error)
    assert "a was asked to mend it" in str(run.error)
    assert (run.result.answer, run.result.parsed) == (None, None)
    assert shown(events) == ""
    # An answer, a synthesis, and one repair.
    assert len(panel[0].requests) == 3


async def test_a_repair_that_fails_says_so() -> None:
    panel = agents(("no", council.TransportError("down")))
    with pytest.raises(StrategyError, match=r"could not be mended: a: down"):
        await council.ask("?", panel=panel, response_format=SCHEMA, strategy="concat")


async def test_a_run_in_a_form_is_resumed_in_it(tmp_path: Path) -> None:
    from council.rerun import resumed
    from council.store.store import Store

    panel = agents(OSLO, (council.TransportError("down"), OSLO))
    with Store(tmp_path / "r.sqlite3") as store:
        async with (
            council.open_council(panel, store=store) as opened,
            opened.stream("?", response_format=City) as run,
        ):
            _ = [event async for event in run]
        assert run.result.status == "failed"
        async with resumed(store, "last", panel=panel, response_format=City) as again:
            _ = [event async for event in again]
    assert again.result.parsed == City(city="Oslo")
    assert [len(agent.requests) for agent in panel] == [1, 2]


async def test_a_limit_that_forbids_the_repair_is_what_failed() -> None:
    panel = agents("no")
    with pytest.raises(council.LimitExceeded, match="tokens cut in"):
        await council.ask(
            "?", panel=panel, response_format=SCHEMA, strategy="first", max_total_tokens=450
        )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{}", "'city' is a required property"),
        ('{"city": "Oslo", "x": 1}', "Additional properties"),
        ('{"city": "Os', "there is no JSON"),
        ("7", "7 is not of type 'object'"),
    ],
)
def test_faults_are_named(text: str, fault: str) -> None:
    assert any(fault in found for found in read(to_form(SCHEMA), text).faults)


def test_a_fault_does_not_repeat_a_long_answer() -> None:
    (fault,) = read(to_form({"type": "object"}), json.dumps(["x" * 10_000])).faults
    assert len(fault) == 200


def test_values_that_are_no_objects() -> None:
    assert read(to_form({"type": "integer"}), " 7\n").value == 7
    assert read(to_form({"type": ["null", "string"]}), "null").faults == ()


def test_a_models_faults_have_their_place() -> None:
    (fault,) = read(to_form(City), '{"city": "Oslo", "people": "many"}').faults
    assert fault.startswith("people: Input should be a valid integer")


@pytest.mark.parametrize("bad", [{"type": "nothing"}, {"$ref": "#/no"}, int, "city"])
async def test_what_is_no_schema_is_refused(bad: Any) -> None:
    with pytest.raises(ConfigError, match="response_format"):
        await council.ask("?", panel=agents(OSLO), response_format=bad)


def referring(**defs: Any) -> dict[str, Any]:
    return {"$ref": "#/$defs/a", "$defs": defs}


@pytest.mark.parametrize(
    "endless",
    [
        referring(a={"$ref": "#/$defs/a"}),
        referring(a={"$ref": "#/$defs/b"}, b={"$ref": "#/$defs/a"}),
        referring(a={"anyOf": [{"type": "string"}, {"not": {"$ref": "#/$defs/a"}}]}),
        {"allOf": [{"$ref": "#"}]},
    ],
)
async def test_a_schema_that_leads_to_itself_and_nowhere_is_refused(endless: Any) -> None:
    with pytest.raises(ConfigError, match=r"not a usable schema: \$ref '#.*leads back to itself"):
        await council.ask("?", panel=agents(OSLO), response_format=endless)


async def test_a_schema_of_what_holds_its_like_is_fine() -> None:
    tree = {
        "anyOf": [{"type": "null"}, {"$ref": "#/$defs/pair"}],
        "$defs": {"pair": {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}}},
    }
    text = '{"left": {"left": null}, "right": null}'
    result = await council.ask("?", panel=agents(text, text), response_format=tree)
    assert result.parsed == {"left": {"left": None}, "right": None}


def hosted(**more: Any) -> dict[str, Any]:
    return {"model": "m", "endpoint": "http://127.0.0.1:9", **more}


def test_who_takes_a_schema() -> None:
    experts = [
        *(hosted(), hosted(takes_schema=False), hosted(kind="anthropic")),
        {"model": "builtin:sage"},
    ]
    _, parts = assemble_panel({"experts": experts})
    assert [expert.takes_schema for expert in parts.experts] == [True, False, False, False]


def test_a_panel_file_names_a_schema(tmp_path: Path) -> None:
    (tmp_path / "city.json").write_text(json.dumps(SCHEMA))
    file = tmp_path / "panel.yaml"
    for source in ("city.json", SCHEMA):
        file.write_text(yaml.safe_dump({"experts": [hosted()], "answer_schema": source}))
        _, parts = assemble_panel(file)
        assert parts.form is not None
        assert parts.form.schema == SCHEMA


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("none.json", "none.json cannot be read"),
        ("broken.json", "broken.json is not JSON"),
        ({"type": "nothing"}, "not a JSON schema"),
    ],
)
def test_a_schema_that_is_none_is_named_with_its_line(
    tmp_path: Path, source: Any, problem: str
) -> None:
    (tmp_path / "broken.json").write_text("{")
    file = tmp_path / "panel.yaml"
    file.write_text(yaml.safe_dump({"answer_schema": source, "experts": [hosted()]}))
    with pytest.raises(ConfigError, match=rf"panel\.yaml:\d+: answer_schema: .*{problem}"):
        assemble_panel(file)


async def test_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "city.json").write_text(json.dumps(SCHEMA))
    file = tmp_path / "panel.yaml"
    async with raw_server(whole_reply('{"city": ', '"Oslo"}')) as server:
        file.write_text(yaml.safe_dump({"experts": [{"model": "m", "endpoint": server.url}]}))

        def call() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*COUNCIL_RUN, "--json", str(file), "?", "--schema", str(tmp_path / "city.json")],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                cwd=ROOT,
                timeout=100,
                check=False,
            )

        done = await anyio.to_thread.run_sync(call)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["parsed"] == {"city": "Oslo"}
        (request,) = server.requests
        assert request.json["response_format"]["json_schema"]["schema"] == SCHEMA


async def test_the_bundled_server_is_told_in_words() -> None:
    """It refuses `response_format`: an expert that fails would show that it was sent."""
    panel = {"experts": [{"model": "builtin:sage"}], "strategy": "first"}
    with anyio.fail_after(100):
        async with (
            council.open_council(panel) as opened,
            opened.stream("What is 17 + 25?", response_format=City) as run,
        ):
            _ = [event async for event in run]
    assert run.result.experts[0].status == "complete"


async def test_answers_without_the_form_lose_the_quorum_by_that_name() -> None:
    panel = agents("It is 42.", "It is 42.", "I can't help with that.")
    run, _ = await watched(panel, response_format=SCHEMA)
    assert run.result.error is not None
    said = run.result.error.message
    assert "a: its answer does not have the form asked for" in said
    assert "b: its answer does not have the form asked for" in said
    assert "c: refused to answer, or took no position" in said
    (line, *_) = summary_lines(run.result)
    assert "(a, b: its answer does not have the form asked for; c: refused" in line
    error = error_of(run.result.error, run.result)
    assert isinstance(error, QuorumLost)
    assert error.failures[0] == "a: its answer does not have the form asked for"
