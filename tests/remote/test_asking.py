"""What is asked of a gateway, exactly once, and what its refusals and failures become here."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from pydantic import BaseModel, field_validator

import council
from council.agents.scripted import ScriptedAgent
from council.answer_form import AnswerForm
from council.errors import (
    BackendError,
    ConfigError,
    CouncilError,
    LimitExceeded,
    QuorumLost,
    RunInterrupted,
    StoreError,
    StrategyError,
    StreamError,
    TransportError,
)
from council.messages import ChatMessage, ToolCall
from council.remote.address import gateway_url
from council.remote.remote import Remote
from council.retry import RetryPolicy
from council.testing import half_close, plain_reply, unused_port
from council.testing.raw_server import serving
from tests.support.spoken_gateway import (
    RUN,
    Spoken,
    Steps,
    cut,
    lines_of,
    refused,
    started,
    whole,
)

pytestmark = pytest.mark.anyio

CANCEL = f"POST /v1/council/runs/{RUN}/cancel"
QUICK = RetryPolicy(2, base=0.01)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def lines() -> list[str]:
    return await lines_of(ScriptedAgent("ada", "It is Tokyo."), ScriptedAgent("bob", "Tokyo."))


@asynccontextmanager
async def connected(gateway: Spoken, api_key: str | None = None) -> AsyncGenerator[Remote, None]:
    async with (
        serving(gateway) as server,
        council.connect(server.url, api_key, retry=QUICK) as remote,
    ):
        yield remote


def capital(name: str) -> str:
    """A function of this process."""
    return name


class City(BaseModel):
    """An answer's form."""

    name: str


ASKED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"panel": "wise"}, {"panel": "wise"}),
    ({"strategy": "judge", "seed": 0}, {"strategy": "judge", "seed": 0}),
    (
        {"strategy": {"name": "vote", "extract": "text"}},
        {"strategy": {"name": "vote", "extract": "text"}},
    ),
    ({"strategy": council.Vote()}, {"strategy": "vote"}),
    ({"strategy": council.Debate(max_rounds=3)}, {"strategy": {"name": "debate", "max_rounds": 3}}),
    (
        {"deadline": 9.5, "max_total_tokens": 900, "max_cost": 0.5},
        {"deadline": 9.5, "max_total_tokens": 900, "max_cost": 0.5},
    ),
    ({"response_format": {"type": "object"}}, {"response_format": {"type": "object"}}),
    (
        {"response_format": AnswerForm("c", {"type": "array"})},
        {"response_format": {"type": "array"}},
    ),
    ({"continuing": RUN}, {"continue": RUN}),
    ({"tools": (), "strategy": None}, {}),
]


@pytest.mark.parametrize(("options", "told"), ASKED, ids=lambda value: "-".join(value) or "plain")
async def test_a_question_goes_out_with_what_was_said(
    options: dict[str, Any], told: dict[str, Any], lines: list[str]
) -> None:
    gateway = Spoken(lines, [whole])
    async with connected(gateway) as remote, remote.stream("Capital?", **options) as run:
        async for _ in run:
            pass
    assert gateway.bodies == [{"question": "Capital?", **told}]


async def test_a_conversation_goes_out_as_messages(lines: list[str]) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    asked: list[ChatMessage | dict[str, str]] = [
        {"role": "system", "content": "Be brief."},
        ChatMessage("user", ({"type": "text", "text": "Where?"}, image)),
    ]
    gateway = Spoken(lines, [whole])
    async with connected(gateway) as remote:
        await remote.ask(asked)
    content = [{"type": "text", "text": "Where?"}, image]
    told = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": content}]
    assert gateway.bodies == [{"messages": told}]


@pytest.mark.parametrize(
    ("question", "options", "message"),
    [
        ("", {}, "the question is empty"),
        ("?", {"tools": [capital]}, "tools: a gateway cannot call functions of this process"),
        ("?", {"max_tool_turns": 3}, "max_tool_turns: a gateway cannot call"),
        ("?", {"response_format": {"type": "nothing"}}, "response_format: "),
        ("?", {"strategy": 3}, "strategy: expected a name, a mapping or a"),
        (
            [
                ChatMessage("assistant", tool_calls=(ToolCall("1", "f", "{}"),)),
                ChatMessage("user", "?"),
            ],
            {},
            "message: a gateway takes no turns that call tools",
        ),
    ],
    ids=["empty", "tools", "tool-turns", "schema", "strategy", "tool-call"],
)
async def test_what_no_gateway_takes_is_refused_here(
    question: Any, options: dict[str, Any], message: str, lines: list[str]
) -> None:
    gateway = Spoken(lines, [whole])
    async with connected(gateway) as remote:
        with pytest.raises(ConfigError, match=message):
            await remote.ask(question, **options)
    assert not gateway.requests


async def test_leaving_early_ends_the_run(lines: list[str]) -> None:
    gateway = Spoken(lines, [cut(3, anyio.sleep_forever)])
    async with connected(gateway) as remote, remote.stream("?") as run:
        await anext(aiter(run))
    assert gateway.requests[-1] == CANCEL


async def test_a_cancelled_ask_ends_the_run(lines: list[str]) -> None:
    under_way = anyio.Event()

    async def tell() -> None:
        under_way.set()
        await anyio.sleep_forever()

    gateway = Spoken(lines, [cut(3, tell)])
    async with connected(gateway) as remote, anyio.create_task_group() as group:

        async def ask() -> None:
            await remote.ask("?")

        group.start_soon(ask)
        await under_way.wait()
        group.cancel_scope.cancel()
    assert gateway.requests[-1] == CANCEL


async def test_a_run_that_is_over_is_not_ended(lines: list[str]) -> None:
    gateway = Spoken(lines, [whole])
    async with connected(gateway) as remote:
        await remote.ask("?")
    assert gateway.count("POST") == 1


async def test_a_detached_run_goes_on(lines: list[str]) -> None:
    gateway = Spoken(lines, [whole])
    async with connected(gateway) as remote:
        async with remote.stream("?", detach=True) as run:
            first = await anext(aiter(run))
            number = run.number
        async with remote.attach(run.id, after=number) as again:
            rest = [event async for event in again]
    assert first.type == "run.started"
    assert len(rest) == len(lines) - 1
    assert again.result.answer is not None
    assert gateway.count("POST") == 1


async def test_watching_ends_nothing(lines: list[str]) -> None:
    gateway = Spoken(lines, [whole])
    async with connected(gateway) as remote, remote.attach(RUN) as run:
        await anext(aiter(run))
    assert gateway.count("POST") == 0


async def test_a_run_whose_id_comes_too_late_is_ended(lines: list[str]) -> None:
    asked, answer = anyio.Event(), anyio.Event()

    async def arrived() -> None:
        asked.set()

    gateway = Spoken(lines, [whole], begin=[[arrived, answer, *started()]])
    async with connected(gateway) as remote, anyio.create_task_group() as group:

        async def ask() -> None:
            await remote.ask("?")

        group.start_soon(ask)
        await asked.wait()
        group.cancel_scope.cancel()
        answer.set()
    assert gateway.requests == ["POST /v1/council/runs", CANCEL]


@pytest.mark.parametrize(
    "full",
    [
        refused("429 Too Many Requests", "as many as this server takes", "queue_full"),
        refused("503 Service Unavailable", "about to end", "shutting_down"),
    ],
    ids=["full", "ending"],
)
async def test_a_gateway_that_takes_no_run_now_is_asked_again(
    full: Steps, lines: list[str]
) -> None:
    gateway = Spoken(lines, [whole], begin=[full, full, started()])
    async with connected(gateway) as remote:
        assert (await remote.ask("?")).answer
    assert gateway.count("POST") == 3


async def test_a_gateway_that_goes_on_taking_none_is_said(lines: list[str]) -> None:
    full = refused("429 Too Many Requests", "64 runs are under way", "queue_full")
    gateway = Spoken(lines, [whole], begin=[full])
    async with connected(gateway) as remote:
        with pytest.raises(TransportError, match="64 runs are under way") as raised:
            await remote.ask("?")
    assert raised.value.status == 429
    assert gateway.count("POST") == 3


@pytest.mark.parametrize(
    "broken",
    [
        [half_close],
        [b"HTTP/1.1 201 Crea"],
        refused("502 Bad Gateway", "no upstream"),
        refused("500 Internal Server Error", "Something went wrong", "internal_error"),
    ],
    ids=["no-response", "half-a-response", "bad-gateway", "defect"],
)
async def test_nothing_is_asked_twice(broken: Steps, lines: list[str]) -> None:
    gateway = Spoken(lines, [whole], begin=[broken])
    async with connected(gateway) as remote:
        with pytest.raises((TransportError, StreamError)):
            await remote.ask("?")
    assert gateway.count("POST") == 1


async def test_nobody_there_is_said_with_the_way_out() -> None:
    async with council.connect(f"http://127.0.0.1:{unused_port()}", retry=QUICK) as remote:
        with pytest.raises(
            TransportError, match=r"could not connect .* refused: is `council serve` running there"
        ):
            await remote.ask("?")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        ("400 Bad Request", "config", ConfigError),
        ("413 Too Large", "", ConfigError),
        ("404 Not Found", "model_not_found", ConfigError),
        ("404 Not Found", "run_not_found", StoreError),
        ("508 Loop Detected", "panel_asks_itself", ConfigError),
        ("401 Unauthorized", "invalid_api_key", TransportError),
        ("403 Forbidden", "", TransportError),
    ],
)
async def test_refusals_say_what_the_gateway_says(
    status: str, code: str, kind: type[CouncilError], lines: list[str]
) -> None:
    gateway = Spoken(lines, [whole], begin=[refused(status, "It is not so.", code)])
    async with connected(gateway, "sk-very-secret-1234") as remote:
        with pytest.raises(kind, match=r"It is not so\.") as raised:
            await remote.ask("?")
    if kind is TransportError:
        assert "check `api_key`" in str(raised.value)
    assert gateway.count("POST") == 1


async def test_the_key_goes_with_each_request_and_into_no_error(lines: list[str]) -> None:
    key = "sk-very-secret-1234"
    echo = refused("401 Unauthorized", f"Bearer {key} is unknown", "invalid_api_key")
    gateway = Spoken(lines, [cut(1), lambda gateway, after: echo])
    async with connected(gateway, key) as remote:
        with pytest.raises(TransportError, match="401") as raised:
            await remote.ask("?")
    assert key not in str(raised.value)
    assert [headers["authorization"] for headers in gateway.headers] == [f"Bearer {key}"] * 2


async def failed_lines(*agents: ScriptedAgent, **options: Any) -> list[str]:
    from council.council import open_council
    from council.events import to_json

    async with open_council(list(agents)) as panel, panel.stream("?", **options) as run:
        return [to_json(event) async for event in run]


async def asked_of(lines: list[str]) -> CouncilError:
    async with connected(Spoken(lines, [whole])) as remote:
        with pytest.raises(CouncilError) as raised:
            await remote.ask("?")
    return raised.value


async def test_a_lost_quorum_is_the_same_error_as_here() -> None:
    agents = [ScriptedAgent("ada", "Tokyo."), ScriptedAgent("bob", BackendError("no memory"))]
    with pytest.raises(QuorumLost) as here:
        await council.ask("?", panel=agents)
    agents = [ScriptedAgent("ada", "Tokyo."), ScriptedAgent("bob", BackendError("no memory"))]
    there = await asked_of(await failed_lines(*agents))
    assert isinstance(there, QuorumLost)
    assert str(there) == str(here.value)
    assert (there.required, there.actual) == (here.value.required, here.value.actual) == (2, 1)
    assert there.failures == here.value.failures


async def test_a_deadline_is_the_same_error_as_here() -> None:
    slow = [ScriptedAgent(id, [anyio.sleep_forever]) for id in ("ada", "bob")]
    error = await asked_of(await failed_lines(*slow, deadline=0.05))
    assert isinstance(error, LimitExceeded)
    assert error.limit == "deadline"
    assert "the deadline of 0.05 s passed" in str(error)


async def test_a_limit_of_tokens_is_the_same_error_as_here() -> None:
    agents = [ScriptedAgent(id, "Tokyo.") for id in ("ada", "bob")]
    error = await asked_of(await failed_lines(*agents, max_total_tokens=1))
    assert isinstance(error, LimitExceeded)
    assert error.limit == "tokens"


def with_error(lines: Sequence[str], kind: str) -> list[str]:
    last = json.loads(lines[-1])
    last["result"] |= {"status": "failed", "answer": None}
    last["result"]["error"] = {"kind": kind, "message": "It came to nothing."}
    return [*lines[:-1], json.dumps(last)]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("strategy", StrategyError),
        ("interrupted", RunInterrupted),
        ("config", ConfigError),
        ("quorum", QuorumLost),
        ("of a newer gateway", CouncilError),
    ],
)
async def test_a_failed_run_raises_here_what_it_would_there(
    kind: str, error: type[CouncilError], lines: list[str]
) -> None:
    raised = await asked_of(with_error(lines, kind))
    assert type(raised) is error
    assert str(raised) == "It came to nothing."


async def test_a_failed_run_that_is_watched_raises_nothing(lines: list[str]) -> None:
    gateway = Spoken(with_error(lines, "strategy"), [whole])
    async with connected(gateway) as remote, remote.stream("?") as run:
        events = [event async for event in run]
    assert events[-1].type == "run.finished"
    assert run.result.status == "failed"
    assert isinstance(run.error, StrategyError)


async def test_the_result_is_not_there_before_the_end(lines: list[str]) -> None:
    async with connected(Spoken(lines, [whole])) as remote, remote.stream("?") as run:
        with pytest.raises(RuntimeError, match="the run is not finished"):
            _ = run.result


async def test_a_snapshot_has_what_has_come_so_far(lines: list[str]) -> None:
    gateway = Spoken(lines, [whole])
    tokens = 0
    async with connected(gateway) as remote, remote.stream("?") as run:
        assert run.snapshot().experts == ()
        async for event in run:
            tokens += event.type == "expert.token"
            if tokens == 3:
                break
        result = run.snapshot()
        async for _ in run:
            pass
        assert run.snapshot() is run.result
    assert (result.run_id, result.status, result.answer) == (RUN, "failed", None)
    assert result.error is not None
    assert result.error.kind == "interrupted"
    assert [reply.id for reply in result.experts] == ["ada", "bob"]
    assert result.question == "Capital of Japan?"
    written = {reply.id: reply.text for reply in run.result.experts}
    partial = {reply.id: reply.text for reply in result.experts}
    assert partial != written
    assert all(written[id].startswith(text) for id, text in partial.items())
    assert any(partial.values())


def parsed_as(lines: Sequence[str], value: object) -> list[str]:
    last = json.loads(lines[-1])
    last["result"] |= {"answer": json.dumps(value), "parsed": value}
    return [*lines[:-1], json.dumps(last)]


async def test_an_answer_comes_as_the_model_that_was_asked_for(lines: list[str]) -> None:
    gateway = Spoken(parsed_as(lines, {"name": "Tokyo"}), [whole])
    async with connected(gateway) as remote:
        result = await remote.ask("?", response_format=City)
        async with remote.attach(RUN, response_format=City) as run:
            last = [event async for event in run][-1]
    assert result.parsed == City(name="Tokyo")
    assert run.result.parsed == City(name="Tokyo")
    assert last.type == "run.finished"
    assert last.result == run.result
    assert gateway.bodies == [{"question": "?", "response_format": City.model_json_schema()}]


async def test_what_the_schema_cannot_say_is_checked_here(lines: list[str]) -> None:
    class Short(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def _short(cls, name: str) -> str:
            if len(name) > 3:
                raise ValueError("too long")
            return name

    async with connected(Spoken(parsed_as(lines, {"name": "Tokyo"}), [whole])) as remote:
        with pytest.raises(StrategyError, match=r"fits the schema, but is no Short: .*too long"):
            await remote.ask("?", response_format=Short)


PANELS = {
    "panels": [
        {
            "name": "wise",
            "description": "Three models",
            "strategy": "vote",
            "experts": [{"id": "ada", "model": "m", "family": "f", "samples": 2, "new": 1}],
            "form": False,
            "newer": True,
        }
    ]
}
RUNS = {
    "runs": [
        {"id": RUN, "panel": "wise", "question": "?", "status": "complete", "created": 2.5}
        | {"strategy": "vote", "answer": "Tokyo"}
    ],
    "more": True,
}


async def test_what_a_gateway_lists(lines: list[str]) -> None:
    result = json.loads(lines[-1])["result"]
    one = {"id": RUN, "panel": "wise", "status": "complete", "created": 2.5, "result": result}
    gateway = Spoken(lines, [whole])
    gateway.others = {
        "GET /v1/council/panels": plain_reply("200 OK", json.dumps(PANELS)),
        "GET /v1/council/runs?": plain_reply("200 OK", json.dumps(RUNS)),
        f"GET /v1/council/runs/{RUN}": plain_reply("200 OK", json.dumps(one)),
    }
    async with connected(gateway) as remote:
        (panel,) = await remote.panels()
        (entry,) = await remote.runs(limit=3, before="a b")
        record = await remote.run(RUN)
        await remote.cancel(RUN)
    assert (panel.name, panel.strategy, panel.experts[0].samples) == ("wise", "vote", 2)
    assert (entry.id, entry.answer, entry.created) == (RUN, "Tokyo", 2.5)
    assert record.result is not None
    assert record.result.to_dict() == result
    asked = [line for line in gateway.requests if "?" in line]
    assert asked == ["GET /v1/council/runs?limit=3&before=a+b"]
    assert gateway.requests[-1] == CANCEL


async def test_an_odd_id_stays_within_its_route(lines: list[str]) -> None:
    gone = refused("404 Not Found", "There is no run.", "run_not_found")
    gateway = Spoken(lines, [whole], others={"GET": gone})
    async with connected(gateway) as remote:
        with pytest.raises(StoreError):
            await remote.run("../panels?x")
    assert gateway.requests == ["GET /v1/council/runs/..%2Fpanels%3Fx"]


@pytest.mark.parametrize(
    "reply",
    [
        plain_reply("200 OK", "<p>Welcome</p>", "text/html"),
        plain_reply("200 OK", '{"data": []}'),
    ],
    ids=["page", "other-json"],
)
async def test_what_is_no_gateway_is_said_so(reply: Steps, lines: list[str]) -> None:
    async with connected(Spoken(lines, [whole], others={"GET": reply})) as remote:
        with pytest.raises(StreamError, match="does not answer as a gateway of council does"):
            await remote.panels()


def test_addresses() -> None:
    for given in ("http://h:8000", "http://h:8000/", "http://h:8000/v1", " http://h:8000/v1/ "):
        assert gateway_url(given) == "http://h:8000/v1"
    assert gateway_url("https://h/council") == "https://h/council/v1"
    assert gateway_url("http://[::1]:8") == "http://[::1]:8/v1"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("localhost:8000", "no http"),
        ("ftp://h", "no http"),
        ("http://", "no http"),
        ("http://h:0", "no http"),
        ("http://h:99999", "no http"),
        ("http://me:pass@h", "use `api_key`"),
        ("http://h/v1?x=1", r"no \? and no #"),
    ],
)
def test_what_is_no_address(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        gateway_url(url)


@pytest.mark.parametrize(
    "make",
    [
        lambda: council.connect("http://h", timeout=0),
        lambda: council.connect("http://h", "sk-\n1"),
        lambda: council.connect("http://h", proxy="nonsense"),
    ],
    ids=["timeout", "key", "proxy"],
)
async def test_arguments_that_cannot_be_used(make: Callable[[], Any]) -> None:
    with pytest.raises(ConfigError):
        async with make():
            pass


async def test_many_at_once_stay_apart(lines: list[str]) -> None:
    gateway = Spoken(lines, [whole])
    results: list[council.Result] = []
    async with connected(gateway) as remote, anyio.create_task_group() as group:

        async def ask() -> None:
            results.append(await remote.ask("?"))

        for _ in range(20):
            group.start_soon(ask)
    assert len(results) == gateway.count("POST") == 20
    assert all(result.answer == results[0].answer for result in results)
