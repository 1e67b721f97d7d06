"""Runs over real sockets: started, watched, found again, stopped, deleted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from httpx_sse import aconnect_sse

from council.agents.scripted import ScriptedAgent
from council.errors import TransportError
from council.gateway.run_events import event_stream
from council.gateway.runs import RunLimits
from council.gateway.state import GatewayOptions
from tests.gateway.seats import Moment, three, waiting
from tests.gateway.serving import PATIENCE, gateway, result_of, watch

pytestmark = pytest.mark.anyio
RUNS = "/v1/council/runs"


async def start(web: httpx.AsyncClient, question: str = "6 * 7?", **fields: object) -> str:
    begun = await web.post(RUNS, json={"question": question, **fields})
    assert begun.status_code == 201, begun.text
    id: str = begun.json()["id"]
    return id


def error_of(response: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


async def test_a_run_is_started_and_watched() -> None:
    async with gateway({"panel": three()}) as site, site.client() as web:
        begun = await web.post(RUNS, json={"panel": "panel", "question": "6 * 7?"})
        assert begun.status_code == 201, begun.text
        run = begun.json()
        assert begun.headers["x-council-run"] == run["id"]
        assert (run["panel"], run["events"]) == ("panel", f"{RUNS}/{run['id']}/events")
        events = await watch(web, run["id"])
        assert [int(event.id) for event in events] == list(range(1, len(events) + 1))
        assert events[0].event == "run.started"
        result = result_of(events)
        assert (result["answer"], result["status"]) == ("It is 42.", "complete")
        assert result["run_id"] == run["id"]
        found = (await web.get(f"{RUNS}/{run['id']}")).json()
        assert (found["status"], found["events"]) == ("complete", len(events))
        assert found["result"] == result


@pytest.mark.parametrize("how", ["field", "header"])
async def test_a_run_may_be_answered_with_its_events(how: str) -> None:
    body = {"question": "6 * 7?", **({"stream": True} if how == "field" else {})}
    headers = {"Accept": "text/event-stream"} if how == "header" else {}
    async with gateway({"panel": three()}) as site, site.client() as web:
        async with aconnect_sse(web, "POST", RUNS, json=body, headers=headers) as source:
            assert source.response.status_code == 200
            events = [event async for event in source.aiter_sse()]
            run_id = source.response.headers["x-council-run"]
        assert json.loads(events[0].data)["run_id"] == run_id
        assert result_of(events)["answer"] == "It is 42."


async def test_a_stream_begins_again_behind_the_last_event() -> None:
    async with gateway({"panel": three()}) as site, site.client() as web:
        id = await start(web)
        events = [event.data for event in await watch(web, id)]
        by_header = await watch(web, id, **{"Last-Event-ID": "3"})
        assert [event.data for event in by_header] == events[3:]
        async with aconnect_sse(web, "GET", f"{RUNS}/{id}/events?after=3") as source:
            by_query = [event.data async for event in source.aiter_sse()]
        assert by_query == events[3:]
        assert await watch(web, id, **{"Last-Event-ID": str(len(events))}) == []


@pytest.mark.parametrize("last", ["-1", "x", "1.5", "٣", "10000", "9" * 40])
async def test_a_last_event_that_cannot_be_is_refused(last: str) -> None:
    async with gateway({"panel": three()}) as site, site.client() as web:
        id = await start(web)
        await watch(web, id)
        refused = await web.get(f"{RUNS}/{id}/events", params={"after": last})
        assert refused.status_code == 400
        assert error_of(refused)["param"] == "after"


async def test_the_stream_says_that_it_lives_while_nothing_happens() -> None:
    moment = Moment()
    async with gateway({"panel": [waiting(moment)]}) as site, site.client() as web:
        run = await site.state.runs.get(await start(web), "")
        await moment.reached.wait()
        stream = event_stream(run, run.count, silence=0.01)
        with anyio.fail_after(PATIENCE):
            assert [await anext(stream) for _ in range(3)] == [": keep-alive\n"] * 3
        await stream.aclose()
        moment.go_on.set()


async def test_a_client_that_leaves_stops_nothing() -> None:
    moment = Moment()
    async with gateway({"panel": [waiting(moment)]}) as site, site.client() as web:
        body = {"question": "6 * 7?", "stream": True}
        async with aconnect_sse(web, "POST", RUNS, json=body) as source:
            id = source.response.headers["x-council-run"]
            await anext(source.aiter_sse())
        moment.go_on.set()
        assert result_of(await watch(web, id))["answer"] == "It is 42."


async def test_a_cancelled_run_says_so_in_its_last_event(tmp_path: Path) -> None:
    moment = Moment()
    seat = waiting(moment)
    async with gateway({"panel": [seat]}, store=tmp_path / "runs") as site, site.client() as web:
        id = await start(web)
        await moment.reached.wait()
        stopped = (await web.post(f"{RUNS}/{id}/cancel")).json()
        assert stopped["status"] == "interrupted"
        result = result_of(await watch(web, id))
        assert (result["status"], result["error"]["kind"]) == ("failed", "interrupted")
        assert result["experts"][0]["text"] == "It"
        assert seat.open == 0
        listed = (await web.get(RUNS)).json()
        assert [(run["id"], run["status"]) for run in listed["runs"]] == [(id, "interrupted")]
        again = (await web.post(f"{RUNS}/{id}/cancel")).json()
        assert again == stopped
        assert (await web.delete(f"{RUNS}/{id}")).json() == {"id": id, "deleted": True}
        assert error_of(await web.get(f"{RUNS}/{id}"))["code"] == "run_not_found"
        assert (await web.get(RUNS)).json() == {"runs": [], "more": False}


async def test_a_run_is_deleted_while_somebody_watches(tmp_path: Path) -> None:
    moment = Moment()
    panels = {"panel": [waiting(moment)]}
    async with gateway(panels, store=tmp_path / "runs") as site, site.client() as web:
        id = await start(web)
        async with aconnect_sse(web, "GET", f"{RUNS}/{id}/events") as source:
            await moment.reached.wait()
            assert (await web.delete(f"{RUNS}/{id}")).status_code == 200
            events = [event async for event in source.aiter_sse()]
        assert result_of(events)["error"]["kind"] == "interrupted"
        assert (await web.get(f"{RUNS}/{id}/events")).status_code == 404
        assert (await web.delete(f"{RUNS}/{id}")).status_code == 404


@pytest.mark.parametrize("kept", [True, False])
async def test_history_is_listed_page_by_page(kept: bool, tmp_path: Path) -> None:
    store = tmp_path / "runs" if kept else None
    async with gateway({"panel": three("42 " * 100)}, store=store) as site, site.client() as web:
        ids = []
        for number in range(5):
            ids.append(await start(web, f"question {number}?"))
            await watch(web, ids[-1])
        newest = (await web.get(RUNS, params={"limit": 2})).json()
        assert [run["id"] for run in newest["runs"]] == [ids[4], ids[3]]
        assert newest["more"]
        entry = newest["runs"][0]
        assert (entry["question"], entry["panel"]) == ("question 4?", "panel")
        assert (entry["status"], entry["strategy"]) == ("complete", "vote")
        assert entry["answer"] == ("42 " * 100)[:200]
        rest = (await web.get(RUNS, params={"limit": 9, "before": ids[3]})).json()
        assert [run["id"] for run in rest["runs"]] == [ids[2], ids[1], ids[0]]
        assert not rest["more"]
        assert (await web.get(RUNS, params={"before": "x"})).status_code == 404
        assert (await web.get(RUNS, params={"limit": "9" * 5000})).status_code == 200
        for wrong in ("0", "00", "-1", "x", "٣", ""):
            assert (await web.get(RUNS, params={"limit": wrong})).status_code == 400


async def test_history_outlives_the_gateway(tmp_path: Path) -> None:
    store = tmp_path / "runs"
    async with gateway({"panel": "configs/first.yaml"}, store=store) as site, site.client() as web:
        # Its model needs no answer: a run that fails is kept too.
        id = await start(web, "6 * 7?", deadline=0.001)
        events = await watch(web, id)
    async with gateway({"mine": "configs/first.yaml"}, store=store) as site, site.client() as web:
        found = (await web.get(f"{RUNS}/{id}")).json()
        assert (found["panel"], found["status"]) == ("mine", "failed")
        assert [event.data for event in await watch(web, id)] == [event.data for event in events]
        listed = (await web.get(RUNS)).json()["runs"]
        assert [(run["id"], run["panel"]) for run in listed] == [(id, "mine")]


async def test_what_waits_is_listed_first(tmp_path: Path) -> None:
    moment = Moment()
    options = GatewayOptions(RunLimits(running=1, waiting=1))
    panels, store = {"panel": [waiting(moment)]}, tmp_path / "runs"
    async with gateway(panels, store=store, options=options) as site, site.client() as web:
        first = await start(web, "first?")
        await moment.reached.wait()
        second = await start(web, "second?")
        listed = (await web.get(RUNS)).json()["runs"]
        assert [(run["id"], run["status"]) for run in listed] == [
            (second, "running"),
            (first, "running"),
        ]
        full = await web.post(RUNS, json={"question": "third?"})
        assert (full.status_code, error_of(full)["code"]) == (429, "queue_full")
        assert int(full.headers["Retry-After"]) >= 1
        metrics = (await web.get("/metrics")).text
        assert "council_gateway_runs_active 1.0" in metrics
        assert "council_gateway_runs_waiting 1.0" in metrics
        assert "council_gateway_runs_refused_total 1.0" in metrics
        moment.go_on.set()


async def test_a_question_goes_on_with_a_run(tmp_path: Path) -> None:
    seats = three()
    async with gateway({"panel": seats}, store=tmp_path / "runs") as site, site.client() as web:
        first = await start(web)
        await watch(web, first)
        await watch(web, await start(web, "And 7 * 7?", **{"continue": first}))
        asked = [message.text for message in seats[0].requests[-1].messages]
        assert asked == ["6 * 7?", "It is 42.", "And 7 * 7?"]
        missing = await web.post(RUNS, json={"question": "And?", "continue": "0" * 32})
        assert (missing.status_code, error_of(missing)["code"]) == (404, "run_not_found")


async def test_messages_and_options_reach_the_panel() -> None:
    seats = three('{"n": 42}')
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    talk = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "6 * 7?"}]},
    ]
    async with gateway({"panel": seats}) as site, site.client() as web:
        body = {"messages": talk, "strategy": {"name": "vote", "extract": "json"}, "seed": 7}
        begun = await web.post(RUNS, json={**body, "response_format": schema, "deadline": 30})
        assert begun.status_code == 201, begun.text
        result = result_of(await watch(web, begun.json()["id"]))
        assert result["parsed"] == {"n": 42}
        assert [message.role for message in seats[0].requests[0].messages] == ["system", "user"]


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        ({"question": ""}, 400, None, "the question is empty"),
        ({}, 400, None, "either question, a text, or messages"),
        ({"question": "a?", "messages": []}, 400, None, "messages"),
        ({"question": "a?", "strategy": "vot"}, 400, None, "did you mean 'vote'"),
        ({"question": "a?", "strategy": {"name": "vote", "x": 1}}, 400, None, "strategy.x"),
        ({"question": "a?", "max_cost": 1}, 400, None, "price"),
        ({"question": "a?", "deadline": "soon"}, 400, None, "deadline: input should be a valid"),
        ({"question": "a?", "deadline": 0}, 400, None, "deadline: input should be greater than 0"),
        ({"question": "a?", "seed": -1}, 400, None, "seed"),
        ({"question": "a?", "response_format": {"type": "no"}}, 400, None, "response_format"),
        ({"question": 7}, 400, None, "question: input should be a valid string"),
        ({"question": "a?", "panel": "panl"}, 404, "model_not_found", "did you mean 'panel'"),
        ({"question": "a?", "panel": "panel:x"}, 404, "model_not_found", "no strategy 'x'"),
        ({"question": "a?", "max_total_token": 9}, 400, None, "did you mean 'max_total_tokens'"),
        ({"question": "a?", "dead_line": 9}, 400, None, "dead_line: there is no such field: did"),
        ({"question": "a?", "after": "0" * 32}, 400, None, "after: there is no such field"),
        ([], 400, None, "The body must be a JSON object"),
    ],
    ids=lambda value: None,
)
async def test_what_cannot_be_asked(
    body: object, status: int, code: str | None, words: str
) -> None:
    seats = three()
    async with gateway({"panel": seats}) as site, site.client() as web:
        refused = await web.post(RUNS, json=body)
        assert refused.status_code == status, refused.text
        error = error_of(refused)
        assert error["code"] == code
        assert words in error["message"]
        assert (site.state.runs.active, site.state.runs.waiting) == (0, 0)
    assert not seats[0].requests


@pytest.mark.parametrize("kept", [True, False])
async def test_an_error_names_the_field_that_it_is_about(kept: bool, tmp_path: Path) -> None:
    store = tmp_path / "runs" if kept else None
    async with gateway({"panel": three()}, store=store) as site, site.client() as web:
        id = "0" * 32
        asked = {"question": "a?"}
        assert error_of(await web.get(f"{RUNS}/{id}"))["param"] == "id"
        assert error_of(await web.get(RUNS, params={"before": id}))["param"] == "before"
        missing = await web.post(RUNS, json={**asked, "continue": id})
        assert error_of(missing)["param"] == "continue"
        typo = error_of(await web.post(RUNS, json={**asked, "max-cost": 1}))
        assert typo["param"] == "max-cost"
        wrong = error_of(await web.post(RUNS, json={**asked, "strategy": "vot"}))
        assert wrong["param"] == "strategy"
        assert wrong["message"].startswith("strategy: unknown strategy 'vot'")
        chat = {"model": "panel", "messages": [{"role": "user", "content": "a?"}]}
        refusals: dict[str, dict[str, Any]] = {
            "council.strategy": {"council": {"strategy": {"name": "vote", "x": 1}}},
            "council.dead_line": {"council": {"dead_line": 1}},
            "council.seed": {"council": {"seed": -1}},
            "seed": {"seed": -1},
        }
        for field, more in refusals.items():
            refused = await web.post("/v1/chat/completions", json={**chat, **more})
            assert (refused.status_code, error_of(refused)["param"]) == (400, field)


async def test_an_error_has_nothing_that_a_terminal_obeys() -> None:
    broken = ScriptedAgent("ada", TransportError("\x1b[31mno\x1b[0m \x9bmodel\u202e", status=400))
    async with gateway({"panel": [broken]}) as site, site.client() as web:
        chat = {"model": "panel", "messages": [{"role": "user", "content": "a?"}]}
        failed = error_of(await web.post("/v1/chat/completions", json=chat))
        assert "no model)" in failed["message"]
        unknown = error_of(await web.post(RUNS, json={"question": "a?", "\x1b[2J\x07x": 1}))
        assert unknown["param"] == "x"


async def test_a_panel_with_another_strategy_is_described_with_it() -> None:
    async with gateway({"panel": three()}) as site, site.client() as web:
        card = (await web.get("/v1/models/panel:judge")).json()
        assert (card["id"], card["description"][-14:]) == ("panel:judge", "strategy judge")


async def test_other_routes_and_methods_are_refused_alike() -> None:
    async with gateway({"panel": three(), "other": three()}) as site, site.client() as web:
        assert error_of(await web.get("/v1/nothing"))["message"] == "There is no such route."
        wrong = await web.put(RUNS)
        assert (wrong.status_code, wrong.headers["Allow"]) == (405, "GET, HEAD, OPTIONS, POST")
        error_of(wrong)
        plain = await web.post(RUNS, content="x", headers={"Content-Type": "text/plain"})
        assert plain.status_code == 400
        assert "application/json" in error_of(plain)["message"]
        unclear = await web.post(RUNS, json={"question": "a?"})
        assert "there are panel, other" in error_of(unclear)["message"]


async def test_panels_and_models_are_listed() -> None:
    panels = {"panel": three(), "other": [ScriptedAgent("ada", "42", model="m")]}
    async with gateway(panels) as site, site.client() as web:
        listed = (await web.get("/v1/council/panels")).json()
        assert [panel["name"] for panel in listed["panels"]] == ["panel", "other"]
        assert listed["panels"][1] == {
            "name": "other",
            "description": "1 expert (ada), strategy vote",
            "strategy": "vote",
            "experts": [{"id": "ada", "model": "m", "family": "m", "samples": 1}],
            "form": False,
        }
        assert {"vote", "debate", "judge"} <= set(listed["strategies"])
        models = (await web.get("/v1/models")).json()
        assert [model["id"] for model in models["data"]] == ["panel", "other"]
        one = (await web.get("/v1/models/panel:judge")).json()
        assert (one["id"], one["object"]) == ("panel:judge", "model")
        assert error_of(await web.get("/v1/models/nobody"))["code"] == "model_not_found"
        health = (await web.get("/health")).json()
        assert health == {
            "status": "ready",
            "panels": [{"name": "panel", "local": None}, {"name": "other", "local": None}],
            "active": 0,
            "waiting": 0,
            "keeping": False,
        }


async def test_what_became_of_runs_is_counted() -> None:
    seats = [ScriptedAgent("ada", TransportError("no connection")), *three()[1:]]
    async with gateway({"panel": seats}) as site, site.client() as web:
        await watch(web, await start(web))
        text = (await web.get("/metrics")).text
        for line in (
            'council_gateway_runs_total{panel="panel",status="degraded",strategy="vote"} 1.0',
            'council_gateway_experts_total{expert="ada",outcome="failed",panel="panel"} 1.0',
            'council_gateway_experts_total{expert="bob",outcome="complete",panel="panel"} 1.0',
            'council_gateway_tokens_total{kind="completion",panel="panel"} 6.0',
            'council_gateway_cost_usd_total{panel="panel"} 0.0',
            'council_gateway_run_seconds_count{panel="panel"} 1.0',
            "council_gateway_runs_active 0.0",
        ):
            assert line in text
