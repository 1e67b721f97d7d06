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
    """Knobs of generation; what is left out is left to the server.

    Attributes:
        temperature: How freely tokens are drawn; 0 takes the likeliest each time.
        top_p: Draw from the likeliest tokens that have this probability together.
        top_k: Draw from so many of the likeliest tokens; 0 for all.
        min_p: Leave out tokens less likely than this part of the likeliest one's probability.
        presence_penalty: Against tokens that the reply has already, however often.
        frequency_penalty: The same, by how often it has them.
        max_tokens: The most tokens of a reply, its reasoning included.
        seed: For the same draws each time; an expert's further samples count up from it.
        stop: Texts that end a reply; one, or a list.
    """

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
    """Limits for one reply: seconds, or a duration like `30s`, `2m`.

    Attributes:
        connect: For the connection to stand.
        first_token: From the request to the first token.
        idle: Between two reads once the reply has begun.
        total: For the whole reply.
    """

    connect: Seconds = _TIMEOUTS.connect
    first_token: Seconds = _TIMEOUTS.first_token
    idle: Seconds = _TIMEOUTS.idle
    total: Seconds = _TIMEOUTS.total

    def to_timeouts(self) -> Timeouts:
        """The same as the value that agents take."""
        return Timeouts(**self.model_dump())


class RateConfig(_Model):
    """How much may go to an endpoint in a minute; what is left out is not limited.

    All that use the endpoint share it, and of several entries' rates the strictest holds.

    Attributes:
        requests: Requests.
        tokens: Tokens of prompts, and the most that replies may have.
    """

    requests: float | None = Field(None, gt=0)
    tokens: float | None = Field(None, gt=0)


class PriceConfig(_Model):
    """What a model's tokens cost, in US dollars for a million of them.

    Attributes:
        input: Tokens of the prompt.
        output: Tokens of the reply, its reasoning included.
        cached_input: Tokens of the prompt that a cache had; left out, they cost as `input`.
    """

    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    cached_input: float | None = Field(None, ge=0, allow_inf_nan=False)

    def to_price(self) -> Price:
        """The same as the value that experts have."""
        return Price(**self.model_dump())


class EmbeddingPriceConfig(_Model):
    """What an embedder's tokens cost: it writes none.

    Attributes:
        input: Tokens of the texts, in US dollars for a million of them.
    """

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
    """How one model is reached; shared by experts, synthesizers and the embedder.

    Attributes:
        model: The model's name at the endpoint; without an endpoint a GGUF file, relative to the
            panel file, or `builtin:NAME`, which the bundled server serves.
        endpoint: An origin, a base path such as `/v1`, or the full URL. A list is a pool: the least
            busy first, the next one when one fails.
        api_key: Sent as the server's API wants it, never printed. Write `${NAME}` for a variable
            of the environment.
        headers: More headers of each request; never printed.
        verify: Whose certificates are trusted: the usual authorities', those of a CA bundle (the
            path of a file, or of a folder that `openssl rehash` has seen), or with `false`
            anybody's.
        proxy: The URL of a proxy for all requests, with its user and password if it wants them;
            never printed. Left out, the environment's.
        trust_env: Whether `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, `SSL_CERT_FILE` and
            `SSL_CERT_DIR` count.
        extra_body: More fields of each request's body.
        retries: How many times a request that failed is sent again, as long as no token has come.
        rate: How much may go to the endpoint in a minute.
        timeouts: Limits for one reply.
    """

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
    """A model that writes; shared by experts and synthesizers.

    Attributes:
        kind: What the endpoint speaks: `openai` or `anthropic`; `local` for the bundled server.
            Left out, `openai` with an endpoint and `local` without one.
        sampling: Knobs of generation.
        price: What its tokens cost. Left out, it is that of the price table, where that is
            installed; models without an endpoint cost nothing.
        takes_schema: Whether the server may be sent a JSON schema (`response_format`) for the
            answer; else a sentence of the prompt asks for it.
    """

    kind: str | None = None
    sampling: SamplingConfig = SamplingConfig()
    price: PriceConfig | None = None
    takes_schema: bool = True


class EmbedderConfig(EndpointConfig):
    """Who turns texts into vectors, for strategies that compare answers by what they mean.

    Attributes:
        price: What its tokens cost.
    """

    price: EmbeddingPriceConfig | None = None


class ExpertConfig(WriterConfig):
    """One seat of the panel.

    Attributes:
        id: Unique within the panel. Left out, it is A, B, C, … by its place.
        persona: What the expert is told about its part, after the question.
        samples: How many answers it gives.
        weight: The weight of its vote; its samples share it.
        family: The model family, since siblings err alike. Left out, the model's name.
        hedge_after: Time without a first token after which a second request goes out; the slower
            one is cancelled. Left out, never.
        tools: Whether it gets the tools of a run.
    """

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
    """A strategy's name and its options, which the strategy itself checks.

    Attributes:
        name: The strategy; its options stand beside it.
    """

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    name: str = "vote"

    @property
    def options(self) -> dict[str, Any]:
        """The options as written."""
        return dict(self.model_extra or {})


class LimitsConfig(_Model):
    """Limits of a run.

    Attributes:
        deadline: How long a run may take.
        quorum: How many experts must give an answer that counts. Left out, half of those asked,
            rounded up, and at least two; all of them where they are one or two.
        quorum_families: From how many model families these must be.
        concurrency: How many requests may be under way at once, over all runs of a council.
        tokens: How many tokens a run may use, prompts and replies together; left out, any.
        cost: How many US dollars a run may cost; needs prices. Left out, any.
        tool_turns: How many times a reply may ask for tools before it has to be an answer.
    """

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
    """A whole panel file.

    Attributes:
        experts: The seats.
        strategy: How the answers become one: a name, or a mapping with `name` and its options.
        synthesizer: Who writes the answer from the experts' answers, in order of preference: an
            entry, an expert's id, or a list of both. Left out, the experts themselves.
        embedder: Who turns texts into vectors.
        answer_schema: What answers have to look like: a JSON schema, or the path of one.
        limits: Limits of a run.
        backend: How the bundled server is started for models without an endpoint.
    """

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
