"""Answers of untrained models under grammars, in the real engine."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from backend.chat.json_schema import to_gbnf
from backend.engine.messages import Sampling
from tests.backend.engine.bench import Bench
from tests.backend.random_model import Shape, write_model

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "tags": {"type": "array", "items": {"enum": ["a", "é", '"\\']}, "maxItems": 3},
        "when": {"type": "string", "format": "date-time"},
        "further": {"anyOf": [{"type": "null"}, {"type": "number", "minimum": 0}]},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}
GREEDY = Sampling(temperature=0)
WILD = Sampling(temperature=2, top_k=0, top_p=1, min_p=0, seed=5)


@pytest.fixture(scope="module")
def bench(models: Path) -> Bench:
    """A model that may write any bytes and never ends by itself."""
    return Bench(models / "bytes.gguf")


@pytest.fixture(scope="module")
def ending(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A model that may end at any time."""
    path = tmp_path_factory.mktemp("ending") / "ending.gguf"
    return Bench(write_model(path, Shape(ends=True, seed=3)))


@pytest.mark.parametrize("sampling", [GREEDY, WILD, *(Sampling(seed=seed) for seed in range(4))])
def test_a_document_is_valid_whatever_the_model_would_say(bench: Bench, sampling: Sampling) -> None:
    text, last = bench.finish(bench.submit(to_gbnf(PERSON), sampling=sampling))
    assert last.finish == "stop"
    jsonschema.validate(json.loads(text), PERSON)


def test_it_does_not_end_before_it_is_whole(ending: Bench) -> None:
    grammar = to_gbnf({"type": "array", "items": {"type": "integer"}, "minItems": 40})
    for seed in range(5):
        text, last = ending.finish(ending.submit(grammar, sampling=replace(WILD, seed=seed)))
        assert last.finish == "stop"
        assert len(json.loads(text)) >= 40


def test_a_model_may_end_where_the_grammar_lets_it(ending: Bench) -> None:
    text, last = ending.finish(ending.submit('root ::= "ab"*', sampling=WILD, budget=400))
    assert last.finish == "stop"
    assert text == "ab" * (len(text) // 2)
    assert last.generated == len(text) + 1


def test_a_grammar_with_nothing_left_to_say_ends_the_answer(bench: Bench) -> None:
    text, last = bench.finish(bench.submit('root ::= "é日" | "x"'))
    assert text in ("é日", "x")
    assert last.finish == "stop"
    assert last.generated == len(text.encode())


def test_a_limit_cuts_it_all_the_same(bench: Bench) -> None:
    text, last = bench.finish(bench.submit('root ::= "a"*', budget=7))
    assert (text, last.finish) == ("a" * 7, "length")


@pytest.mark.parametrize("grammar", ["root ::= ", 'root ::= ""'])
def test_nothing_at_all_is_an_answer(bench: Bench, grammar: str) -> None:
    text, last = bench.finish(bench.submit(grammar))
    assert (text, last.finish) == ("", "stop")


def test_a_grammar_that_waits_holds_from_its_trigger_on(bench: Bench) -> None:
    """The model writes freely until it comes upon a character, which it then has to go on from."""
    number = bench.submit('root ::= [e-h] "<é>" [0-9]{3}', "efgh", budget=3000, sampling=WILD)
    text, last = bench.finish(number)
    assert last.finish == "stop"
    begin = min(at for char in "efgh" if (at := text.find(char)) >= 0)
    assert begin > 0
    assert text[begin + 1 : begin + 4] == "<é>"
    assert text[begin + 4 :].isdigit()
    assert len(text) == begin + 7


def test_control_tokens_show_only_where_they_are_wanted(bench: Bench) -> None:
    start = bench.model.special_text(257)
    grammar = f'root ::= "{start}" [a-z]{{2}}'
    biased = replace(GREEDY, logit_bias=((257, 5000.0),))
    number = bench.submit(grammar, sampling=biased, specials=True)
    text, last = bench.finish(number)
    assert text.startswith(start)
    assert last.generated == 3
    # Otherwise the same text is spelled out, since the token itself would be no text.
    text, last = bench.finish(bench.submit(grammar, sampling=biased))
    assert text.startswith(start)
    assert last.generated == len(text)


def test_a_grammar_survives_a_step_back(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two answers that do not fit at the same time: each goes on where it was."""
    monkeypatch.setenv("COUNCIL_BACKEND_AUDIT", "1")
    bench = Bench(models / "bytes.gguf", ctx=600, parallel=2)
    numbers = [
        bench.submit('root ::= ([a-m] [n-z]){200} "!"', sampling=Sampling(seed=seed), budget=500)
        for seed in range(2)
    ]
    for number in numbers:
        text, last = bench.finish(number)
        assert last.finish == "stop"
        assert re.fullmatch("([a-m][n-z]){200}!", text)
    assert bench.steps[-1].stats.preempted > 0


def test_the_same_seed_says_the_same_under_a_grammar(bench: Bench) -> None:
    """Also when the grammar's states are known from before."""
    texts = {bench.finish(bench.submit(to_gbnf(PERSON), sampling=WILD))[0] for _ in range(3)}
    assert len(texts) == 1


def test_others_go_on_beside_it(bench: Bench) -> None:
    free, bound = bench.submit(budget=30), bench.submit('root ::= "a"{30}')
    assert bench.finish(bound)[0] == "a" * 30
    assert bench.finish(free)[1].generated == 30


def refusal(bench: Bench, number: int) -> str:
    """The text before a request was refused in the middle of its answer."""
    while number not in bench.refused:
        bench.loop.turn()
    assert bench.refused[number] == "grammar"
    assert all(output.finish is None for output in bench.outputs(number))
    return "".join(output.text for output in bench.outputs(number))


def test_a_grammar_that_is_too_much_work_fails_alone(bench: Bench) -> None:
    hard = 'root ::= "b" ((("a"?){0,999}){0,999}){0,999} "c"'
    free, bound = bench.submit(budget=30), bench.submit(hard, sampling=GREEDY)
    assert refusal(bench, bound) == ""
    assert bench.finish(free)[1].finish == "length"
    assert bench.steps[-1].stats.active == 0


def test_a_text_that_no_token_can_write_is_refused(tmp_path: Path) -> None:
    bench = Bench(write_model(tmp_path / "m.gguf", Shape()))
    known = bench.model.pieces(False)
    known[ord("x")] = b""
    bench.grammars._pieces = lambda _: known
    assert refusal(bench, bench.submit('root ::= "ax"')) == "a"


def test_an_answer_does_not_end_before_it_is_long_enough(ending: Bench) -> None:
    short = ending.finish(ending.submit(sampling=WILD, budget=500))[1]
    assert short.finish == "stop"
    longer = ending.finish(ending.submit(sampling=WILD, budget=500, shortest=400))[1]
    assert (longer.finish, longer.generated > 400) == ("stop", True) or longer.finish == "length"
    assert longer.generated >= 400
    never = ending.finish(ending.submit(sampling=WILD, budget=600, shortest=1 << 60))[1]
    assert (never.finish, never.generated) == ("length", 600)


def schema_of(value: Any) -> Any:
    return {"type": "object", "properties": {"v": value}, "required": ["v"]}


@pytest.mark.parametrize("kind", ["string", "integer", "number", "boolean", "array", "object"])
def test_what_has_no_bounds_ends_by_chance(bench: Bench, kind: str) -> None:
    """Sampled widely, an untrained model comes to the end of anything."""
    grammar = to_gbnf(schema_of({"type": kind}))
    text, last = bench.finish(bench.submit(grammar, sampling=WILD, budget=3000))
    assert last.finish == "stop"
    jsonschema.validate(json.loads(text), schema_of({"type": kind}))
