"""The models that an endpoint lists: `GET {base}/models`, beside its chat route."""

from __future__ import annotations

from dataclasses import dataclass

import anyio
import httpx
import jiter

from council.agents.anthropic import AnthropicAgent
from council.agents.http_agent import HTTPAgent
from council.agents.http_errors import FOREIGN, CallContext, from_foreign
from council.agents.openai_http import OpenAIHTTPAgent
from council.agents.shared import Shared
from council.agents.transport import TransportOptions, new_client
from council.config import ExpertConfig, SynthesizerConfig

_KINDS: dict[str, type[HTTPAgent]] = {"anthropic": AnthropicAgent, "openai": OpenAIHTTPAgent}

# Unasked, Anthropic's API lists twenty; the others do not know the parameter.
_PARAMETERS = {"anthropic": {"limit": "1000"}}


@dataclass(frozen=True, slots=True)
class Listed:
    """What came of asking for a list.

    Attributes:
        names: The models.
        problem: Why there is none, in words; empty where there is a list.
        answered: Whether anything answered at all.
    """

    names: list[str]
    problem: str = ""
    answered: bool = True


async def list_models(config: ExpertConfig | SynthesizerConfig, shared: Shared) -> list[str]:
    """The names that an entry's first endpoint lists.

    Nothing depends on this list: where there is none, or none that can be read within the entry's
    time limits, it is empty.
    """
    return (await ask_for_list(config, shared)).names


async def ask_for_list(config: ExpertConfig | SynthesizerConfig, shared: Shared) -> Listed:
    """As `list_models`, and why there is no list."""
    kind = config.kind or "openai"
    if kind not in _KINDS or not config.endpoint:
        return Listed([], f"`kind: {kind}` has no list")
    url = _models_url(_KINDS[kind].chat_url(config.endpoint[0]))
    seconds = config.timeouts.first_token
    response = None
    try:
        with anyio.move_on_after(seconds):
            response = await shared.once(new_client, TransportOptions.of(config)).get(
                url.copy_merge_params(_PARAMETERS.get(kind, {})),
                headers=_headers(_KINDS[kind], config),
                timeout=httpx.Timeout(None, connect=config.timeouts.connect),
            )
    except FOREIGN as error:
        context = CallContext("", config.endpoint[0], "", config.timeouts.connect, ())
        return Listed([], str(from_foreign(error, context)), answered=False)
    if response is None:
        return Listed([], f"no list within {seconds:g} s", answered=False)
    if not response.is_success:
        return Listed([], f"no list: HTTP {response.status_code}")
    names = _names(response.content)
    return Listed(names, "" if names else "it lists no models")


def _models_url(chat_url: str) -> httpx.URL:
    url = httpx.URL(chat_url)
    base = url.path.removesuffix("/messages").removesuffix("/chat/completions")
    return url.copy_with(path=f"{base}/models")


def _headers(kind: type[HTTPAgent], config: ExpertConfig | SynthesizerConfig) -> httpx.Headers:
    """The headers that the entry's agent sends, as far as they tell who asks."""
    headers = httpx.Headers(dict(kind.api_headers))
    headers.update({name: value.get_secret_value() for name, value in config.headers.items()})
    if config.api_key and config.endpoint:
        agent = kind("", config.model, config.endpoint[0])
        headers.update(agent.credentials(config.api_key.get_secret_value().strip()))
    return headers


def _names(data: bytes) -> list[str]:
    """The names in a list of models, whether it is wrapped in an object or not."""
    try:
        listed = jiter.from_json(data)
    except ValueError:
        return []
    if isinstance(listed, dict):
        listed = listed.get("data") or listed.get("models")
    entries = listed if isinstance(listed, list) else []
    names = [entry.get("id") or entry.get("name") for entry in entries if isinstance(entry, dict)]
    return [str(name) for name in names if name]
