"""A panel of language models that answers as one.

import council

result = await council.ask("What is 17 + 25?", panel="configs/panel.yaml")

async with council.open_council("configs/panel.yaml") as panel:
    async with panel.stream("What is 17 + 25?") as run:
        async for event in run:
            ...
    print(run.result.answer, run.result.status)

The names below are imported when they are first used: `import council` itself loads no network
library.
"""

from importlib import import_module

# As type checkers know it; importing `typing` for it would take longer than all that is below.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from council.agents.base import Agent
    from council.agents.fallback import FallbackAgent
    from council.agents.local import LocalAgent
    from council.agents.openai_http import OpenAIHTTPAgent
    from council.agents.scripted import ScriptedAgent
    from council.config import BackendConfig
    from council.conversation import Conversation
    from council.council import Council, ask, open_council
    from council.errors import (
        AgentError,
        AgentTimeout,
        BackendError,
        ConfigError,
        ConversationBusy,
        CouncilError,
        LimitExceeded,
        LimitReached,
        QuorumLost,
        RunInterrupted,
        StoreError,
        StrategyError,
        StreamError,
        TransportError,
    )
    from council.events import Event
    from council.expert import Expert
    from council.limits import Timeouts
    from council.messages import ChatMessage, ChatRequest, ChatToken, Sampling, Usage
    from council.prices import Cost, Price
    from council.remote.remote import Remote, connect
    from council.remote.run import RemoteRun
    from council.replies import Reply
    from council.result import Result
    from council.run import Run
    from council.store.store import Store
    from council.strategies import (
        STRATEGIES,
        Auto,
        Concat,
        Debate,
        First,
        Judge,
        Rank,
        Strategy,
        Synthesize,
        Vote,
    )
    from council.tools.tool import Tool

_HOMES = {
    "Agent": "council.agents.base",
    "AgentError": "council.errors",
    "AgentTimeout": "council.errors",
    "Auto": "council.strategies",
    "BackendError": "council.errors",
    "BackendConfig": "council.config",
    "ChatMessage": "council.messages",
    "ChatRequest": "council.messages",
    "ChatToken": "council.messages",
    "Concat": "council.strategies",
    "ConfigError": "council.errors",
    "Conversation": "council.conversation",
    "ConversationBusy": "council.errors",
    "Council": "council.council",
    "Cost": "council.prices",
    "CouncilError": "council.errors",
    "Debate": "council.strategies",
    "Event": "council.events",
    "Expert": "council.expert",
    "FallbackAgent": "council.agents.fallback",
    "First": "council.strategies",
    "Judge": "council.strategies",
    "LimitExceeded": "council.errors",
    "LimitReached": "council.errors",
    "LocalAgent": "council.agents.local",
    "OpenAIHTTPAgent": "council.agents.openai_http",
    "Price": "council.prices",
    "QuorumLost": "council.errors",
    "Rank": "council.strategies",
    "Remote": "council.remote.remote",
    "RemoteRun": "council.remote.run",
    "Reply": "council.replies",
    "Result": "council.result",
    "Run": "council.run",
    "RunInterrupted": "council.errors",
    "STRATEGIES": "council.strategies",
    "Sampling": "council.messages",
    "ScriptedAgent": "council.agents.scripted",
    "Store": "council.store.store",
    "StoreError": "council.errors",
    "Strategy": "council.strategies",
    "StrategyError": "council.errors",
    "StreamError": "council.errors",
    "Synthesize": "council.strategies",
    "Timeouts": "council.limits",
    "Tool": "council.tools.tool",
    "TransportError": "council.errors",
    "Usage": "council.messages",
    "Vote": "council.strategies",
    "ask": "council.council",
    "connect": "council.remote.remote",
    "open_council": "council.council",
}

__all__ = [
    "STRATEGIES",
    "Agent",
    "AgentError",
    "AgentTimeout",
    "Auto",
    "BackendConfig",
    "BackendError",
    "ChatMessage",
    "ChatRequest",
    "ChatToken",
    "Concat",
    "ConfigError",
    "Conversation",
    "ConversationBusy",
    "Cost",
    "Council",
    "CouncilError",
    "Debate",
    "Event",
    "Expert",
    "FallbackAgent",
    "First",
    "Judge",
    "LimitExceeded",
    "LimitReached",
    "LocalAgent",
    "OpenAIHTTPAgent",
    "Price",
    "QuorumLost",
    "Rank",
    "Remote",
    "RemoteRun",
    "Reply",
    "Result",
    "Run",
    "RunInterrupted",
    "Sampling",
    "ScriptedAgent",
    "Store",
    "StoreError",
    "Strategy",
    "StrategyError",
    "StreamError",
    "Synthesize",
    "Timeouts",
    "Tool",
    "TransportError",
    "Usage",
    "Vote",
    "ask",
    "connect",
    "open_council",
]

if not TYPE_CHECKING:  # so that a type checker still reports a name that does not exist

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'council' has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
