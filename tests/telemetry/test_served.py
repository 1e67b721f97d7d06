"""Which provider and address an expert's calls are told of."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

import council
from council.agents.anthropic import AnthropicAgent
from council.agents.base import Agent
from council.agents.local import LocalAgent
from council.agents.openai_http import OpenAIHTTPAgent
from council.agents.retrying import RetryAgent
from council.agents.scripted import ScriptedAgent
from council.messages import ChatRequest, ChatToken
from council.telemetry.served import Served, served_by


@pytest.mark.parametrize(
    ("endpoint", "served"),
    [
        ("https://api.openai.com", Served("openai", "api.openai.com", 443)),
        ("https://x.openai.azure.com/v1", Served("azure.ai.openai", "x.openai.azure.com", 443)),
        ("https://api.mistral.ai/v1", Served("mistral_ai", "api.mistral.ai", 443)),
        ("http://127.0.0.1:11434", Served("openai_compatible", "127.0.0.1", 11434)),
        (
            "http://notapi.openai.com.test",
            Served("openai_compatible", "notapi.openai.com.test", 80),
        ),
    ],
)
def test_an_endpoints_host_names_the_provider(endpoint: str, served: Served) -> None:
    assert served_by(RetryAgent(OpenAIHTTPAgent("a", "m", endpoint))) == served


def test_other_apis_and_the_bundled_server() -> None:
    claude = AnthropicAgent("a", "m", "https://api.anthropic.com")
    assert served_by(claude).provider == "anthropic"
    near = AnthropicAgent("a", "m", "http://127.0.0.1:8080")
    assert served_by(near).provider == "anthropic_compatible"
    assert served_by(LocalAgent("a", "builtin:sage")) == Served("council")
    assert served_by(ScriptedAgent("a", "x")) == Served("other")
    assert served_by(None) == Served("other")


@pytest.mark.anyio
async def test_of_several_endpoints_none_is_named() -> None:
    expert = {"model": "m", "endpoint": ["https://api.groq.com", "http://127.0.0.1:1"]}
    async with council.open_council({"experts": [expert]}) as opened:
        assert served_by(opened.experts[0].agent) == Served("groq")


class Own:
    """An agent of somebody else's."""

    id = "own"
    model = "m"
    provider = "mine"

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatToken, None]:
        yield ChatToken("hello")

    async def aclose(self) -> None:
        pass


def test_an_agent_can_say_so_itself() -> None:
    own: Agent = Own()
    assert served_by(own) == Served("mine")
