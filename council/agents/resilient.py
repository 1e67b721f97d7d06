"""From an entry of a panel file to an HTTP agent with its gate, pool and retries around it."""

from __future__ import annotations

from council.agents.base import Agent
from council.agents.endpoints import shown
from council.agents.gate import GatedAgent, Gates
from council.agents.http_agent import HTTPAgent
from council.agents.pool import PoolAgent
from council.agents.retrying import RetryAgent
from council.agents.shared import Shared
from council.agents.transport import TransportOptions, new_client
from council.config import EndpointConfig
from council.errors import ConfigError
from council.retry import RetryPolicy


def build_resilient(
    kind: type[HTTPAgent], id: str, config: EndpointConfig, shared: Shared
) -> Agent:
    """The agent for an entry of a panel file.

    From the inside out: the agent, its endpoint's gate (rates, breaker), a pool where there are
    several endpoints, retries unless they are off.

    Raises:
        ConfigError: There is no endpoint, or one is no URL.
    """
    if not config.endpoint:
        raise ConfigError("this kind of agent needs an `endpoint`")
    agents = [_gated(kind, id, endpoint, config, shared) for endpoint in config.endpoint]
    agent: Agent = agents[0] if len(agents) == 1 else PoolAgent(id, agents)
    return RetryAgent(agent, RetryPolicy(config.retries)) if config.retries else agent


def _gated(
    kind: type[HTTPAgent],
    id: str,
    endpoint: str,
    config: EndpointConfig,
    shared: Shared,
) -> GatedAgent:
    options = TransportOptions.of(config)
    agent = kind(
        id if len(config.endpoint or ()) == 1 else f"{id} at {shown(kind.chat_url(endpoint))}",
        config.model,
        endpoint,
        api_key=config.api_key.get_secret_value() if config.api_key else None,
        timeouts=config.timeouts.to_timeouts(),
        headers={name: value.get_secret_value() for name, value in config.headers.items()},
        verify=options.verify,
        proxy=options.proxy,
        trust_env=options.trust_env,
        client=shared.once(new_client, options),
    )
    rate = config.rate
    return GatedAgent(agent, shared.once(Gates).of(agent.url, rate.requests, rate.tokens))
