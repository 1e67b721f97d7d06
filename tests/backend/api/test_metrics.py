"""``GET /metrics``: what Prometheus would read, next to what the answers said."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.backend.serving import Server, ask, health, running, until

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def server(models: Path) -> Iterator[Server]:
    """Two models: "bytes" and "short"."""
    arguments = ["--model", f"{models}/bytes.gguf", "--model", f"{models}/short.gguf"]
    with running(*arguments, "--ctx", "2048") as found:
        yield found


Samples = dict[tuple[str, ...], float]


async def samples(web: httpx.AsyncClient) -> Samples:
    """Each sample by its name, without what all have in common, and its labels' values."""
    response = await web.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    found: Samples = {}
    for family in text_string_to_metric_families(response.text):
        assert family.documentation
        for sample in family.samples:
            name = sample.name.removeprefix("council_backend_")
            assert name != sample.name
            found[name, *sample.labels.values()] = sample.value
    return found


def growth(before: Samples, after: Samples, model: str = "bytes") -> dict[str, float]:
    names = {key[0] for key in after if key[1] == model and len(key) == 2}
    return {name: after[name, model] - before[name, model] for name in names}


async def test_counters_agree_with_the_answers(web: httpx.AsyncClient) -> None:
    before = await samples(web)
    text = "the same long beginning, " * 8
    used = []
    for end in ("one", "two"):
        body = ask(text + end, model="bytes", max_tokens=7, temperature=1)
        used.append((await web.post(CHAT, json=body)).json()["usage"])
    vectors = {"model": "bytes", "input": ["a text", "another"]}
    embedded = (await web.post("/v1/embeddings", json=vectors)).json()["usage"]
    after = await samples(web)
    grown = growth(before, after)
    prompts = sum(usage["prompt_tokens"] for usage in used)
    cached = sum(usage["prompt_tokens_details"]["cached_tokens"] for usage in used)
    assert cached > 100
    assert grown["requests_total"] == 3
    assert grown["prompt_tokens_total"] == prompts
    assert grown["reused_prompt_tokens_total"] == cached
    assert grown["computed_prompt_tokens_total"] == prompts - cached
    assert grown["generated_tokens_total"] == 14
    assert grown["embedded_tokens_total"] == embedded["prompt_tokens"]
    assert grown["decodes_total"] == 14
    assert grown["prompt_seconds_total"] > 0
    assert grown["answer_seconds_total"] > 0
    assert not any(growth(before, after, "short").values())


async def test_gauges_say_what_is_now(web: httpx.AsyncClient) -> None:
    found = await samples(web)
    for name in ("chats_active", "chats_waiting", "embeddings_active", "preemptions_total"):
        assert found[name, "bytes"] == found[name, "short"] == 0
    assert found["load_progress", "short"] == 1
    states = {key[2]: value for key, value in found.items() if key[:2] == ("model_state", "short")}
    assert states["ready"] == 1
    assert sum(states.values()) == 1


async def test_counters_outlive_a_worker(web: httpx.AsyncClient) -> None:
    await web.post(CHAT, json=ask(model="short", max_tokens=3))
    before = await samples(web)
    assert before["generated_tokens_total", "short"] >= 3
    pid = (await health(web, 1))["pid"]
    os.kill(pid, signal.SIGKILL)
    await until(web, lambda found: found["status"] == "ready" and found["pid"] != pid, 1)
    grown = growth(before, await samples(web), "short")
    assert grown.pop("restarts_total") == 1
    assert not any(grown.values())
    await web.post(CHAT, json=ask(model="short", max_tokens=3))
    assert growth(before, await samples(web), "short")["generated_tokens_total"] == 3
