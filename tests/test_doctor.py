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
    unused_port,
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


REFUSED: list[Step] = [
    STREAM_HEAD,
    chunked(sse({"choices": [{"index": 0, "delta": {"refusal": "I will not count."}}]})),
    chunked(FINISH + DONE),
    END,
    keep_alive,
]
CALLS: list[Step] = [
    STREAM_HEAD,
    *[
        chunked(
            sse({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": n, "id": f"c{n}",
                "function": {"name": name, "arguments": "{}"}}]}}]})
        )
        for n, name in enumerate(("clock", "search"))
    ],
    chunked(sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}) + DONE),
    END,
    keep_alive,
]  # fmt: skip
FILTERED: list[Step] = [
    STREAM_HEAD,
    chunked(sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]})),
    chunked(DONE),
    END,
    keep_alive,
]


def filtered_after(text: str) -> list[Step]:
    head, *end = FILTERED
    return [head, chunked(delta(text)), *end]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (filtered_after("OK 1 2"), "its answer was held back by a content filter"),
        (
            [*whole_reply("I'm sorry, but I can't help with that.")],
            "it refuses to answer: I'm sorry, but I can't help with that.",
        ),
        (REFUSED, "it refuses to answer: I will not count."),
        (CALLS, "it only calls tools: clock search"),
        (FILTERED, "its answer was held back by a content filter"),
    ],
)
async def test_who_does_not_answer_is_not_well(reply: list[Step], said: str) -> None:
    finding = await only_finding(reply, NO_LIST, thorough=True)
    assert (finding.state, finding.error) == ("failed", said)
    assert "`extra_body`" in finding.advice


async def test_who_does_not_answer_has_notes_all_the_same() -> None:
    said = '{"error": {"message": "Unsupported parameter: \'max_tokens\'"}}'
    finding = await only_finding(plain_reply("400 Bad Request", said), REFUSED)
    assert finding.state == "failed"
    assert "refuses `max_tokens`" in finding.notes[0]


async def test_a_tool_beside_an_answer_is_no_failure() -> None:
    head, *calls = CALLS
    text = chunked(delta("OK 1 2"))
    assert (await only_finding([head, text, *calls], NO_LIST)).state == "ok"


def vectors(*vector: float, usage: bool = True) -> list[Step]:
    counted = {"usage": {"prompt_tokens": 4}} if usage else {}
    return plain_reply("200 OK", json.dumps({"data": [{"embedding": vector}], **counted}))


async def embedder_finding(*replies: list[Step], **more: object) -> Finding:
    """What is found of an embedder that gives these replies."""
    async with raw_server(GOOD, NO_LIST) as expert, raw_server(*replies) as server:
        embedder = {"model": "e5", "endpoint": f"{server.url}/v1", **more}
        entry = {"model": "m", "endpoint": expert.url}
        _, finding = await examine({"experts": [entry], "embedder": embedder})
        (request,) = server.requests
        assert request.json["input"] == ["It is 42."]
        assert request.line.startswith("POST /v1/embeddings ")
        assert finding.endpoint == f"{server.url}/v1"
    return finding


async def test_an_embedder_is_examined() -> None:
    finding = await embedder_finding(vectors(0.5, 0.25, 1.0), price={"input": 0.02})
    assert (finding.experts, finding.model, finding.state) == (("embedder",), "e5", "ok")
    assert (finding.dimensions, finding.notes) == (3, ())
    assert finding.seconds is not None
    assert 0 < finding.seconds < 30
    assert finding.price == "$0.02 in and $0 out for a million tokens (from the panel)"


async def test_an_embedder_that_does_odd_things() -> None:
    finding = await embedder_finding(vectors(0.0, 0.0, usage=False))
    assert finding.state == "ok"
    assert finding.notes == (
        "its vector has no direction: all numbers are 0",
        "reports no usage: tokens are estimated",
    )


async def test_an_embedder_that_fails() -> None:
    finding = await embedder_finding(plain_reply("500 Oh", '{"error": "overheated"}'))
    assert (finding.state, finding.dimensions, finding.seconds) == ("failed", None, None)
    assert "overheated" in finding.error
    assert "see the server's log" in finding.advice


async def test_each_endpoint_of_an_embedder_is_examined_after_the_experts() -> None:
    async with raw_server(GOOD, NO_LIST) as expert, raw_server(vectors(1.0)) as good:
        bad = f"http://127.0.0.1:{unused_port()}"
        embedder = {"model": "e5", "endpoint": [good.url, bad]}
        entry = {"model": "m", "endpoint": expert.url}
        findings = await examine({"experts": [entry], "embedder": embedder})
    assert [(found.experts, found.endpoint, found.state) for found in findings] == [
        (("A",), expert.url, "ok"),
        (("embedder",), good.url, "ok"),
        (("embedder",), bad, "failed"),
    ]
