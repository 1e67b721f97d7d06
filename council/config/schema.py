"""The contract of a panel file, as frozen pydantic models."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from council.config.backend import BackendConfig
from council.config.connection import checked_bundle, checked_proxy
from council.config.fields import STRICT, Seconds
from council.limits import RunLimits, Timeouts
from council.messages import Sampling
from council.prices import Price
from council.retry import RetryPolicy

_TIMEOUTS = Timeouts()
_LIMITS = RunLimits()


EMBEDDER_ID = "embedder"
WRITER_ID = "synthesizer"
"""What those are called who have no id of their own; a second synthesizer is `synthesizer-2`."""


def is_reserved(id: str) -> bool:
    """Whether no expert can be called so, since a panel's embedder or synthesizer may be."""
    return id == EMBEDDER_ID or re.fullmatch(rf"{WRITER_ID}(-\d+)?", id) is not None


def _verify(value: Any, info: ValidationInfo) -> bool | str:
    """A CA bundle by its absolute path; the validation's context says what it is relative to."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise ValueError("expected true, false or the path of a CA bundle")
    folder = (info.context or {}).get("folder", Path())
    return checked_bundle(folder / Path(value).expanduser())


Verify = Annotated[bool | str, PlainValidator(_verify, json_schema_input_type=bool | str)]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


class _Model(BaseModel):
    model_config = STRICT


class SamplingConfig(_Model):
    """Knobs of generation; what is left out is left to the server."""

    temperature: float | None = Field(None, ge=0, le=5)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=0)
    min_p: float | None = Field(None, ge=0, le=1)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    max_tokens: int | None = Field(None, ge=1)
    seed: int | None = None
    stop: (
        Annotated[list[str], BeforeValidator(_as_list, json_schema_input_type=str | list[str])]
        | None
    ) = None

    def to_sampling(self) -> Sampling:
        """The same as the value that requests carry."""
        values = self.model_dump(exclude_none=True, exclude={"stop"})
        return Sampling(**values, stop=tuple(self.stop) if self.stop else None)


class TimeoutsConfig(_Model):
    """Limits for one reply: seconds, or a duration like `30s`, `2m`."""

    connect: Seconds = _TIMEOUTS.connect
    first_token: Seconds = _TIMEOUTS.first_token
    idle: Seconds = _TIMEOUTS.idle
    total: Seconds = _TIMEOUTS.total

    def to_timeouts(self) -> Timeouts:
        """The same as the value that agents take."""
        return Timeouts(**self.model_dump())


class RateConfig(_Model):
    """How much may go to an endpoint in a minute; what is left out is not limited."""

    requests: float | None = Field(None, gt=0)
    tokens: float | None = Field(None, gt=0)


class PriceConfig(_Model):
    """What a model's tokens cost, in US dollars for a million of them."""

    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    cached_input: float | None = Field(None, ge=0, allow_inf_nan=False)

    def to_price(self) -> Price:
        """The same as the value that experts have."""
        return Price(**self.model_dump())


class EmbeddingPriceConfig(_Model):
    """What an embedder's tokens cost: it writes none."""

    input: float = Field(ge=0, allow_inf_nan=False)

    def to_price(self) -> Price:
        """The same as the value that embedders have."""
        return Price(self.input, 0.0)


Endpoints = Annotated[
    list[Annotated[str, Field(min_length=1)]],
    Field(min_length=1),
    BeforeValidator(_as_list, json_schema_input_type=str | list[str]),
]


class EndpointConfig(_Model):
    """How one model is reached; shared by experts, synthesizers and the embedder."""

    model: str = Field(min_length=1)
    endpoint: Endpoints | None = None
    api_key: SecretStr | None = None
    headers: dict[str, SecretStr] = {}
    verify: Verify = True
    proxy: SecretStr | None = None
    trust_env: bool = True
    extra_body: dict[str, Any] = {}
    retries: int = Field(RetryPolicy().retries, ge=0, le=20)
    rate: RateConfig = RateConfig()
    timeouts: TimeoutsConfig = TimeoutsConfig()

    @field_validator("api_key")
    @classmethod
    def _no_empty_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().strip():
            raise ValueError("the key is empty: leave `api_key` out for a server without one")
        return value

    @field_validator("proxy")
    @classmethod
    def _usable_proxy(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None else SecretStr(checked_proxy(value.get_secret_value()))


class WriterConfig(EndpointConfig):
    """A model that writes; shared by experts and synthesizers."""

    kind: str | None = None
    sampling: SamplingConfig = SamplingConfig()
    price: PriceConfig | None = None
    takes_schema: bool = True


class EmbedderConfig(EndpointConfig):
    """Who turns texts into vectors, for strategies that compare answers by what they mean."""

    price: EmbeddingPriceConfig | None = None


class ExpertConfig(WriterConfig):
    """One seat of the panel."""

    id: str | None = Field(None, pattern=r"^[\w.\-]+$")
    persona: str = ""
    samples: int = Field(1, ge=1, le=64)
    weight: float = Field(1.0, gt=0, allow_inf_nan=False)
    family: str | None = Field(None, min_length=1)
    hedge_after: Seconds | None = None
    tools: bool = True


class SynthesizerConfig(WriterConfig):
    """Who writes the answer from the experts' answers."""


class StrategyConfig(BaseModel):
    """A strategy's name and its options, which the strategy itself checks."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    name: str = "vote"

    @property
    def options(self) -> dict[str, Any]:
        """The options as written."""
        return dict(self.model_extra or {})


class LimitsConfig(_Model):
    """Limits of a run."""

    deadline: Seconds = _LIMITS.deadline
    quorum: int | None = Field(_LIMITS.quorum, ge=1)
    quorum_families: int = Field(_LIMITS.quorum_families, ge=1)
    concurrency: int = Field(_LIMITS.concurrency, ge=1)
    tokens: int | None = Field(_LIMITS.tokens, ge=1)
    cost: float | None = Field(_LIMITS.cost, gt=0, allow_inf_nan=False)
    tool_turns: int = Field(_LIMITS.tool_turns, ge=1)


def _strategy(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class PanelConfig(_Model):
    """A whole panel file."""

    experts: list[ExpertConfig] = Field(min_length=1)
    strategy: Annotated[
        StrategyConfig, BeforeValidator(_strategy, json_schema_input_type=str | StrategyConfig)
    ] = StrategyConfig()
    synthesizer: Annotated[
        list[SynthesizerConfig | str],
        BeforeValidator(
            _as_list,
            json_schema_input_type=SynthesizerConfig | str | list[SynthesizerConfig | str],
        ),
    ] = []
    embedder: EmbedderConfig | None = None
    answer_schema: str | dict[str, Any] | None = None
    limits: LimitsConfig = LimitsConfig()
    backend: BackendConfig = BackendConfig()

    @model_validator(mode="before")
    @classmethod
    def _name_experts(cls, values: Any) -> Any:
        """Experts without an id are called A, B, C in the order in which they stand."""
        experts = values.get("experts") if isinstance(values, dict) else None
        if not isinstance(experts, list):
            return values
        named = [
            {**expert, "id": expert["id"] if expert.get("id") is not None else letters(i)}
            if isinstance(expert, dict)
            else expert
            for i, expert in enumerate(experts)
        ]
        return {**values, "experts": named}


def letters(index: int) -> str:
    """A, B, …, Z, AA, AB, … for 0, 1, …"""
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def json_schema() -> dict[str, Any]:
    """The JSON schema of a panel file, for editors."""
    schema = PanelConfig.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
