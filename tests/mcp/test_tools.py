"""The tools over scripted panels, called as the server calls them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest

from council.agents.scripted import ScriptedAgent
from council.council import open_council
from council.errors import BackendError, ConfigError, StoreError
from council.gateway.panels import Panels, open_panel
from council.mcp.arguments import AskArguments
from council.mcp.progress import Report
from council.mcp.recall import Recall
from council.mcp.server import offers
from council.mcp.tools import Caller, Given, PanelTools, ToolFailed
from council.store.store import Store

pytestmark = pytest.mark.anyio


async def nobody(report: Report) -> None:
    """Takes progress and tells nobody."""


ME = Caller(nobody)


def seats(*texts: str) -> list[ScriptedAgent]:
    return [ScriptedAgent(f"e{n}", text) for n, text in enumerate(texts)]


@asynccontextmanager
async def tools_of(
    store: Store | None = None, **panels: list[ScriptedAgent]
) -> AsyncGenerator[PanelTools, None]:
    async with AsyncExitStack() as stack:
        opened = [
            open_panel(name, await stack.enter_async_context(open_council(agents, store=store)))
            for name, agents in panels.items()
        ]
        yield PanelTools(Panels(opened), Recall(store, {}))


def data(given: Given) -> dict[str, Any]:
    """The data as it goes out, which fits the schema that clients are shown."""
    told = given.data.model_dump(mode="json")
    jsonschema.validate(told, type(given.data).model_json_schema(mode="serialization"))
    return told


async def test_an_answer_comes_with_how_far_they_agree() -> None:
    async with tools_of(capital=seats("Tokyo.", "Tokyo.", "Kyoto.")) as tools:
        given = await tools.ask({"question": "Capital?"}, ME)
    answer, notes = given.texts
    told = data(given)
    assert answer == told["answer"] == "Tokyo."
    assert "2 of 3 agree on 'tokyo'" in notes
    assert "dissent: e2 said 'kyoto'" in notes
    assert told["run_id"] in notes
    assert told["agreement"]["agree"] == 2
    assert told["dissent"][0]["experts"] == ["e2"]
    assert (told["panel"], told["status"], told["strategy"]) == ("capital", "complete", "vote")


async def test_options_reach_the_run() -> None:
    async with tools_of(capital=seats("Tokyo.", "Kyoto.")) as tools:
        given = await tools.ask({"question": "?", "strategy": "concat", "deadline": "30"}, ME)
        with pytest.raises(ToolFailed, match="a higher limit lets the run come to its end"):
            await tools.ask({"question": "?", "max_total_tokens": 1}, ME)
        with pytest.raises(ConfigError, match="price"):
            await tools.ask({"question": "?", "max_cost": 1}, ME)
    assert data(given)["strategy"] == "concat"


async def test_one_of_several_panels_has_to_be_named() -> None:
    async with tools_of(one=seats("1"), two=seats("2")) as tools:
        assert (await tools.ask({"question": "?", "panel": "two"}, ME)).texts[0] == "2"
        with pytest.raises(ConfigError, match="panel: say which one: one, two"):
            await tools.ask({"question": "?"}, ME)
        with pytest.raises(ConfigError, match=r"no panel 'tow'.*did you mean.*two"):
            await tools.ask({"question": "?", "panel": "tow"}, ME)
        schema = offers(tools)[0].input_schema
    assert schema["required"] == ["question", "panel"]
    assert schema["properties"]["panel"]["enum"] == ["one", "two"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "question is missing"),
        ({}, "question is missing"),
        ({"question": ""}, "question: expected text that is not empty"),
        ({"question": "?", "ask": 1}, "'ask' is no argument of it"),
        ({"question": ["?"]}, "question: expected text"),
        ({"question": "?", "deadline": -1}, r"deadline: expected more than 0, found -1 \(its"),
        ({"question": "?", "deadline": "soon"}, r"deadline: expected a number, found text \(its"),
        ({"question": "?", "seed": -1}, "seed: expected at least 0"),
        ({"question": "?", "strategy": "guess"}, "strategy: expected one of auto,"),
    ],
)
async def test_a_wrong_call_says_what_is_wrong(
    given: Mapping[str, Any] | None, message: str
) -> None:
    async with tools_of(one=seats("1")) as tools:
        with pytest.raises(ConfigError, match=message):
            await tools.ask(given, ME)


async def test_a_failed_run_says_why_and_how_to_learn_more() -> None:
    broken = [*seats("Tokyo."), ScriptedAgent("dead", BackendError("no memory"))]
    async with tools_of(broken=broken) as tools:
        with pytest.raises(ToolFailed, match=r"no memory.*\n.*explain_run.*council doctor") as lost:
            await tools.ask({"question": "?"}, ME)
        explained = await tools.explain({}, ME)
    told = data(explained)
    assert told["run_id"] in str(lost.value)
    assert told["status"] == "failed"
    assert told["missing"] == ["dead: no memory"]
    assert "no memory" in explained.texts[0]


async def test_a_run_is_explained_from_memory_and_from_the_record(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.sqlite3") as store:
        async with tools_of(store, capital=seats("Tokyo.", "Tokyo.", "Kyoto.")) as tools:
            run_id = data(await tools.ask({"question": "Capital?"}, ME))["run_id"]
            fresh = await tools.explain({"run_id": run_id}, ME)
        async with tools_of(store, capital=seats("?")) as later:
            kept = await later.explain({"run_id": run_id[:8]}, ME)
            newest = await later.explain({}, ME)
            with pytest.raises(StoreError, match="no run"):
                await later.explain({"run_id": "f" * 32}, ME)
    told = data(fresh)
    assert {**data(kept), "panel": "capital"} == told
    assert data(newest)["run_id"] == run_id
    assert [said["text"] for said in told["experts"]] == ["Tokyo.", "Tokyo.", "Kyoto."]
    assert "## Votes" in fresh.texts[0]


async def test_long_replies_are_cut_off_but_the_answer_is_not() -> None:
    long = "word " * 1000
    async with tools_of(one=seats(long)) as tools:
        await tools.ask({"question": "?"}, ME)
        short = data(await tools.explain({"longest": 10}, ME))
        whole = data(await tools.explain({"longest": 0}, ME))
    assert short["experts"][0]["text"].startswith("word word  … (")
    assert whole["experts"][0]["text"] == long
    assert short["answer"] == whole["answer"]


async def test_a_debate_is_explained_by_rounds() -> None:
    agents = [ScriptedAgent("a", "Tokyo"), ScriptedAgent("b", "Tokyo")]
    agents.append(ScriptedAgent("c", "Kyoto", "Tokyo"))
    async with tools_of(debate=agents) as tools:
        await tools.ask({"question": "?", "strategy": "debate"}, ME)
        explained = await tools.explain({}, ME)
    told = data(explained)
    assert [held["number"] for held in told["rounds"]] == [0, 1]
    assert told["rounds"][1]["flips"][0]["expert"] == "c"
    assert "c changed from kyoto to tokyo" in explained.texts[0]


async def test_nobody_is_shown_somebody_elses_runs(tmp_path: Path) -> None:
    mine, yours = Caller(nobody, "mine"), Caller(nobody, "yours")
    with Store(tmp_path / "runs.sqlite3") as store:
        async with tools_of(store, one=seats("1")) as tools:
            run_id = data(await tools.ask({"question": "?"}, mine))["run_id"]
            for again in (tools, PanelTools(tools.panels, Recall(store, {}))):
                assert data(await again.explain({}, mine))["run_id"] == run_id
                with pytest.raises(StoreError, match="no run"):
                    await again.explain({"run_id": run_id}, yours)
                with pytest.raises(StoreError, match="no run is known yet"):
                    await again.explain({}, yours)


async def test_without_a_store_only_this_sessions_runs_are_known() -> None:
    async with tools_of(one=seats("1")) as tools:
        with pytest.raises(StoreError, match="without a store, only this session's"):
            await tools.explain({}, ME)


async def test_the_panels_are_listed() -> None:
    async with tools_of(one=seats("1"), two=seats("1", "2")) as tools:
        given = await tools.list({}, ME)
        with pytest.raises(ConfigError, match="'all' is no argument of it"):
            await tools.list({"all": True}, ME)
    told = data(given)
    assert [panel["name"] for panel in told["panels"]] == ["one", "two"]
    assert [seat["id"] for seat in told["panels"][1]["experts"]] == ["e0", "e1"]
    assert "vote" in told["strategies"]
    assert given.texts[0].startswith("one: 1 expert (e0)")


async def test_a_cancelled_call_stops_the_run() -> None:
    begun = anyio.Event()

    async def hang() -> None:
        begun.set()
        await anyio.sleep_forever()

    agent = ScriptedAgent("slow", ["word ", hang])
    async with tools_of(slow=[agent]) as tools:
        async with anyio.create_task_group() as group:

            async def ask() -> None:
                await tools.ask({"question": "?"}, ME)

            group.start_soon(ask)
            await begun.wait()
            group.cancel_scope.cancel()
        explained = data(await tools.explain({}, ME))
    assert agent.open == 0
    assert (explained["status"], explained["error"]) == ("failed", "the run was interrupted")
    assert explained["question"] == "?"


async def test_the_newest_run_is_explained_wherever_it_was_asked(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.sqlite3") as store:
        async with tools_of(store, one=seats("1")) as tools, tools_of(store, two=seats("2")) as by:
            await tools.ask({"question": "first?"}, ME)
            await by.ask({"question": "second?"}, ME)
            assert data(await tools.explain({}, ME))["question"] == "second?"
            await tools.ask({"question": "third?"}, ME)
            newest = data(await tools.explain({}, ME))
    assert (newest["question"], newest["panel"]) == ("third?", "one")


async def test_what_is_told_has_nothing_that_a_terminal_obeys() -> None:
    dead = ScriptedAgent("dead", BackendError("\x1b[31mno memory\x07"))
    async with tools_of(hurt=[*seats("1", "1"), dead], lost=[dead]) as tools:
        notes = (await tools.ask({"question": "?", "panel": "hurt"}, ME)).texts[1]
        with pytest.raises(ToolFailed) as lost:
            await tools.ask({"question": "?", "panel": "lost"}, ME)
    assert "no memory" in notes
    for text in (notes, str(lost.value)):
        assert not any(sign in text for sign in ("\x1b", "[31m", "\x07"))


async def test_what_clients_are_shown_is_what_is_read() -> None:
    async with tools_of(one=seats("1")) as tools:
        offered = {tool.name: tool for tool in offers(tools)}
    assert set(offered) == {"ask_panel", "explain_run", "list_panels"}
    shown = offered["ask_panel"].input_schema
    assert set(shown["properties"]) == set(AskArguments.model_fields)
    assert shown["required"] == ["question"]
    for tool in offered.values():
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema or {})
        assert all("description" in p for p in tool.input_schema["properties"].values())
