"""The contract of an agent, kept by all agents there are, and its suite, which sees broken ones."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from council.agents.base import Agent
from council.agents.fallback import FallbackAgent
from council.agents.gate import GatedAgent, Gates
from council.agents.kinds import KINDS
from council.agents.local import LocalAgent
from council.agents.openai_http import OpenAIHTTPAgent
from council.agents.pool import PoolAgent
from council.agents.retrying import RetryAgent
from council.agents.scripted import ScriptedAgent
from council.assemble import Parts, assemble_panel
from council.config import BackendConfig
from council.errors import AgentError
from council.expert import Expert
from council.limits import RunLimits
from council.messages import ChatRequest, ChatToken, Usage
from council.retry import RetryPolicy
from council.store.canonical import fingerprint, request_text
from council.store.head import head_of
from council.store.recorded import Recorded
from council.store.records import RecordedReply
from council.store.store import Store
from council.store.tape import Tape
from council.strategies import Vote
from council.testing import (
    AGENT_CHECKS,
    AgentFactory,
    Situation,
    Step,
    check_agent,
    chunked,
    over_http,
    scripted,
    stream,
    until_closed,
)
from council.testing.agent_contract import REQUEST
from council.testing.frames import STREAM_HEAD
from tests.backend.random_model import Shape, write_model
from tests.support import anthropic_events as events

pytestmark = [
    pytest.mark.anyio,
    # As in pyproject.toml, here for requests that are cancelled while they are being sent.
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <async_generator object ByteStream"
        ":pytest.PytestUnraisableExceptionWarning"
    ),
]

both_loops = pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
each_check = pytest.mark.parametrize("check", AGENT_CHECKS)


def gated(agent: Agent) -> GatedAgent:
    return GatedAgent(agent, Gates().of("http://h", None, None))


def retried(agent: Agent) -> RetryAgent:
    return RetryAgent(agent, RetryPolicy(retries=1, base=0.01))


def pooled(agent: Agent) -> PoolAgent:
    return PoolAgent("pool", [gated(agent), gated(agent)])


def after_another(agent: Agent) -> FallbackAgent:
    return FallbackAgent("both", [ScriptedAgent("first", AgentError("down")), agent])


DECORATORS: dict[str, Callable[[ScriptedAgent], Agent]] = {
    "scripted": lambda agent: agent,
    "fallback": after_another,
    "gate": gated,
    "retry": retried,
    "pool": pooled,
    "all of them": lambda agent: after_another(retried(pooled(agent))),
}


@both_loops
@each_check
@pytest.mark.parametrize("name", DECORATORS)
async def test_agents_around_others(name: str, check: str) -> None:
    assert await check_agent(scripted(DECORATORS[name]), checks=[check]) == (check,)


@both_loops
@each_check
@pytest.mark.parametrize("hedge_after", [60.0, 0.001])
async def test_hedged_replies(hedge_after: float, check: str) -> None:
    made = await check_agent(scripted(), checks=[check], hedge_after=hedge_after)
    assert made == (check,)


BEGUN = events.message_start() + events.block_start(0, type="text", text="")
SOME = BEGUN + events.block_delta(0, "text_delta", text="17 + 25 ")
ANTHROPIC: dict[Situation, str | Sequence[Step]] = {
    "whole": stream(events.TEXT_REPLY),
    "no-text": stream(events.message_start() + events.message_delta("end_turn") + events.STOP),
    "cut": stream(SOME + events.OVERLOADED),
    "refused": "refused",
    "endless": [STREAM_HEAD, chunked(SOME), until_closed],
    "silent": "silent",
}
HTTP_KINDS: dict[str, dict[Situation, str | Sequence[Step]] | None] = {
    "anthropic": ANTHROPIC,
    "openai": None,
}


def of_a_panel(kind: str, retries: int) -> AgentFactory:
    """The agent as a panel file gets it, with all that is around it."""

    def build(url: str) -> Agent:
        entry = {"model": "m", "endpoint": url, "kind": kind, "retries": retries}
        return OfPanel(assemble_panel({"experts": [entry]})[1])

    return over_http(build, HTTP_KINDS[kind])


class OfPanel:
    """The first agent of a panel, closed with all that the panel shares."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._agent: Agent = parts.experts[0].agent
        self.id, self.model = self._agent.id, self._agent.model

    def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        return self._agent.chat(request)

    async def aclose(self) -> None:
        await self._parts.aclose()


@both_loops
@each_check
@pytest.mark.parametrize("retries", [0, 1])
@pytest.mark.parametrize("kind", HTTP_KINDS)
async def test_kinds_of_panel_files(kind: str, retries: int, check: str) -> None:
    assert await check_agent(of_a_panel(kind, retries), checks=[check]) == (check,)


@both_loops
@each_check
async def test_an_http_agent_hedged(check: str) -> None:
    factory = over_http(lambda url: OpenAIHTTPAgent("ada", "m", url))
    assert await check_agent(factory, checks=[check], hedge_after=0.01) == (check,)


@both_loops
@each_check
async def test_recorded_agents(check: str, tmp_path: Path) -> None:
    plain = scripted()

    @asynccontextmanager
    async def recorded(agent: Agent) -> AsyncGenerator[Agent, None]:
        seats = ((Expert("ada", agent),), ())
        with Store(tmp_path / "runs.sqlite3") as store:
            head = head_of(REQUEST.messages, seats, Vote(), RunLimits(), None, "", None)
            recording = store.record(head)
            try:
                yield Recorded(agent, "ada", recording, None)
            finally:
                recording.close()

    def factory(situation: Situation) -> AbstractAsyncContextManager[Agent]:
        agent = plain(situation)
        assert isinstance(agent, ScriptedAgent)
        return recorded(agent)

    assert await check_agent(factory, checks=[check]) == (check,)


@both_loops
async def test_replayed_agents() -> None:
    replies = {
        "whole": (ChatToken(text="42"), ChatToken(finish_reason="stop", usage=Usage(1, 1))),
        "no-text": (ChatToken(finish_reason="stop"),),
        "refused": (),
    }
    print_of = fingerprint(request_text(REQUEST))

    def factory(situation: Situation) -> Agent | None:
        if situation not in replies:
            return None
        kept = [RecordedReply(i, "ada", print_of, replies[situation]) for i in range(9)]
        tape = Tape("0" * 32, kept, live=False, origin="redecide")
        return Recorded(ScriptedAgent("ada", "not asked"), "ada", None, tape)

    made = await check_agent(factory)
    assert set(AGENT_CHECKS) - set(made) == {
        "failure after text",
        "closed in mid-reply",
        "cancelled in mid-reply",
        "cancelled before the reply",
        "cancelled twice",
    }


async def test_local_agents(tmp_path: Path) -> None:
    endless = write_model(tmp_path / "endless.gguf", Shape(ctx=65536, ascii_only=True))
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"this is no model")
    models: dict[Situation, str] = {
        "whole": "builtin:sage",
        "endless": str(endless),
        "refused": str(broken),
    }

    def factory(situation: Situation) -> Agent | None:
        if situation not in models:
            return None
        options = BackendConfig(threads=1, ctx=1024)
        return LocalAgent("ada", models[situation], options=options)

    made = await check_agent(factory)
    assert set(AGENT_CHECKS) - set(made) == {
        "no text",
        "failure after text",
        "cancelled before the reply",
    }


def test_every_kind_is_checked() -> None:
    assert {*HTTP_KINDS, "local"} == set(KINDS)
