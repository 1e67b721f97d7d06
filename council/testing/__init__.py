"""What plug-ins, and council itself, are tested with; see docs/testing.md.

Scripted agents, a server that misbehaves on command, and the contracts of agents and strategies
as suites that run.
"""

from council.agents.scripted import ScriptedAgent
from council.testing.agent_contract import AGENT_CHECKS, check_agent
from council.testing.agent_factories import AgentFactory, Situation, over_http, scripted
from council.testing.behaviours import BEHAVIOURS, Behaviour
from council.testing.contract import ContractError
from council.testing.frames import (
    CLOSE_HEAD,
    DONE,
    END,
    FINISH,
    STREAM_HEAD,
    choice,
    chunked,
    delta,
    plain_reply,
    sse,
    stream,
    usage,
    whole_reply,
)
from council.testing.leaks import no_tasks_left, nothing_left
from council.testing.misbehaving import misbehaving_server
from council.testing.quirks import QUIRK_NAMES, Quirk, quirks
from council.testing.raw_server import RawServer, raw_server, unused_port
from council.testing.steps import (
    Request,
    Step,
    half_close,
    keep_alive,
    pause,
    reset,
    until_closed,
)
from council.testing.strategy_contract import STRATEGY_CHECKS, check_strategy

__all__ = [
    "AGENT_CHECKS",
    "BEHAVIOURS",
    "CLOSE_HEAD",
    "DONE",
    "END",
    "FINISH",
    "QUIRK_NAMES",
    "STRATEGY_CHECKS",
    "STREAM_HEAD",
    "AgentFactory",
    "Behaviour",
    "ContractError",
    "Quirk",
    "RawServer",
    "Request",
    "ScriptedAgent",
    "Situation",
    "Step",
    "check_agent",
    "check_strategy",
    "choice",
    "chunked",
    "delta",
    "half_close",
    "keep_alive",
    "misbehaving_server",
    "no_tasks_left",
    "nothing_left",
    "over_http",
    "pause",
    "plain_reply",
    "quirks",
    "raw_server",
    "reset",
    "scripted",
    "sse",
    "stream",
    "until_closed",
    "unused_port",
    "usage",
    "whole_reply",
]
