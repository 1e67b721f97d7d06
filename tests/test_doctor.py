"""The examination of a panel as Python callers have it."""

from __future__ import annotations

import json

import anyio
import pytest

from council.doctor import Finding, examine
from council.errors import ConfigError
from council.testing import (
    DONE,
    END,
    FINISH,
    STREAM_HEAD,
    Step,
    chunked,
    delta,
    keep_alive,
    plain_reply,
    raw_server,
    sse,
    until_closed,
    whole_reply,
)
from tests.support.doctor import GOOD, NO_LIST, counted, listing

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def only_finding(*replies: list[Step], thorough: bool = False) -> Finding:
    """What is found of a server that gives these replies."""
    async with raw_server(*replies) as server:
        expert = {"model": "m", "endpoint": server.url}
        (finding,) = await examine({"experts": [expert]}, thorough=thorough)
    return finding


async def test_each_endpoint_of_a_pool_is_examined() -> None:
    async with (
        raw_server(whole_reply("OK")) as good,
        raw_server(plain_reply("500 Oh", "")) as bad,
    ):
        expert = {"model": "m", "endpoint": [good.url, bad.url]}
        findings = await examine({"experts": [expert, {"model": "m", "endpoint": bad.url}]})
    assert [(finding.experts, finding.endpoint, finding.state) for finding in findings] == [
        (("A",), good.url, "ok"),
        (("A", "B"), bad.url, "failed"),
    ]


@pytest.mark.parametrize("difference", [{"api_key": "two"}, {"headers": {"who": "two"}}])
async def test_another_key_or_header_is_another_examination(difference: dict[str, object]) -> None:
    async with raw_server(whole_reply("OK")) as server:
        one = {"model": "m", "endpoint": server.url, "api_key": "one", "headers": {"who": "one"}}
        findings = await examine({"experts": [one, {**one, **difference}, one]})
    assert [finding.experts for finding in findings] == [("A", "C"), ("B",)]


async def test_a_writer_who_is_an_expert_is_examined_once() -> None:
    async with raw_server(whole_reply("OK")) as server:
        expert = {"id": "ada", "model": "m", "endpoint": server.url}
        findings = await examine({"experts": [expert], "synthesizer": "ada"})
    assert [finding.experts for finding in findings] == [("ada",)]


async def test_all_are_asked_at_once() -> None:
    arrived: list[str] = []
    all_here = anyio.Event()

    async def meet() -> None:
        arrived.append("one")
        if len(arrived) == 3:
            all_here.set()
        await all_here.wait()

    reply: list[Step] = [meet, *whole_reply("OK")]
    async with raw_server(reply) as a, raw_server(reply) as b, raw_server(reply) as c:
        experts = [{"model": "m", "endpoint": server.url} for server in (a, b, c)]
        with anyio.fail_after(20):
            findings = await examine({"experts": experts, "limits": {"concurrency": 1}})
    assert [finding.state for finding in findings] == ["ok"] * 3


async def test_a_panel_that_cannot_be_used() -> None:
    with pytest.raises(ConfigError, match="unknown strategy"):
        await examine({"experts": [{"model": "builtin:sage"}], "strategy": "vot"})


@pytest.mark.parametrize(
    ("body", "noted"),
    [
        ({"data": [{"id": "n"}]}, True),
        ({"models": [{"name": "n"}]}, True),
        ([{"id": "n"}], True),
        ([{"id": "m"}], False),
        ({"data": [{"id": None}, "n", {}]}, False),
        ({"data": "n"}, False),
        ("n", False),
    ],
)
async def test_lists_of_models_in_every_shape(body: object, noted: bool) -> None:
    listing = plain_reply("200 OK", json.dumps(body))
    async with raw_server(whole_reply("OK"), listing) as server:
        (finding,) = await examine({"experts": [{"model": "m", "endpoint": server.url}]})
    assert any("list of models" in note for note in finding.notes) == noted


async def test_a_list_that_never_comes_is_not_waited_for() -> None:
    async def never() -> None:
        await anyio.sleep_forever()

    async with raw_server(whole_reply("OK"), [b"HTTP/1.1 200 OK\r\n", never]) as server:
        expert = {"model": "m", "endpoint": server.url, "timeouts": {"first_token": 1}}
        with anyio.fail_after(20):
            (finding,) = await examine({"experts": [expert]})
    assert finding.state in ("ok", "slow")


async def test_a_server_that_is_no_chat_server() -> None:
    page = plain_reply("200 OK", "<html>Log in</html>", "text/html")
    finding = await only_finding(page, NO_LIST)
    assert "text/html" in finding.error
    assert "`kind`" in finding.advice


@pytest.mark.parametrize("listed", ["m", "m:latest", "models/m"])
async def test_names_that_mean_the_model(listed: str) -> None:
    assert (await only_finding(GOOD, listing("other", listed))).notes == ()


@pytest.mark.parametrize("reply", [NO_LIST, plain_reply("200 OK", "not json"), listing(), []])
async def test_servers_without_a_list_are_fine(reply: list[Step]) -> None:
    finding = await only_finding(GOOD, reply)
    assert (finding.state, finding.notes) == ("ok", ())


async def test_an_ignored_limit_is_noted_and_not_waited_out() -> None:
    endless: list[Step] = [STREAM_HEAD, *[chunked(delta(f"{n} ")) for n in range(100)]]
    finding = await only_finding([*endless, until_closed], NO_LIST)
    assert (finding.state, finding.notes) == ("ok", ("ignores `max_tokens`",))
    finding = await only_finding(counted(*["1 "] * 40), NO_LIST)
    assert finding.notes == ("ignores `max_tokens`",)


async def test_a_refused_limit_is_noted() -> None:
    said = '{"error": {"message": "Unsupported parameter: \'max_tokens\'"}}'
    async with raw_server(plain_reply("400 Bad Request", said), GOOD, NO_LIST) as server:
        (finding,) = await examine({"experts": [{"model": "m", "endpoint": server.url}]})
        assert "max_tokens" not in server.requests[1].json
    assert finding.state == "ok"
    assert "refuses `max_tokens`" in finding.notes[0]


async def test_a_reply_without_words() -> None:
    finding = await only_finding(counted(), NO_LIST)
    assert (finding.state, finding.first_token) == ("ok", None)
    assert "wrote nothing" in finding.notes[0]


async def test_how_fast_it_writes() -> None:
    async def pause() -> None:
        await anyio.sleep(0.1)

    head, first, second, *rest = counted("1", " 2", " 3")
    finding = await only_finding([head, first, pause, second, *rest], NO_LIST)
    assert finding.tokens_per_second is not None
    # Two more tokens in at least a tenth of a second; clocks and sockets may differ a little.
    assert 0 < finding.tokens_per_second < 25


LOGPROBS = {"logprobs": {"content": [{"token": "1", "logprob": -0.1}]}}
TWO: list[Step] = [
    STREAM_HEAD,
    *[chunked(sse({"choices": [{"index": n, "delta": {"content": "a"}}]})) for n in range(2)],
    chunked(FINISH + DONE),
    END,
    keep_alive,
]


@pytest.mark.parametrize(
    ("replies", "notes"),
    [
        ([GOOD, GOOD, counted("OK 1 2"), counted("1", **LOGPROBS), TWO, counted(' {"a')], []),
        (
            [GOOD, counted("something else"), counted("1 2 3"), GOOD, GOOD, GOOD],
            [
                "ignores `seed`",
                "ignores `stop`",
                "ignores `logprobs`",
                "ignores `n`",
                "ignores `response_format`",
            ],
        ),
    ],
)
async def test_thorough(replies: list[list[Step]], notes: list[str]) -> None:
    finding = await only_finding(GOOD, NO_LIST, *replies, thorough=True)
    assert (finding.state, finding.notes) == ("ok", tuple(notes))


async def test_thorough_asks_for_what_it_looks_for() -> None:
    async with raw_server(GOOD, NO_LIST, GOOD) as server:
        await examine({"experts": [{"model": "m", "endpoint": server.url}]}, thorough=True)
        asked = [request.json for request in server.requests[2:]]
    assert [(body.get("temperature"), body.get("seed")) for body in asked[:2]] == [(1.0, 7)] * 2
    assert asked[2]["stop"] == ["3"]
    assert asked[3]["logprobs"] is True
    assert asked[4]["n"] == 2
    assert asked[5]["response_format"] == {"type": "json_object"}
    assert "JSON" in asked[5]["messages"][0]["content"]


async def test_thorough_names_what_is_refused() -> None:
    refusal = plain_reply("400 Bad Request", '{"error": "no logprobs here"}')
    replies = [GOOD, NO_LIST, GOOD, GOOD, GOOD, refusal, TWO, counted("{")]
    finding = await only_finding(*replies, thorough=True)
    assert finding.state == "ok"
    (note,) = finding.notes
    assert note.startswith("fails with `logprobs`: HTTP 400")
    assert "no logprobs here" in note
