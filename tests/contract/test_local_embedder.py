"""An embedder on the bundled backend: real processes, real llama.cpp, a built-in model."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncGenerator

import pytest

import council
from council.agents.embedder import Embedder
from council.agents.embeddings import HTTPEmbedder, build
from council.agents.shared import Shared
from council.config import EmbedderConfig
from council.errors import AgentError
from council.strategies.vectors import cosine
from tests.support.processes import alive, children

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def sage() -> AsyncGenerator[HTTPEmbedder, None]:
    shared = Shared()
    made = build(EmbedderConfig(model="builtin:sage"), shared)
    yield made
    await made.aclose()
    await shared.aclose()


async def test_a_built_in_model_makes_vectors(sage: HTTPEmbedder) -> None:
    assert isinstance(sage, Embedder)
    found = await sage.embed(["the capital of Japan is Tokyo", "17 + 25 = 42", "17 + 25 = 42"])
    first, second, third = found.vectors
    assert len(first) == 128
    assert math.hypot(*first) == pytest.approx(1.0, abs=1e-5)
    assert cosine(second, third) == pytest.approx(1.0, abs=1e-5)
    assert cosine(first, second) < 0.9
    assert found.usage.prompt_tokens > 9
    assert not found.usage.estimated


async def test_a_text_that_is_too_long_is_an_error_with_both_counts(sage: HTTPEmbedder) -> None:
    with pytest.raises(AgentError, match=r"input\[1\] has \d{4,} tokens.* at most 512"):
        await sage.embed(["short", "long " * 1000])


async def test_experts_and_embedder_share_one_server() -> None:
    config = {
        "experts": [{"model": "builtin:sage", "sampling": {"temperature": 0}}] * 3,
        "embedder": {"model": "builtin:sage"},
        "strategy": {"name": "vote", "extract": {"kind": "semantic", "threshold": 0.99}},
    }
    before = children(os.getpid())
    async with council.open_council(config) as panel:
        result = await panel.ask("What is the capital of Japan?")
        started = children(os.getpid()) - before
        # One server and one worker: the vectors come from the weights that answer.
        assert len(started) == 2
    assert not any(alive(pid) for pid in started)
    assert result.status == "complete"
    assert result.answer is not None
    assert "Tokyo" in result.answer
    assert result.votes is not None
    assert [position.weight for position in result.votes.positions] == [3.0]
    spoken = sum(reply.usage.prompt_tokens for reply in result.experts if reply.usage)
    assert result.usage.prompt_tokens > spoken
