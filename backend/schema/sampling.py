"""How tokens are to be chosen: the fields that requests for text have in common."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backend.engine.sampling import BOUNDS, LONGEST_BREAKER, MOST_BREAKERS

_INT64 = 1 << 63

Step = Literal[
    "penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature"
]
Stop = Annotated[str, Field(min_length=1)]
Breaker = Annotated[str, Field(min_length=1, max_length=LONGEST_BREAKER)]


def _within(name: str) -> Any:
    low, high = BOUNDS[name]
    return Field(ge=low, le=high)


class Body(BaseModel):
    """What a client sends; fields that mean nothing here are passed over."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class SamplingFields(Body):
    """``engine.sampling.Sampling`` has the defaults, and says what each of them does."""

    stop: Stop | Annotated[list[Stop], Field(max_length=16)] | None = None
    seed: Annotated[int, Field(ge=-_INT64, lt=_INT64)] | None = None
    temperature: Annotated[float, _within("temperature")] | None = None
    top_p: Annotated[float, _within("top_p")] | None = None
    top_k: Annotated[int, _within("top_k")] | None = None
    typical_p: Annotated[float, _within("typical_p")] | None = None
    min_p: Annotated[float, _within("min_p")] | None = None
    top_n_sigma: Annotated[float, _within("top_n_sigma")] | None = None
    min_keep: Annotated[int, _within("min_keep")] | None = None
    presence_penalty: Annotated[float, _within("presence_penalty")] | None = None
    frequency_penalty: Annotated[float, _within("frequency_penalty")] | None = None
    repeat_penalty: Annotated[float, _within("repeat_penalty")] | None = None
    repeat_last_n: Annotated[int, _within("repeat_last_n")] | None = None
    xtc_probability: Annotated[float, _within("xtc_probability")] | None = None
    xtc_threshold: Annotated[float, _within("xtc_threshold")] | None = None
    dynatemp_range: Annotated[float, _within("dynatemp_range")] | None = None
    dynatemp_exponent: Annotated[float, _within("dynatemp_exponent")] | None = None
    dry_multiplier: Annotated[float, _within("dry_multiplier")] | None = None
    dry_base: Annotated[float, _within("dry_base")] | None = None
    dry_allowed_length: Annotated[int, _within("dry_allowed_length")] | None = None
    dry_penalty_last_n: Annotated[int, _within("dry_penalty_last_n")] | None = None
    dry_sequence_breakers: Annotated[list[Breaker], Field(max_length=MOST_BREAKERS)] | None = None
    mirostat: Annotated[int, _within("mirostat")] | None = None
    mirostat_tau: Annotated[float, _within("mirostat_tau")] | None = None
    mirostat_eta: Annotated[float, _within("mirostat_eta")] | None = None
    samplers: Annotated[list[Step], Field(max_length=16)] | None = None
    min_tokens: Annotated[int, _within("min_tokens")] | None = None
    ignore_eos: bool | None = None
    logit_bias: (
        Annotated[dict[str, Annotated[float, Field(ge=-100, le=100)]], Field(max_length=1024)]
        | None
    ) = None
    cache_prompt: bool | None = None
    # llama-server's names for a form that is enforced.
    grammar: str | None = None
    json_schema: dict[str, Any] | None = None

    # Other servers' names, whose clients would get another answer than they count on.
    guided_json: Any = None
    guided_regex: Any = None
    guided_choice: Any = None
    guided_grammar: Any = None
    structured_outputs: Any = None
    repetition_penalty: Any = None
    n_predict: Any = None
    n_probs: Any = None
