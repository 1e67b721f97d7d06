"""A panel on the bundled backend: real processes, real llama.cpp, the built-in models."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

import council
from council.agents.local import LocalAgent
from council.agents.local_server import LocalServer
from council.agents.openai_http import OpenAIHTTPAgent
from council.config import BackendConfig
from council.errors import BackendError, StreamError
from council.events import ExpertNotice, ExpertToken
from council.messages import ChatMessage, ChatRequest, ChatToken, Sampling
from council.testing import unused_port
from tests.backend.random_model import Shape, write_model
from tests.support.processes import alive, children, wait_until

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
PANEL = ROOT / "configs" / "panel.yaml"
LONG = "Spell the word elephant."
GREEDY = Sampling(temperature=0.0, max_tokens=40)
OPTIONS = BackendConfig(ctx=1024, threads=1)


def request(text: str) -> ChatRequest:
    return ChatRequest("", (ChatMessage("user", text),), sampling=GREEDY)


async def collect(agent: council.Agent, text: str) -> list[ChatToken]:
    async with aclosing(agent.chat(request(text))) as tokens:
        return [token async for token in tokens]


@pytest.fixture
async def sage() -> AsyncGenerator[LocalAgent, None]:
    agent = LocalAgent("sage", "builtin:sage", options=OPTIONS)
    yield agent
    await agent.aclose()


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.parametrize(
    ("question", "answer"),
    [("What is 17 + 25?", "42"), ("What is the capital of Japan?", "Tokyo")],
)
async def test_the_panel_of_the_first_run_is_right(question: str, answer: str) -> None:
    result = await council.ask(question, panel=PANEL)
    assert result.status == "complete"
    assert result.answer is not None
    assert answer in result.answer
    assert result.agreement is not None
    assert result.agreement.agree >= 2
    assert {reply.id for reply in result.experts} == {"abacus", "atlas", "sage"}
    for reply in result.experts:
        assert reply.usage is not None
        assert reply.usage.completion_tokens > 1
        assert reply.timings.first_token is not None


async def test_no_proxy_stands_before_the_local_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    result = await council.ask("What is 2 + 2?", panel=PANEL)
    assert result.status == "complete"


async def test_loading_is_shown_and_experts_share_one_server() -> None:
    config = {"experts": [{"model": "builtin:sage"}] * 2 + [{"model": "builtin:atlas"}]}
    before = children(os.getpid())
    async with council.open_council(config) as panel:
        async with panel.stream("What is 2 + 2?") as run:
            events = [event async for event in run]
        started = children(os.getpid()) - before
        # One server, and a worker for each of the two models.
        assert len(started) == 3
        second = await panel.ask("What is 3 + 3?")
        assert children(os.getpid()) - before == started
    assert not any(alive(pid) for pid in started)
    assert any(isinstance(e, ExpertNotice) and e.kind == "loading" for e in events)
    assert second.status == "complete"
    tokens = [e for e in events if isinstance(e, ExpertToken)]
    assert {e.expert for e in tokens} == {"A", "B", "C"}
    assert len(tokens) > 6


async def test_an_agent_of_its_own(sage: LocalAgent) -> None:
    tokens = await collect(sage, "What is 2 + 2?")
    assert "4" in "".join(token.text for token in tokens)
    assert tokens[-1].usage is not None
    assert [token.finish_reason for token in tokens if token.finish_reason] == ["stop"]


async def test_the_server_is_any_endpoint() -> None:
    server = LocalServer(OPTIONS)
    local = LocalAgent("local", "builtin:sage", server=server)
    said = await collect(local, "What is 2 + 2?")
    remote = OpenAIHTTPAgent("remote", server.add("builtin:sage"), server.url)
    same = await collect(remote, "What is 2 + 2?")
    await remote.aclose()
    await local.aclose()
    assert server.url, "an agent leaves a shared server alone"
    await server.aclose()
    assert [token.text for token in said if token.text] == [t.text for t in same if t.text]


async def test_a_worker_that_dies_costs_one_request(tmp_path: Path) -> None:
    # A model that never ends, so that the stream is certainly under way.
    shape = Shape(ctx=65536, width=128, layers=4, ascii_only=True)
    model = write_model(tmp_path / "endless.gguf", shape)
    agent = LocalAgent("endless", str(model), options=BackendConfig(ctx=65536))
    endless = ChatRequest("", (ChatMessage("user", "hi"),), Sampling(temperature=1.0))
    before = children(os.getpid())
    try:
        async with aclosing(agent.chat(endless)) as tokens:
            async for token in tokens:
                if token.text:
                    break
            (server,) = children(os.getpid()) - before - _grandchildren(before)
            (worker,) = children(server)
            os.kill(worker, signal.SIGKILL)
            with pytest.raises(StreamError, match="stopped during this request"):
                [token async for token in tokens]
        short = replace(endless, sampling=Sampling(max_tokens=5))
        async with aclosing(agent.chat(short)) as tokens:
            finish = [token.finish_reason async for token in tokens if token.finish_reason]
        assert finish == ["length"]
    finally:
        await agent.aclose()


def _grandchildren(before: set[int]) -> set[int]:
    new = children(os.getpid()) - before
    return {pid for child in new for pid in children(child)}


async def test_a_server_that_dies_is_an_error_that_says_so(sage: LocalAgent) -> None:
    before = children(os.getpid())
    await collect(sage, "hi")
    started = children(os.getpid()) - before
    (server,) = started - _grandchildren(before)
    os.kill(server, signal.SIGKILL)
    with pytest.raises(BackendError, match="ended with exit code -9"):
        await collect(sage, "hi")
    # Its worker notices and goes too.
    wait_until(lambda: not any(alive(pid) for pid in started))


@pytest.mark.parametrize(
    ("content", "reason"), [(b"this is no model", "GGUF"), (b"GGUF\x03\x00\x00\x00", "")]
)
async def test_a_broken_file_fails_its_expert_alone(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(content)
    config = {
        "experts": [
            {"model": "builtin:sage"},
            {"model": str(broken)},
            {"model": "builtin:abacus"},
        ],
        "backend": {"threads": 1},
    }
    result = await council.ask("What is 2 + 2?", panel=config)
    assert result.status == "degraded"
    failed = result.experts[1]
    assert failed.error is not None
    assert failed.error.kind == "backend"
    assert "broken.gguf could not be loaded" in failed.error.message
    assert reason in failed.error.message


async def test_an_unknown_built_in_model_says_which_there_are() -> None:
    agent = LocalAgent("x", "builtin:nobody")
    try:
        with pytest.raises(BackendError, match="sage"):
            await collect(agent, "hi")
    finally:
        await agent.aclose()


async def test_a_start_that_takes_too_long() -> None:
    agent = LocalAgent("x", "builtin:sage", options=BackendConfig(startup_timeout=0.05))
    before = children(os.getpid())
    try:
        with pytest.raises(BackendError, match=r"startup_timeout"):
            await collect(agent, "hi")
    finally:
        await agent.aclose()
    assert children(os.getpid()) == before


async def test_cancelling_while_it_starts_leaves_nothing() -> None:
    before = children(os.getpid())
    panel = {"experts": [{"model": "builtin:sage"}]}
    async with council.open_council(panel) as opened, opened.stream("hi") as run:
        async for event in run:
            if isinstance(event, ExpertNotice):
                break
    assert children(os.getpid()) == before


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "council.cli", "run", str(PANEL), LONG, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


@pytest.mark.parametrize("when", ["starting", "answering"])
def test_killing_council_leaves_no_backend(when: str) -> None:
    process = _start("--events")
    assert process.stdout is not None
    sign = "starting the local server" if when == "starting" else "expert.token"
    while sign not in process.stdout.readline():
        assert process.poll() is None
    if when == "starting":
        wait_until(lambda: children(process.pid))
    left = children(process.pid)
    assert left
    process.kill()
    process.communicate()
    wait_until(lambda: not any(alive(pid) for pid in left))


def test_an_interrupt_ends_the_backend() -> None:
    process = _start("--events")
    assert process.stdout is not None
    while "expert.token" not in process.stdout.readline():
        assert process.poll() is None
    left = children(process.pid)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert left
    assert not any(alive(pid) for pid in left)
