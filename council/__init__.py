"""A panel of language models that answers as one.

import council

result = await council.ask("What is 17 + 25?", panel="configs/panel.yaml")

async with council.open_council("configs/panel.yaml") as panel:
    async with panel.stream("What is 17 + 25?") as run:
        async for event in run:
            ...
    print(run.result.answer, run.result.status)
"""

from council.agents.base import Agent
from council.agents.fallback import FallbackAgent
from council.agents.local import LocalAgent
from council.agents.local_server import BackendOptions
from council.agents.openai_http import OpenAIHTTPAgent
from council.agents.scripted import ScriptedAgent
from council.council import Council, ask, open_council
from council.errors import (
    AgentError,
    AgentTimeout,
    BackendError,
    ConfigError,
    CouncilError,
    LimitExceeded,
    QuorumLost,
    StrategyError,
    StreamError,
    TransportError,
)
from council.events import Event
from council.expert import Expert
from council.limits import Timeouts
from council.messages import ChatMessage, ChatRequest, ChatToken, Sampling, Usage
from council.replies import Reply
from council.result import Result
from council.run import Run
from council.strategies import STRATEGIES, Concat, First, Strategy, Synthesize, Vote

__all__ = [
    "STRATEGIES",
    "Agent",
    "AgentError",
    "AgentTimeout",
    "BackendError",
    "BackendOptions",
    "ChatMessage",
    "ChatRequest",
    "ChatToken",
    "Concat",
    "ConfigError",
    "Council",
    "CouncilError",
    "Event",
    "Expert",
    "FallbackAgent",
    "First",
    "LimitExceeded",
    "LocalAgent",
    "OpenAIHTTPAgent",
    "QuorumLost",
    "Reply",
    "Result",
    "Run",
    "Sampling",
    "ScriptedAgent",
    "Strategy",
    "StrategyError",
    "StreamError",
    "Synthesize",
    "Timeouts",
    "TransportError",
    "Usage",
    "Vote",
    "ask",
    "open_council",
]
