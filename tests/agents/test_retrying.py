"""RetryAgent: trying again, visibly, and never in the middle of a reply."""

from __future__ import annotations

import anyio
import pytest

from council.agents.retrying import RetryAgent
from council.agents.scripted import ScriptedAgent
from council.errors import StreamError, TransportError
from council.messages import ChatMessage, ChatRequest
from council.retry import RetryPolicy
from tests.support.collect import collect, text

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest("m", (ChatMessage("user", "hi"),))
QUICK = RetryPolicy(retries=2, base=0.001)
BUSY = TransportError("busy", status=429)


async def test_it_tries_again_and_says_so() -> None:
    inner = ScriptedAgent("a", BUSY, StreamError("cut"), "hello")
    tokens = await collect(RetryAgent(inner, QUICK), REQUEST)
    assert text(tokens) == "hello"
    notices = [token.notice.message for token in tokens if token.notice]
    assert [notice.split(" in ")[0] for notice in notices] == [
        "busy; try 2 of 3",
        "cut; try 3 of 3",
    ]
    assert len(inner.requests) == 3


async def test_it_gives_up_with_the_last_error() -> None:
    inner = ScriptedAgent("a", BUSY, BUSY, TransportError("still busy", status=503))
    with pytest.raises(TransportError, match="still busy"):
        await collect(RetryAgent(inner, QUICK), REQUEST)
    assert len(inner.requests) == 3


async def test_it_never_tries_again_once_a_token_is_out() -> None:
    inner = ScriptedAgent("a", ["half ", StreamError("cut")], "whole")
    with pytest.raises(StreamError):
        await collect(RetryAgent(inner, QUICK), REQUEST)
    assert len(inner.requests) == 1


async def test_it_does_not_wait_past_the_deadline() -> None:
    inner = ScriptedAgent("a", TransportError("busy", status=429, retry_after=30), "late")
    with anyio.fail_after(5), pytest.raises(TransportError, match="busy"):
        await collect(RetryAgent(inner, QUICK), REQUEST)


async def test_a_refused_request_is_not_repeated() -> None:
    inner = ScriptedAgent("a", TransportError("no", status=400), "yes")
    with pytest.raises(TransportError):
        await collect(RetryAgent(inner, QUICK), REQUEST)
    assert len(inner.requests) == 1
