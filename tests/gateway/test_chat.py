"""`POST /v1/chat/completions` of a gateway, over real sockets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from council.agents.scripted import ScriptedAgent
from council.errors import StreamError
from council.events import Event
from council.gateway.answering import stream
from council.gateway.errors import ApiError
from council.gateway.live_run import LiveRun
from council.gateway.runs import RunLimits
from council.gateway.state import GatewayOptions
from council.messages import ChatToken
from serving.options import Options
from tests.gateway.dialects import QUESTION, Waiting, chunks, said, three
from tests.gateway.serving import PATIENCE, gateway

pytestmark = pytest.mark.anyio
PATH = "/v1/chat/completions"


def asked(**fields: Any) -> dict[str, Any]:
    return {"model": "panel", "messages": [QUESTION], **fields}


async def test_a_whole_answer() -> None:
    async with gateway({"panel": three()}) as site, site.client() as web:
        response = await web.post(PATH, json=asked(temperature=0.5))
        assert response.status_code == 200, response.text
        body = response.json()
        [choice] = body["choices"]
        assert choice["message"]["content"] == "It is 42."
        assert choice["finish_reason"] == "stop"
        assert (body["object"], body["model"]) == ("chat.completion", "panel")
        usage = body["usage"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        assert usage["completion_tokens"] == 9  # three words of three experts
        told = body["council"]
        assert (told["status"], told["strategy"], told["ignored"]) == (
            *("complete", "vote"),
            ["temperature"],
        )
        assert told["votes"]["winner"] == "42"
        assert told["agreement"]["agree"] == 3
        assert response.headers["x-council-run"] == told["run_id"]
        assert response.headers["x-council-status"] == "complete"
        assert response.headers["x-request-id"]
        run = (await web.get(f"/v1/council/runs/{told['run_id']}")).json()
        assert run["result"]["answer"] == "It is 42."


async def test_a_stream() -> None:
    async with gateway({"panel": three()}) as site, site.client() as web:
        options = {"include_usage": True}
        response = await web.post(PATH, json=asked(stream=True, stream_options=options))
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.text.endswith("data: [DONE]\n\n")
        first, *middle, last, counted = chunks(response.text)
        assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
        assert first["council"] == {"run_id": response.headers["x-council-run"]}
        assert said(middle) == "It is 42."
        assert last["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
        assert last["council"]["status"] == "complete"
        assert counted["choices"] == []
        assert counted["usage"]["completion_tokens"] == 9
        assert counted["council"] == last["council"]
        assert len({chunk["id"] for chunk in chunks(response.text)}) == 1


async def test_a_written_answer_comes_word_by_word_and_as_it_is_written() -> None:
    more = anyio.Event()
    writer = ScriptedAgent("ada", "It is 42.", ["The answer ", more.wait, "is 42."])
    experts = [writer, *three()[1:]]
    async with gateway({"panel": experts}) as site, site.client() as web:
        body = asked(model="panel:synthesize", stream=True)
        seen = ""
        async with web.stream("POST", PATH, json=body) as response:
            async for line in response.aiter_lines():
                seen += said(chunks(line))
                if seen == "The answer":
                    more.set()
        assert seen == "The answer is 42."


async def test_a_stream_begins_before_the_first_word() -> None:
    eve = Waiting()
    async with gateway({"panel": [*three()[:2], eve]}) as site, site.client() as web:
        async with web.stream("POST", PATH, json=asked(stream=True)) as response:
            lines = response.aiter_lines()
            assert "assistant" in await anext(lines)
            eve.go_on.set()
            rest = [line async for line in lines]
        assert rest[-2] == "data: [DONE]"


async def test_a_degraded_answer_says_so() -> None:
    async with gateway({"panel": three(StreamError("cut off"))}) as site, site.client() as web:
        response = await web.post(PATH, json=asked())
        assert response.status_code == 200
        assert response.headers["x-council-status"] == "degraded"
        told = response.json()["council"]
        assert told["status"] == "degraded"
        assert "cut off" in told["reasons"][0]
        streamed = chunks((await web.post(PATH, json=asked(stream=True))).text)
        assert streamed[-1]["council"]["status"] == "degraded"


async def test_a_run_without_an_answer_is_an_error() -> None:
    experts = [ScriptedAgent(id, StreamError("cut off")) for id in ("ada", "bob")]
    async with gateway({"panel": experts}) as site, site.client() as web:
        response = await web.post(PATH, json=asked())
        assert response.status_code == 502
        error = response.json()["error"]
        assert error["code"] == "quorum_lost"
        assert "cut off" in error["message"]
        run = (await web.get(f"/v1/council/runs/{response.headers['x-council-run']}")).json()
        assert run["status"] == "failed"
        streamed = await web.post(PATH, json=asked(stream=True))
        assert streamed.status_code == 200
        assert "[DONE]" not in streamed.text
        first, last = chunks(streamed.text)
        assert first["choices"][0]["delta"]["role"] == "assistant"
        assert last["error"]["code"] == "quorum_lost"


@pytest.mark.parametrize("streaming", [False, True])
async def test_what_cannot_be_asked_is_refused_before_anything_is_sent(streaming: bool) -> None:
    agents = three()
    async with gateway({"panel": agents}) as site, site.client() as web:

        async def refused(status: int, **fields: Any) -> dict[str, Any]:
            response = await web.post(PATH, json=asked(stream=streaming, **fields))
            assert response.status_code == status, response.text
            error: dict[str, Any] = response.json()["error"]
            return error

        unknown = await refused(404, model="pannel")
        assert (unknown["code"], unknown["param"]) == ("model_not_found", "model")
        assert "'panel'" in unknown["message"]
        assert "sintesi" in (await refused(404, model="panel:sintesi"))["message"]
        assert "strategy" in (await refused(400, council={"strategy": "sintesi"}))["message"]
        assert (await refused(400, council={"max_cost": 1}))["type"] == "invalid_request_error"
        assert (await refused(400, tools=[{"type": "function"}]))["param"] == "tools"
        assert (await refused(400, messages=[]))["param"] == "messages"
        assert (await refused(400, council={"sead": 1}))["param"] == "council.sead"
        assert [agent.requests for agent in agents] == [[], [], []]


async def test_who_the_experts_are_asked_as() -> None:
    agents = three()
    before = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    turns = [*before, {"role": "assistant", "content": "Hello."}, QUESTION]
    async with gateway({"panel": agents}) as site, site.client() as web:
        assert (await web.post(PATH, json=asked(messages=turns))).status_code == 200
    [request] = agents[0].requests
    assert [(message.role, message.text) for message in request.messages] == [
        (turn["role"], turn["content"]) for turn in turns
    ]


async def test_a_form() -> None:
    agents = [ScriptedAgent(id, 'Here: {"n": 42}') for id in ("ada", "bob", "eve")]
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = {"type": "json_schema", "json_schema": {"name": "sum", "schema": schema}}
    async with gateway({"panel": agents}) as site, site.client() as web:
        body = asked(response_format=form)
        whole = (await web.post(PATH, json=body)).json()
        assert json.loads(whole["choices"][0]["message"]["content"]) == {"n": 42}
        streamed = chunks((await web.post(PATH, json={**body, "stream": True})).text)
        assert json.loads(said(streamed)) == {"n": 42}


async def test_a_written_form_is_sent_when_it_stands() -> None:
    writer = ScriptedAgent("ada", '{"n": 42}', '{"n": "forty', '{"n": 42}')
    experts = [writer, *(ScriptedAgent(id, '{"n": 42}') for id in ("bob", "eve"))]
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = {"type": "json_schema", "json_schema": {"name": "sum", "schema": schema}}
    async with gateway({"panel": experts}) as site, site.client() as web:
        body = asked(model="panel:synthesize", stream=True, response_format=form)
        found = chunks((await web.post(PATH, json=body)).text)
        assert said(found) == '{"n": 42}'
        assert "form asked for" in found[-1]["council"]["discarded"][0]


@pytest.mark.parametrize("field", [{"show": "experts"}, None])
async def test_experts_as_reasoning(field: Mapping[str, str] | None) -> None:
    options = GatewayOptions(show="answer" if field else "experts")
    async with gateway({"panel": three()}, options=options) as site, site.client() as web:
        body = asked(council=field)
        message = (await web.post(PATH, json=body)).json()["choices"][0]["message"]
        assert message["reasoning_content"].split("\n\n") == [
            f"{id}: It is 42." for id in ("ada", "bob", "eve")
        ]
        streamed = chunks((await web.post(PATH, json={**body, "stream": True})).text)
        assert said(streamed, "reasoning_content") == message["reasoning_content"]
        quiet = await web.post(PATH, json=asked(council={"show": "answer"}))
        assert "reasoning_content" not in quiet.json()["choices"][0]["message"]


async def test_an_answer_that_was_cut_off() -> None:
    cut = ChatToken(text="It is 42", finish_reason="length")
    experts = [ScriptedAgent(id, [cut]) for id in ("ada", "bob")]
    async with gateway({"panel": experts}) as site, site.client() as web:
        whole = (await web.post(PATH, json=asked())).json()
        assert whole["choices"][0]["finish_reason"] == "length"
        streamed = chunks((await web.post(PATH, json=asked(stream=True))).text)
        assert streamed[-1]["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_client_that_leaves_stops_its_run(streaming: bool) -> None:
    eve = Waiting()
    async with gateway({"panel": [*three()[:2], eve]}) as site, site.client() as web:
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as group:
                group.start_soon(_ask_in_vain, web, streaming)
                await eve.asked.wait()
                group.cancel_scope.cancel()
            await eve.stopped.wait()
            await site.state.runs.wait_over()
        [run] = site.state.runs.in_memory("")
        assert run.status == "interrupted"


async def _ask_in_vain(web: httpx.AsyncClient, streaming: bool) -> None:
    async with web.stream("POST", PATH, json=asked(stream=streaming)) as response:
        await response.aread()
    raise AssertionError("the answer came")


async def test_a_client_that_leaves_the_queue_is_never_answered() -> None:
    ada, bob, _ = three()
    eve = Waiting()
    options = GatewayOptions(limits=RunLimits(running=1))
    async with gateway({"panel": [ada, bob, eve]}, options=options) as site, site.client() as web:
        async with anyio.create_task_group() as group:
            group.start_soon(_ask_in_vain, web, False)
            with anyio.fail_after(PATIENCE):
                await eve.asked.wait()
                async with web.stream("POST", PATH, json=asked(stream=True)) as response:
                    # Its turn has not come, but the client knows that it is waiting for it.
                    assert "assistant" in await anext(response.aiter_lines())
                    waiting = await site.state.runs.get(response.headers["x-council-run"], "")
                assert isinstance(waiting, LiveRun)
                await waiting.over.wait()
            group.cancel_scope.cancel()
        assert waiting.status == "interrupted"
        assert len(ada.requests) == 1


async def test_a_run_that_somebody_else_watches_ends_with_its_client_all_the_same() -> None:
    eve = Waiting()
    async with gateway({"panel": [*three()[:2], eve]}) as site, site.client() as web:
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as group:
                group.start_soon(_ask_in_vain, web, True)
                await eve.asked.wait()
                [run] = site.state.runs.in_memory("")
                watching = run.watch()
                assert (await anext(watching)).type == "run.started"
                group.cancel_scope.cancel()
            types = [numbered.type async for numbered in watching]
            assert types[-1] == "run.finished"


async def test_an_answer_that_takes_too_long_ends_with_an_error() -> None:
    eve = Waiting()
    options = Options(request_timeout=0.3)
    async with (
        gateway({"panel": [*three()[:2], eve]}, serving=options) as site,
        site.client() as web,
    ):
        streamed = await web.post(PATH, json=asked(stream=True))
        assert chunks(streamed.text)[-1]["error"]["code"] == "request_timeout"
        assert "[DONE]" not in streamed.text
        whole = await web.post(PATH, json=asked())
        assert whole.status_code == 504
        with anyio.fail_after(PATIENCE):
            await site.state.runs.wait_over()


class Quiet:
    """A dialect that says what it is told to say, for the loop of all streams."""

    alive = "alive"

    def begin(self) -> str:
        """The beginning."""
        return "begun"

    def hear(self, event: Event) -> str:
        """Nothing but the end."""
        return "over" if event.type == "run.finished" else ""

    def fail(self, error: ApiError) -> str:
        """The error's code."""
        return str(error.code)


class Broken(Quiet):
    """A dialect with a defect."""

    def hear(self, event: Event) -> str:
        """Never comes to an end."""
        raise ValueError(event.type)


async def test_silence_is_filled() -> None:
    eve = Waiting()
    async with gateway({"panel": [*three()[:2], eve]}) as site:
        runs = site.state.runs
        run = await runs.start(site.state.panels.find("panel"), "6 * 7?", owner="")
        told = stream(run, Quiet(), silence=0.05)
        assert [await anext(told), await anext(told)] == ["begun", "alive"]
        eve.go_on.set()
        rest = [piece async for piece in told]
        assert rest[-1] == "over"
        assert set(rest[:-1]) <= {"alive"}


async def test_a_defect_ends_a_stream_with_an_error(caplog: pytest.LogCaptureFixture) -> None:
    async with gateway({"panel": three()}) as site:
        run = await site.state.runs.start(site.state.panels.find("panel"), "6 * 7?", owner="")
        told = [piece async for piece in stream(run, Broken())]
        assert told == ["begun", "internal_error"]
        assert "a stream failed" in caplog.text


async def test_keys_are_asked_for(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("team: sk-0123456789abcdef0123\n")
    keys.chmod(0o600)
    options = Options(keys_file=keys)
    async with gateway({"panel": three()}, serving=options) as site, site.client() as web:
        assert (await web.post(PATH, json=asked())).status_code == 401
        headers = {"Authorization": "Bearer sk-0123456789abcdef0123"}
        assert (await web.post(PATH, json=asked(), headers=headers)).status_code == 200
