"""The knobs of sampling, and what is told of tokens, in the real engine."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.engine.messages import Sampling
from backend.engine.plan import Chunk
from backend.engine.sampling import BOUNDS, SAMPLERS
from tests.backend.engine.bench import Bench

GREEDY = Sampling(temperature=0)
WILD = Sampling(temperature=2, top_k=0, top_p=1, min_p=0, seed=5)
NEUTRAL = Sampling(temperature=1, top_k=0, top_p=1, min_p=0, seed=5)


@pytest.fixture(scope="module")
def bench(models: Path) -> Bench:
    """A model that writes ASCII for ever."""
    return Bench(models / "endless.gguf")


def said(bench: Bench, sampling: Sampling, budget: int = 40) -> str:
    return bench.finish(bench.submit(sampling=sampling, budget=budget))[0]


@pytest.mark.parametrize(
    "change",
    [
        {"top_n_sigma": 0.01},
        {"mirostat": 1, "mirostat_tau": 0.01},
        {"mirostat": 2, "mirostat_tau": 0.01},
        {"dry_multiplier": 5.0, "top_k": 3, "temperature": 0.1},
        {"xtc_probability": 1.0, "xtc_threshold": 0.01},
        {"dynatemp_range": 1.9},
        {"min_keep": 100, "top_p": 0.1},
        {"repeat_penalty": 10.0, "repeat_last_n": 3},
        {"samplers": ("top_k",), "top_k": 1},
        {"typical_p": 0.1},
        {"frequency_penalty": 2.0},
    ],
)
def test_a_knob_changes_what_is_said(bench: Bench, change: dict[str, Any]) -> None:
    names = {name: change[name] for name in ("temperature", "top_k", "top_p") if name in change}
    before = replace(NEUTRAL, **names)
    if change.get("samplers"):
        before = NEUTRAL
    after = replace(before, **change)
    assert said(bench, after) != said(bench, before)
    assert said(bench, after) == said(bench, after)


@pytest.mark.parametrize("change", [{"top_n_sigma": 1e-6}, {"samplers": ("top_k",), "top_k": 1}])
def test_the_narrowest_choice_is_the_likeliest(bench: Bench, change: dict[str, Any]) -> None:
    assert said(bench, replace(NEUTRAL, **change)) == said(bench, GREEDY)


def test_repetitions_can_be_ruled_out(bench: Bench) -> None:
    """No token of the last 30 is said again."""
    sampling = replace(GREEDY, presence_penalty=2.0, repeat_penalty=10.0, repeat_last_n=30)
    biased = tuple((token, 50.0) for token in range(97, 97 + 26))
    text = said(bench, replace(sampling, logit_bias=biased), budget=26)
    assert len(set(text)) > 20


def extremes() -> list[Sampling]:
    """Every knob at its ends, alone, and all at once."""
    found = []
    for end in (0, 1):
        ends = {
            name: type(getattr(Sampling(), name))(bounds[end]) for name, bounds in BOUNDS.items()
        }
        found.append(Sampling(**ends))
        found += [replace(WILD, **{name: value}) for name, value in ends.items()]
        found += [replace(Sampling(**ends), mirostat=kind, temperature=1e-5) for kind in (0, 1, 2)]
    orders = itertools.islice(itertools.permutations(SAMPLERS), 0, 362880, 60000)
    found += [replace(Sampling(), samplers=order, xtc_probability=0.5) for order in orders]
    breakers = ("", "\0", "é" * 30, "a", "\n\n")
    found.append(replace(WILD, dry_multiplier=1, dry_sequence_breakers=breakers, samplers=()))
    found.append(replace(WILD, dry_multiplier=1, dry_sequence_breakers=breakers))
    found.append(replace(WILD, samplers=("dry", "unknown", "dry"), dry_multiplier=10.0))
    return found


@pytest.mark.parametrize("grammar", [None, 'root ::= ("ab" | [0-9"]+)*'])
def test_no_choice_of_knobs_ends_the_process(bench: Bench, grammar: str | None) -> None:
    for sampling in extremes():
        _, last = bench.finish(bench.submit(grammar, sampling=sampling, budget=12))
        assert last.finish == "length", sampling


def probabilities(bench: Bench, tokens: list[int]) -> Any:
    """Log-probabilities after some tokens, computed from the logits of a decode of their own."""
    chunk = Chunk(job=0, seq=3, start=0, tokens=tuple(tokens), sample=True)
    bench.context.decode([chunk])
    sampler = bench.context.sampler(GREEDY)
    logits = sampler.logits(len(tokens) - 1).astype(np.float64)
    sampler.close()
    return logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()


def test_logprobs_are_of_the_model_and_not_of_the_knobs(models: Path) -> None:
    bench = Bench(models / "bytes.gguf")
    number = bench.submit(sampling=replace(WILD, logit_bias=((65, 5.0),)), budget=30, logprobs=5)
    _, last = bench.finish(number)
    told = [info for output in bench.outputs(number) for info in output.tokens]
    assert len(told) == last.generated == 30
    tokens = bench.model.tokenize("hello")
    fresh = Bench(models / "bytes.gguf")
    for info in told[:1]:
        expected = probabilities(fresh, tokens)
        assert info.logprob == pytest.approx(expected[info.id], abs=1e-4)
        assert [token for _, token, _ in info.top] == list(np.argsort(-expected)[:5])
        assert [value for _, _, value in info.top] == pytest.approx(
            sorted(expected)[::-1][:5], abs=1e-4
        )
    assert b"".join(info.piece.encode("latin-1") for info in told) == b"".join(
        bench.model.piece(info.id, special=True) for info in told
    )
    assert all(info.logprob <= 0 for info in told)


def test_all_alternatives_make_one(bench: Bench) -> None:
    number = bench.submit(budget=1, logprobs=300)
    bench.finish(number)
    (info,) = bench.outputs(number)[-1].tokens
    assert len(info.top) == bench.model.size
    assert sum(math.exp(logprob) for _, _, logprob in info.top) == pytest.approx(1, abs=1e-6)


def test_tokens_are_told_only_where_they_are_asked_for(bench: Bench) -> None:
    assert all(not output.tokens for output in bench.outputs(bench.submit(budget=3)))
    number = bench.submit(budget=3, logprobs=0)
    bench.finish(number)
    told = [info for output in bench.outputs(number) for info in output.tokens]
    assert [info.top for info in told] == [()] * 3
