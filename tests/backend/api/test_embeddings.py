"""``POST /v1/embeddings`` over HTTP: forms, lengths, refusals, and models that do nothing else."""

from __future__ import annotations

import asyncio
import base64
import math
import operator
import os
import signal
import struct
from collections.abc import Iterator
from typing import Any

import anyio
import gguf
import httpx
import pytest

from backend import builtin
from tests.backend.encoder_model import CONTEXT, WIDTH, write_encoder
from tests.backend.serving import PATIENCE, Server, ask, health, running

pytestmark = pytest.mark.anyio
ROUTE, CHAT = "/v1/embeddings", "/v1/chat/completions"
SAGE_WIDTH, SAGE_CONTEXT = 128, 512


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with "sage", which chats, "encoder", which does not, and "ranker"."""
    folder = tmp_path_factory.mktemp("encoders")
    encoder = write_encoder(folder / "encoder.gguf")
    ranker = write_encoder(folder / "ranker.gguf", gguf.PoolingType.RANK)
    sage = f"{builtin.path('sage')}=sage"
    with running("--model", sage, "--model", str(encoder), "--model", str(ranker)) as found:
        yield found


async def embed(web: httpx.AsyncClient, input: object, **fields: object) -> dict[str, Any]:
    response = await web.post(ROUTE, json={"model": "sage", "input": input, **fields})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def vectors(web: httpx.AsyncClient, input: object, **fields: object) -> list[list[float]]:
    return [entry["embedding"] for entry in (await embed(web, input, **fields))["data"]]


async def refused(web: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    response = await web.post(ROUTE, json={"model": "sage", **fields})
    assert response.status_code == 400, response.text
    error: dict[str, Any] = response.json()["error"]
    assert error["type"] == "invalid_request_error"
    return error


def close(first: list[float], second: list[float], within: float = 1e-5) -> bool:
    assert len(first) == len(second)
    return all(math.isclose(a, b, abs_tol=within) for a, b in zip(first, second, strict=True))


def alike(first: list[float], second: list[float]) -> bool:
    """Whether two vectors of length 1 are the same but for what a batch's other texts change."""
    return math.fsum(map(operator.mul, first, second)) > 0.999


async def test_one_text(web: httpx.AsyncClient) -> None:
    body = await embed(web, "What is the capital of Japan?")
    assert (body["object"], body["model"]) == ("list", "sage")
    (entry,) = body["data"]
    assert (entry["object"], entry["index"]) == ("embedding", 0)
    assert len(entry["embedding"]) == SAGE_WIDTH
    assert math.hypot(*entry["embedding"]) == pytest.approx(1.0, abs=1e-6)
    assert body["usage"]["prompt_tokens"] == body["usage"]["total_tokens"] > 3


async def test_what_is_alike_is_closer(web: httpx.AsyncClient) -> None:
    japan, tokyo, sum_ = await vectors(
        web, ["What is the capital of Japan?", "The capital of Japan is Tokyo.", "17 + 25 = 42"]
    )
    assert math.dist(japan, tokyo) < math.dist(japan, sum_)


async def test_many_texts_keep_their_order(web: httpx.AsyncClient) -> None:
    """More texts, and more tokens, than one batch holds."""
    texts = [f"{number} + {number} is " + "one and " * (number % 40) for number in range(100)]
    body = await embed(web, texts)
    assert [entry["index"] for entry in body["data"]] == list(range(100))
    for number in (0, 33, 99):
        (alone,) = await vectors(web, texts[number])
        assert alike(body["data"][number]["embedding"], alone)


async def test_tokens_are_inputs_too(web: httpx.AsyncClient) -> None:
    (one,) = await vectors(web, [20, 30, 40])
    pair = await vectors(web, [[20, 30, 40], [50]])
    assert alike(one, pair[0])
    assert not alike(pair[0], pair[1])


async def test_base64_holds_the_same_numbers(web: httpx.AsyncClient) -> None:
    (numbers,) = await vectors(web, "hello")
    for fields in ({}, {"dimensions": SAGE_WIDTH}):
        (entry,) = (await embed(web, "hello", encoding_format="base64", **fields))["data"]
        raw = base64.b64decode(entry["embedding"])
        assert close(list(struct.unpack(f"<{SAGE_WIDTH}f", raw)), numbers, 1e-6)


async def test_fewer_dimensions_are_the_first_ones_at_length_1(web: httpx.AsyncClient) -> None:
    (whole,) = await vectors(web, "hello")
    (short,) = await vectors(web, "hello", dimensions=10)
    length = math.hypot(*whole[:10])
    assert close(short, [number / length for number in whole[:10]])


async def test_more_dimensions_than_there_are(web: httpx.AsyncClient) -> None:
    error = await refused(web, input="hello", dimensions=SAGE_WIDTH + 1)
    assert error["param"] == "dimensions"
    assert f"at most {SAGE_WIDTH}" in error["message"]
    assert str(SAGE_WIDTH + 1) in error["message"]


async def test_a_text_that_is_too_long_gives_both_counts(web: httpx.AsyncClient) -> None:
    error = await refused(web, input=["short", [20] * (SAGE_CONTEXT + 1)])
    assert (error["code"], error["param"]) == ("context_length_exceeded", "input[1]")
    assert f"has {SAGE_CONTEXT + 1} tokens" in error["message"]
    assert f"at most {SAGE_CONTEXT} " in error["message"]


async def test_a_text_as_long_as_the_context(web: httpx.AsyncClient) -> None:
    body = await embed(web, [[20] * SAGE_CONTEXT, "short"])
    assert body["usage"]["prompt_tokens"] > SAGE_CONTEXT


@pytest.mark.parametrize(
    ("fields", "param", "told"),
    [
        ({}, "input", "input is missing"),
        ({"input": None}, "input", "must be a text, a list"),
        ({"input": {"a": 1}}, "input", "must be a text, a list"),
        ({"input": ["a", 3]}, "input", "must be a text, a list"),
        ({"input": [[1, "a"]]}, "input", "must be a text, a list"),
        ({"input": [True]}, "input", "must be a text, a list"),
        ({"input": ""}, "input", "text 0 is empty"),
        ({"input": ["a", ""]}, "input", "text 1 is empty"),
        ({"input": [[]]}, "input", "text 0 is empty"),
        ({"input": []}, "input", "has 0 texts"),
        ({"input": ["a"] * 2049}, "input", "1 to 2048"),
        ({"input": [-1]}, "input", "no token"),
        ({"input": [1 << 40]}, "input", "no token"),
        ({"input": [[1], [9_999_999]]}, "input[1]", "no token 9999999"),
        ({"input": "a", "dimensions": 0}, "dimensions", "at least 1"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format", "'float' or 'base64'"),
    ],
)
async def test_what_is_no_input(
    web: httpx.AsyncClient, fields: dict[str, object], param: str, told: str
) -> None:
    error = await refused(web, **fields)
    assert error["param"] == param
    assert told in error["message"]


async def test_an_encoder_makes_vectors_and_does_not_chat(web: httpx.AsyncClient) -> None:
    found = await vectors(web, ["hello world", "hello"], model="encoder")
    assert [len(vector) for vector in found] == [WIDTH, WIDTH]
    response = await web.post(CHAT, json=ask(model="encoder"))
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["param"] == "model"
    assert "only makes vectors: use POST /v1/embeddings" in error["message"]
    letters = "x " * CONTEXT
    error = await refused(web, model="encoder", input=letters)
    # Each letter is a token, and the model's frame adds two.
    assert f"has {CONTEXT + 2} tokens" in error["message"]
    assert f"at most {CONTEXT} " in error["message"]


async def test_a_model_that_ranks_says_why_it_is_not_there(web: httpx.AsyncClient) -> None:
    assert (await health(web, 2))["error"] == "it ranks texts and makes no vectors of them"


async def test_vectors_and_chats_at_the_same_time(web: httpx.AsyncClient) -> None:
    question = ask("What is 2 + 2?", model="sage", temperature=0)
    alone = (await web.post(CHAT, json=question)).json()["choices"][0]["message"]["content"]
    (vector,) = await vectors(web, "hello")
    chats = [web.post(CHAT, json=question) for _ in range(4)]
    both = await asyncio.gather(*chats, *(vectors(web, ["hello"] * 9) for _ in range(8)))
    for answer in both[:4]:
        assert isinstance(answer, httpx.Response)
        assert answer.json()["choices"][0]["message"]["content"] == alone
    for found in both[4:]:
        assert isinstance(found, list)
        assert all(alike(one, vector) for one in found)
    assert (await health(web))["restarts"] == 0


async def active(web: httpx.AsyncClient) -> int:
    """Requests for vectors under way."""
    text = (await web.get("/metrics")).text
    (line,) = [line for line in text.splitlines() if 'embeddings_active{model="sage"}' in line]
    return int(float(line.split()[1]))


async def until_active(web: httpx.AsyncClient, count: int) -> None:
    with anyio.fail_after(PATIENCE):
        while await active(web) != count:
            await anyio.lowlevel.checkpoint()


LONG = [[20] * SAGE_CONTEXT] * 2000


async def test_a_client_that_leaves_is_forgotten(web: httpx.AsyncClient) -> None:
    request = asyncio.create_task(web.post(ROUTE, json={"model": "sage", "input": LONG}))
    await until_active(web, 1)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    await until_active(web, 0)
    # Its texts are not waited for.
    assert len(await vectors(web, "hello")) == 1


async def test_a_worker_that_dies_fails_the_request(web: httpx.AsyncClient) -> None:
    request = asyncio.create_task(web.post(ROUTE, json={"model": "sage", "input": LONG}))
    await until_active(web, 1)
    os.kill((await health(web))["pid"], signal.SIGKILL)
    response = await request
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "model_crashed"
    assert len(await vectors(web, "hello")) == 1
