"""Examines a panel's models: who can be reached, how fast, and what is ignored of what is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import anyio

from council.agents.base import Agent
from council.agents.kinds import build_agent
from council.agents.measure import Sample, measure
from council.agents.models_list import list_models
from council.agents.shared import Shared
from council.assemble import Parts, build_parts
from council.config import EmbedderConfig, ExpertConfig, PanelConfig, SynthesizerConfig
from council.config.document import Document
from council.config.load import draft_config, writer_path
from council.config.mistakes import KeyPath
from council.config.schema import EMBEDDER_ID
from council.config.variables import key_origins
from council.embedder_exam import examine_embedder
from council.errors import AgentError, TransportError
from council.findings import (
    NO_USAGE,
    Finding,
    State,
    advice_on,
    look_at_connection,
    shown,
    unlisted,
)
from council.messages import ChatMessage, ChatRequest, Sampling
from council.price_table import charged
from council.strategies.base import is_refusal
from council.tasks import task_group

__all__ = ["Finding", "examine"]

QUESTION = "Say OK, then count from 1 to 50."
"""Longer than what may be answered: who goes on counting ignores `max_tokens`."""

MAX_TOKENS = 16

_ENOUGH = 4 * MAX_TOKENS  # after which a reply that does not end is left

_MANY_ANSWERS = "Write ten words that have nothing to do with each other."

# Nobody answers this in JSON unless made to; the word itself is what some servers insist on.
_NO_JSON_BY_ITSELF = "Say OK. (It need not be JSON.)"

_INSTEAD = "see what `extra_body` and the server's settings ask of it"

_JSON_OBJECT = {"type": "json_object"}

_SAMPLING = frozenset(knob.name for knob in fields(Sampling))


async def examine(
    panel: str | Path | Mapping[str, Any], *, thorough: bool = False
) -> list[Finding]:
    """Asks every distinct model of a panel something small, all at once and without retries.

    An embedder is asked for the vector of a short text.

    Args:
        panel: A panel file's path, or its content as a mapping.
        thorough: Ask some more, to find out whether `seed`, `stop`, `logprobs`, `n` and
            `response_format` are ignored.

    Returns:
        One finding for each, in the order of the panel, the embedder's at the end.

    Raises:
        ConfigError: The panel cannot be used.
    """
    config, document = draft_config(panel)
    parts = await build_parts(config, document)
    shared = parts.shared or Shared(config.backend)
    findings: dict[int, Finding] = {}

    async def visit(place: int, patient: _Patient) -> None:
        finding = await _Examination(patient, shared).run(thorough=thorough)
        findings[place] = replace(finding, key=_key(patient.place, document))

    async def visit_embedder(place: int, embedder: EmbedderConfig) -> None:
        finding = await examine_embedder(embedder, shared)
        findings[place] = replace(finding, key=_key((EMBEDDER_ID,), document))

    patients, embedders = _patients(config, document, parts), _embedders(config)
    try:
        async with task_group() as group:
            for place, patient in enumerate(patients):
                group.start_soon(visit, place, patient)
            for place, embedder in enumerate(embedders, len(patients)):
                group.start_soon(visit_embedder, place, embedder)
    finally:
        with anyio.CancelScope(shield=True):
            await parts.aclose()
    return [findings[place] for place in sorted(findings)]


@dataclass(slots=True)
class _Patient:
    """One model at one endpoint: a panel's entry cut down to that, its key, and who uses it."""

    config: ExpertConfig | SynthesizerConfig
    place: KeyPath
    experts: list[str]

    @property
    def endpoint(self) -> str | None:
        return self.config.endpoint[0] if self.config.endpoint else None

    @property
    def identity(self) -> tuple[object, ...]:
        # Another key, header or proxy at the same place may well fare differently.
        config = self.config
        who = config.api_key, frozenset(config.headers.items())
        way = config.verify, config.proxy, config.trust_env
        return config.kind, self.endpoint, config.model, *who, *way


def _patients(config: PanelConfig, document: Document, parts: Parts) -> list[_Patient]:
    found: dict[tuple[object, ...], _Patient] = {}
    for id, place, entry in _entries(config, document, parts):
        endpoints: list[str | None] = [*entry.endpoint] if entry.endpoint else [None]
        for endpoint in endpoints:
            update = {"endpoint": [endpoint] if endpoint else None, "retries": 0}
            patient = _Patient(entry.model_copy(update=update), place, [])
            found.setdefault(patient.identity, patient).experts.append(id)
    return list(found.values())


def _embedders(config: PanelConfig) -> list[EmbedderConfig]:
    """The panel's embedder at each of its endpoints."""
    if config.embedder is None:
        return []
    endpoints = config.embedder.endpoint
    places = [[one] for one in endpoints] if endpoints else [None]
    updates = [{"endpoint": place, "retries": 0} for place in places]
    return [config.embedder.model_copy(update=update) for update in updates]


def _entries(
    config: PanelConfig, document: Document, parts: Parts
) -> Iterator[tuple[str, KeyPath, ExpertConfig | SynthesizerConfig]]:
    for i, expert in enumerate(config.experts):
        yield str(expert.id), ("experts", i), expert
    for i, (entry, writer) in enumerate(zip(config.synthesizer, parts.writers, strict=True)):
        if not isinstance(entry, str):  # else an expert writes, who is there already
            yield writer.id, writer_path(i, document), entry


def _key(place: KeyPath, document: Document) -> str:
    """Where the secrets of an entry come from."""
    return ", ".join(map(str, key_origins(document.origins, place)))


@dataclass(slots=True)
class _Examination:
    """All that one model is asked, one after the other."""

    patient: _Patient
    shared: Shared
    notes: list[str] = field(default_factory=list)

    async def run(self, *, thorough: bool) -> Finding:
        patient = self.patient
        finding = Finding(
            tuple(patient.experts),
            patient.config.model,
            shown(patient.endpoint),
            "ok",
            price=charged(patient.config),
        )
        look_at_connection(patient.config, patient.endpoint, self.notes)
        agent = build_agent(patient.experts[0], patient.config, self.shared)
        try:
            sample = await self._measure(agent)
        except AgentError as error:
            if isinstance(error, TransportError) and error.status is not None:
                await self._look_for_model()
            said, advice = str(error), advice_on(error)
            return replace(
                finding, state="failed", error=said, advice=advice, notes=tuple(self.notes)
            )
        if instead := _instead(sample):
            notes = tuple(self.notes)
            return replace(finding, state="failed", error=instead, advice=_INSTEAD, notes=notes)
        self._compare(sample)
        await self._look_for_model()
        if thorough:
            await self._look_closer(agent)
        return replace(
            finding,
            state=self._state(sample),
            first_token=sample.first_token,
            tokens_per_second=sample.tokens_per_second,
            notes=tuple(self.notes),
        )

    async def _measure(self, agent: Agent) -> Sample:
        try:
            sample = await _ask(agent)
        except TransportError as error:
            if error.status != 400 or "max_tokens" not in str(error):
                raise
            self.notes.append("refuses `max_tokens`: set its own name for it in `extra_body`")
            return await _ask(agent, max_tokens=None)
        # A reply that had to wait for its model to load tells nothing of the model's speed.
        return await _ask(agent) if sample.waited else sample

    def _compare(self, sample: Sample) -> None:
        """Notes in what the reply is not what was asked for."""
        if sample.first is None:
            self.notes.append(f"wrote nothing within {MAX_TOKENS} tokens: does it think first?")
        if sample.left or sample.tokens > 2 * MAX_TOKENS:
            self.notes.append("ignores `max_tokens`")
        if sample.usage is None and not sample.left:
            self.notes.append(NO_USAGE)

    def _state(self, sample: Sample) -> State:
        allowed = self.patient.config.timeouts.first_token
        return "slow" if (sample.first_token or 0.0) > allowed / 2 else "ok"

    async def _look_for_model(self) -> None:
        """Notes when the server's list of models, if it has one, lacks this one."""
        config = self.patient.config
        note = unlisted(config.model, await list_models(config, self.shared))
        self.notes += [note] if note else []

    async def _look_closer(self, agent: Agent) -> None:
        checks: dict[str, Callable[[Agent], Awaitable[bool]]] = {
            "seed": _ignores_seed,
            "stop": _ignores_stop,
            "logprobs": _ignores_logprobs,
            "n": _ignores_n,
            "response_format": _ignores_response_format,
        }
        for name, ignores in checks.items():
            try:
                if await ignores(agent):
                    self.notes.append(f"ignores `{name}`")
            except AgentError as error:
                self.notes.append(f"fails with `{name}`: {error}")


def _instead(sample: Sample) -> str:
    """What a model did instead of answering, by the rule of a run; empty where it answered."""
    if sample.instead or not is_refusal(sample.answer):
        return sample.instead
    return f"it refuses to answer: {' '.join(sample.answer.split())}"


async def _ask(
    agent: Agent, question: str = QUESTION, *, max_tokens: int | None = MAX_TOKENS, **asked: Any
) -> Sample:
    """A measured reply; what is asked besides goes into the request or its sampling."""
    knobs = {name: asked.pop(name) for name in _SAMPLING if name in asked}
    sampling = Sampling(max_tokens=max_tokens, **knobs)
    request = ChatRequest("", (ChatMessage("user", question),), sampling, **asked)
    return await measure(agent, request, most=_ENOUGH)


async def _ignores_seed(agent: Agent) -> bool:
    first, second = [await _ask(agent, _MANY_ANSWERS, temperature=1.0, seed=7) for _ in range(2)]
    return first.text != second.text


async def _ignores_stop(agent: Agent) -> bool:
    return "3" in (await _ask(agent, stop=("3",))).text


async def _ignores_logprobs(agent: Agent) -> bool:
    return not (await _ask(agent, logprobs=1)).has_logprobs


async def _ignores_n(agent: Agent) -> bool:
    return (await _ask(agent, n=2)).choices < 2


async def _ignores_response_format(agent: Agent) -> bool:
    written = (await _ask(agent, _NO_JSON_BY_ITSELF, response_format=_JSON_OBJECT)).answer.lstrip()
    # How it begins is enough: the limit may well cut it off.
    return bool(written) and not written.startswith("{")
