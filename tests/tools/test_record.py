"""Runs with tools that are kept: going back to one never runs a tool again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import council
from council.agents.scripted import Script, ScriptedAgent, Step
from council.errors import StoreError, TransportError
from council.events import Event, ExpertFinished, ToolCalled, ToolReturned, to_json
from council.expert import Expert
from council.messages import ChatToken, Sampling, ToolCallDelta, Usage
from council.rerun import redecided, resumed
from council.run import Run
from council.store.choices import choices_text, tokens_of
from council.store.export import as_markdown
from council.store.gathered import gathered
from council.store.store import Store
from council.testing import raw_server, whole_reply
from council.tools.shown import MOST_READ, Shown

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "runs.sqlite3") as store:
        yield store


def calls(name: str, arguments: str = "{}", *before: Step) -> Script:
    """A script that calls a tool."""
    delta = ToolCallDelta(0, "call-1", name, arguments)
    end = ChatToken(finish_reason="tool_calls", usage=Usage(10, 5))
    return (*before, ChatToken(tool_calls=(delta,)), end)


def counting() -> tuple[list[int], Callable[..., Any]]:
    ran: list[int] = []

    def double(n: int) -> dict[str, int]:
        """Doubles a number."""
        ran.append(n)
        return {"doubled": 2 * n}

    return ran, double


def panel() -> list[Expert]:
    """Ada calls a tool, Bob does not; Cyd fails at first."""
    call = calls("double", '{"n": 21}', "Let me ", "see. ", ChatToken(reasoning="Hm."))
    return [
        Expert("ada", ScriptedAgent("ada", call, "It is 42.")),
        Expert("bob", ScriptedAgent("bob", "It is 42.")),
        Expert("cyd", ScriptedAgent("cyd", TransportError("down"), call, "It is 42.")),
    ]


def asked(seats: list[Expert]) -> list[int]:
    return [len(seat.agent.requests) for seat in seats if isinstance(seat.agent, ScriptedAgent)]


async def events_of(run: Run) -> list[Event]:
    return [event async for event in run]


async def kept(store: Store, seats: list[Expert], tool: Any, **more: Any) -> tuple[Run, list[Any]]:
    async with (
        council.open_council(seats, store=store) as opened,
        opened.stream("How many?", tools=[tool], **more) as run,
    ):
        return run, await events_of(run)


async def test_the_record_gives_every_line_back(store: Store) -> None:
    _, double = counting()
    run, events = await kept(store, panel(), double)
    assert store.lines(run.id) == [to_json(event) for event in events]
    assert list(store.events(run.id)) == events
    called = next(event for event in events if isinstance(event, ToolCalled))
    returned = next(event for event in events if isinstance(event, ToolReturned))
    assert (called.name, called.arguments) == ("double", '{"n": 21}')
    assert (returned.id, returned.result) == (called.id, '{"doubled":42}')


async def test_a_run_as_a_document_tells_what_was_called(store: Store) -> None:
    _, double = counting()
    run, _ = await kept(store, panel(), double)
    document = as_markdown(store, store.run(run.id))
    told = '- double {"n": 21} → {"doubled":42}\n\nIt is 42.\n'
    assert f"## ada (scripted), answer: complete\n\n{told}" in document


async def test_resuming_runs_no_tool_of_a_whole_reply_again(store: Store) -> None:
    seats, (ran, double) = panel(), counting()
    before, _ = await kept(store, seats, double)
    assert (before.result.status, ran, asked(seats)) == ("degraded", [21], [2, 1, 1])
    async with resumed(store, before.id, panel=seats, tools=[double]) as run:
        events = await events_of(run)
    # Cyd alone was asked, and had its tool run.
    assert (run.result.status, ran, asked(seats)) == ("complete", [21, 21], [2, 1, 3])
    old, new = before.result.experts[0], run.result.experts[0]
    assert (new.text, new.reasoning, new.tools) == (old.text, old.reasoning, old.tools)
    assert (new.usage, new.reasoning) == (old.usage, "Hm.\n\nLet me see. \n\n")
    assert [event.expert for event in events if isinstance(event, ToolCalled)] == ["ada", "cyd"]
    async with resumed(store, run.id, panel=seats, tools=[double]) as again:
        await events_of(again)
    assert (ran, asked(seats)) == ([21, 21], [2, 1, 3])
    assert again.result.experts[2].tools == run.result.experts[2].tools


async def test_deciding_anew_needs_no_tools(store: Store) -> None:
    seats, (ran, double) = panel(), counting()
    before, _ = await kept(store, seats, double)
    async with redecided(store, before.id, "concat") as run:
        await events_of(run)
    assert run.result.answer is not None
    assert "It is 42." in run.result.answer
    assert (ran, asked(seats)) == ([21], [2, 1, 1])
    assert run.result.experts[0].tools == before.result.experts[0].tools


async def test_the_tools_have_to_be_those_of_then(store: Store) -> None:
    seats, (_, double) = panel(), counting()
    before, _ = await kept(store, seats, double)
    with pytest.raises(StoreError, match=r"had tools \(double\), which are functions in Python"):
        async with resumed(store, before.id, panel=seats):
            pass

    def triple(n: int) -> int:
        return 3 * n

    with pytest.raises(StoreError, match=r"changed since run .* in tools: pass --anyway"):
        async with resumed(store, before.id, panel=seats, tools=[triple]):
            pass
    aside = [Expert("ada", seats[0].agent, takes_tools=False), *seats[1:]]
    with pytest.raises(StoreError, match=r"changed since run .* in ada\.tools: pass --anyway"):
        async with resumed(store, before.id, panel=aside, tools=[double]):
            pass
    async with resumed(store, before.id, panel=seats, anyway=True) as run:
        await events_of(run)
    assert asked(seats) == [3, 2, 2]


async def test_asking_anew_runs_the_tools_of_what_is_not_in_the_record(store: Store) -> None:
    seats, (ran, double) = panel(), counting()
    before, _ = await kept(store, seats, double)
    with pytest.raises(StoreError, match=r"had tools \(double\)"):
        async with redecided(store, before.id, "concat", ask=True, panel=seats):
            pass
    anew = redecided(store, before.id, "concat", ask=True, panel=seats, tools=[double])
    async with anew as run:
        await events_of(run)
    assert (run.result.status, ran, asked(seats)) == ("complete", [21, 21], [2, 1, 3])


async def test_a_run_without_tools_is_resumed_as_before(store: Store) -> None:
    seats = panel()[1:]
    async with (
        council.open_council(seats, store=store) as opened,
        opened.stream("How many?", strategy="first") as run,
    ):
        await events_of(run)
    async with resumed(store, run.id, panel=seats) as again:
        await events_of(again)
    assert again.result.answer == "It is 42."


async def test_secrets_are_kept_out_of_the_record(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEATHER_API_KEY", 'wea"ther-0123')
    looks = "sk-0123456789abcdef"

    def fetch(url: str, password: str, n: int) -> object:
        if n:
            raise ValueError('401 for key wea"ther-0123')
        return {"token": looks, "note": 'wea"ther-0123', "sky": "blue"}

    first = '{"url": "https://h/?key=12345", "password": "hunter-2-hunter", "n": 0}'
    second = first.replace('"n": 0', '"n": 1')
    scripts = (calls("fetch", first), calls("fetch", second), 'Blue, and wea"ther-0123.')
    agent = ScriptedAgent("ada", *scripts)
    _, events = await kept(store, [Expert("ada", agent)], fetch)
    # The tool had the real ones, and the model what the tool gave; errors are told without.
    assert [m.text for m in agent.requests[2].messages if m.role == "tool"] == [
        '{"token":"sk-0123456789abcdef","note":"wea\\"ther-0123","sky":"blue"}',
        "fetch failed: ValueError: 401 for key (secret)",
    ]
    shown = [event for event in events if isinstance(event, ToolCalled | ToolReturned)]
    text = "".join(map(to_json, shown))
    assert "blue" in text
    store.runs()  # what was handed over is written
    database = sqlite3.connect(tmp_path / "runs.sqlite3")
    kept_text = "\n".join(database.iterdump())
    database.close()
    for secret in ("hunter-2-hunter", looks, "ther-0123", "key=12345"):
        assert secret not in text
        assert secret not in kept_text


def test_what_a_model_is_told_no_more_of_is_searched_for_secrets_all_the_same() -> None:
    shown = Shown(())
    long = json.dumps({"password": "hunter-2-hunter", "rows": ["x" * 50] * 2000})
    assert "hunter" not in shown(long)
    assert shown(long).startswith('{"password": "(secret)", "rows": ["xxx')
    assert shown("x" * (MOST_READ + 1)) == f"({MOST_READ + 1} characters)"


async def test_secrets_within_texts_are_in_neither_events_nor_record(
    store: Store, tmp_path: Path
) -> None:
    secrets = ("sk-abcdefghij1234567890", "zzzzzzzzzzzz1", "AKIAIOSFODNN7EXAMPLE", "MIIEow")

    def fetch(note: str) -> str:
        pem = "-----BEGIN PRIVATE KEY-----\nMIIEow\n-----END PRIVATE KEY-----"
        return f"The sky is blue, the key {secrets[0]}, api_key: {secrets[1]}\n{pem}"

    note = json.dumps({"note": f"with {secrets[2]}, and tell"})
    _, events = await kept(
        store, [Expert("ada", ScriptedAgent("ada", calls("fetch", note), "Blue."))], fetch
    )
    store.runs()  # what was handed over is written
    database = sqlite3.connect(tmp_path / "runs.sqlite3")
    text = "\n".join([*map(to_json, events), *database.iterdump()])
    database.close()
    assert "The sky is blue, the key (secret), api_key: (secret)" in text
    assert "with (secret), and tell" in text
    assert not [secret for secret in secrets if secret in text]


async def test_a_long_results_secrets_are_in_no_event(store: Store) -> None:
    def rows() -> object:
        return {"password": "hunter-2-hunter", "rows": ["x" * 50] * 2000}

    agent = ScriptedAgent("ada", calls("rows"), "Many.")
    run, events = await kept(store, [Expert("ada", agent)], rows)
    (told,) = (message.text for message in agent.requests[1].messages if message.role == "tool")
    assert len(told) < 51_000
    assert "hunter" not in "".join(map(to_json, events))
    assert run.result.experts[0].tools[0].result is not None


async def test_a_call_that_is_not_run_shows_no_secret(store: Store, tmp_path: Path) -> None:
    def fetch(password: str, n: int) -> str:
        return "blue"

    whole = '{"password": "hunter-2-hunter", "n": 7}'
    cut = ToolCallDelta(0, "c", "fetch", '{"password": "hunter-2-hun')
    seats = [
        Expert("ada", ScriptedAgent("ada", calls("fetch", whole), calls("fetch", whole))),
        Expert("bob", ScriptedAgent("bob", (ChatToken(tool_calls=(cut,)), TransportError("gone")))),
        Expert("cyd", ScriptedAgent("cyd", [ChatToken(tool_calls=(cut,), finish_reason="length")])),
    ]
    run, events = await kept(store, seats, fetch, max_tool_turns=1)
    asked_for = [[(c.name, c.arguments) for c in r.tool_calls] for r in run.result.experts]
    hidden = '{"password": "(secret)", "n": 7}'
    assert asked_for == [[("fetch", hidden)], [("fetch", "")], [("fetch", "")]]
    store.runs()  # what was handed over is written
    database = sqlite3.connect(tmp_path / "runs.sqlite3")
    assert "hunter" not in "".join([*map(to_json, events), *database.iterdump()])
    database.close()


def test_half_of_a_surrogate_pair_beside_a_secret_can_be_told() -> None:
    shown = Shown(())('{"text": "\\ud800", "password": "hunter-2-hunter"}')
    assert shown == '{"text": "?", "password": "(secret)"}'


async def test_a_panel_files_key_is_scrubbed_from_results(store: Store) -> None:
    def leak() -> str:
        return "the key is " + "x" * 1985 + "key-0123456789"

    call = whole_reply("42")
    async with raw_server(call) as server:
        agent = {"model": "m", "endpoint": server.url, "api_key": "key-0123456789"}
        async with council.open_council({"experts": [agent]}, store=store) as opened:
            seat = opened.experts[0]
            double = ScriptedAgent("A", calls("leak"), "It leaks.")
            opened.experts = (Expert(seat.id, double),)
            async with opened.stream("?", tools=[leak]) as run:
                events = await events_of(run)
    lines = [*map(to_json, events), *store.lines(run.id)]
    # Nor is the part of it there that a cut would have left.
    assert not [line for line in lines if "key-0" in line]


TOKENS = [
    ChatToken("I look. ", reasoning="hm"),
    ChatToken(tool_calls=(ToolCallDelta(0, "c", "double", "{}"),)),
    ChatToken(usage=Usage(1, 2)),
]


async def test_what_is_gathered_in_between_is_gathered_alike(store: Store) -> None:
    """A long reply is gathered more than once; where, must not show."""
    seats, (_, double) = panel(), counting()
    seen: list[ChatToken] = []
    run, events = await kept(store, seats, double)
    finished = [event.reply for event in events if isinstance(event, ExpertFinished)]
    reply = next(reply for reply in finished if reply.id == "ada")
    replies = {reply.expert: reply for reply in store.replies(run.id)}
    seen += replies["ada"].tokens
    assert [token.notice is not None for token in seen] == [True, True, False]
    assert (seen[-1].text, seen[-1].reasoning) == (reply.text, reply.reasoning)
    called, returned = (ChatToken(notice=token.notice) for token in seen[:2])
    stream = [*TOKENS, called, returned, ChatToken("42"), ChatToken(finish_reason="stop")]
    whole = gathered(stream)
    assert whole[-1].reasoning == "hm\n\nI look. \n\n"
    assert (whole[-1].text, whole[-1].tool_calls, whole[-1].usage) == ("42", (), Usage(1, 2))
    for cut in range(len(stream) + 1):
        assert gathered([*gathered(stream[:cut]), *stream[cut:]]) == whole
    assert tokens_of(choices_text(whole)) == whole
    assert seen[-1].finish_reason == "stop"


async def test_samples_and_seeds_go_with_tools(store: Store) -> None:
    """Each sample is one reply, with calls of its own."""
    ran, double = counting()
    call, answer = calls("double", '{"n": 1}'), "It is 2."

    def script(request: council.ChatRequest) -> Any:
        return answer if any(m.role == "tool" for m in request.messages) else call

    agent = ScriptedAgent("ada", script)
    seats = [Expert("ada", agent, samples=3, sampling=Sampling(seed=5))]
    before, _ = await kept(store, seats, double)
    assert (ran, len(agent.requests)) == ([1, 1, 1], 6)
    async with resumed(store, before.id, panel=seats, tools=[double]) as run:
        await events_of(run)
    assert (ran, len(agent.requests)) == ([1, 1, 1], 6)
    assert [len(reply.tools) for reply in run.result.experts] == [1, 1, 1]
