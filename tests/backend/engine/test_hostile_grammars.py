"""Grammars and schemas that are wrong, huge or malicious, sent to a real worker: it lives on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backend.chat.constraint import Constraint
from backend.chat.json_schema import SchemaError, to_gbnf
from backend.engine.child import Child
from backend.engine.messages import (
    Accepted,
    Load,
    Loaded,
    Output,
    Progress,
    Refused,
    Sampling,
    Step,
    Submit,
)
from tests.backend.chat.test_gbnf import mutated

pytestmark = pytest.mark.anyio
PATIENCE = 60.0

WRONG = [
    "",
    " ",
    "root",
    "root ::=",
    "root ::= root",
    "root ::= a\na ::= b\nb ::= a",
    'root ::= "',
    "root ::= [",
    "root ::= [^",
    "root ::= [a-",
    "root ::= \\",
    'root ::= "\\',
    'root ::= "\\x',
    'root ::= "\\xZZ"',
    'root ::= "\\U7FFFFFFF"',
    "root ::= (",
    "root ::= " + "(" * 50_000,
    "root ::= " + "(" * 50 + ")" * 50 + "*",
    "root ::= {1}",
    'root ::= "a"{2147483648}',
    'root ::= "a"{18446744073709551616,}',
    'root ::= "a"{-1}',
    'root ::= "a"{1,' + "9" * 5000 + "}",
    "root ::= <[99999999999999999999]>",
    "root ::= <|im_start|>",
    "root ::= !<a>",
    'start ::= "a"',
    'root ::= "\0"',
    "root ::= \ud7ff",
    'root ::= "a"\nroot ::= "b"',
    "root ::= undefined",
    "::=",
    "root ::= |" * 3,
    "root_x ::= a",
    'root ::= "a" # comment\n"b"',
    "root ::= r0\n"
    + "".join(f"r{n} ::= r{n + 1} r{n + 1}\n" for n in range(60))
    + 'r60 ::= r0 | ""',
]
HARD = [
    'root ::= ((("a"?){0,999}){0,999}){0,999} "b"',
    'root ::= s\ns ::= "a" s s | "a"',
    "root ::= s\ns ::= [a-z] s? s? s? s? [a-z]?",
    "root ::= (.? .? .? .? .? .? .? .? .?){99999}",
    "root ::= " + " | ".join(f'"{n}"' for n in range(9000)),
    "root ::= r0\n" + "".join(f"r{n} ::= r{n + 1} r{n + 1}\n" for n in range(60)) + 'r60 ::= "a"?',
    'root ::= "\\U0010FFFF"{9}',
    "root ::= [^\\x01-\\U0010FFFE]",
    'root ::= "a"{100000}',
    'root ::= ("a"{0,100000}){100000}',
    "root ::= " + '"' + "x" * 150_000 + '"',
]
"""Right, but more work than is worth it, or more than a small model can say."""


class Worker:
    """A worker process, and what it answers."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._number = 0

    async def read(self) -> Any:
        async with asyncio.timeout(PATIENCE):
            event = await self._child.read()
        assert event is not None, "the worker has ended"
        return event

    async def ask(
        self, constraint: Constraint | None, budget: int = 8, seed: int = 1
    ) -> Refused | list[Output]:
        """Why a request was refused, or all that it was answered."""
        self._number += 1
        sampling = Sampling(seed=seed)
        self._child.send(Submit(self._number, "hello", sampling, budget, (), constraint=constraint))
        outputs: list[Output] = []
        while not (outputs and outputs[-1].finish):
            event = await self.read()
            if isinstance(event, Refused):
                return event
            if isinstance(event, Step):
                outputs += [output for output in event.outputs if output.id == self._number]
            else:
                assert isinstance(event, Accepted)
        return outputs


@pytest.fixture
async def worker(models: Path) -> AsyncIterator[Worker]:
    """A worker that has loaded a model."""
    child = await Child.spawn()
    try:
        child.send(Load(f"{models}/bytes.gguf", 2048, 2, 1, 0))
        found = Worker(child)
        while isinstance(event := await found.read(), Progress):
            pass
        assert isinstance(event, Loaded)
        yield found
    finally:
        await child.close(5.0)


async def lives(worker: Worker) -> None:
    found = await worker.ask(Constraint('root ::= "fine"'))
    assert isinstance(found, list)
    assert "".join(output.text for output in found) == "fine"


async def test_what_is_wrong_is_refused(worker: Worker) -> None:
    for grammar in WRONG:
        found = await worker.ask(Constraint(grammar))
        if isinstance(found, Refused):
            assert found.field == "grammar"
            assert "line" in found.reason
        else:
            assert grammar in ("root ::=", "root ::= |" * 3, WRONG[17]), grammar
    await lives(worker)


async def test_what_is_hard_ends(worker: Worker) -> None:
    for grammar in HARD:
        found = await worker.ask(Constraint(grammar))
        assert isinstance(found, Refused) or found[-1].finish in ("stop", "length", "error")
    await lives(worker)


@pytest.mark.timeout(400)
async def test_hundreds_of_broken_grammars(worker: Worker) -> None:
    chance = random.Random(9)
    refused = 0
    for number in range(300):
        triggers = chance.choice([(), (), ("a",), ("", "é"), ("root", "{")])
        found = await worker.ask(Constraint(mutated(chance), triggers), seed=number)
        refused += isinstance(found, Refused)
    assert 100 < refused < 300
    await lives(worker)


def random_schema(chance: random.Random, depth: int = 0) -> Any:
    """A schema of keywords with values that hardly fit."""
    values: list[Any] = [
        -1,
        0,
        3,
        2.5,
        1e300,
        True,
        None,
        "",
        "a",
        "#",
        "#/$defs/a",
        [],
        {},
        [1],
        "[",
    ]
    keys = ["type", "enum", "const", "properties", "required", "additionalProperties", "items"]
    keys += ["prefixItems", "minItems", "maxItems", "anyOf", "oneOf", "allOf", "$ref", "minLength"]
    keys += ["maxLength", "pattern", "format", "minimum", "maximum", "nullable", "$defs", "title"]
    found: dict[str, Any] = {}
    for key in chance.sample(keys, chance.randint(0, 3)):
        inner = random_schema(chance, depth + 1) if depth < 3 else True
        shaped = {
            "type": chance.choice(["string", "object", ["array", "null"], "integer"]),
            "properties": {"a": inner, "é": True},
            "required": ["a"],
            "items": inner,
            "prefixItems": [inner],
            **{key: [inner, {"type": "null"}] for key in ("anyOf", "oneOf", "allOf")},
            "$defs": {"a": inner},
        }
        found[key] = chance.choice([shaped.get(key, chance.choice(values)), chance.choice(values)])
    return chance.choice([found, found, found, *values]) if depth else found


@pytest.mark.timeout(400)
async def test_hundreds_of_schemas(worker: Worker) -> None:
    """Each is refused in Python, with nothing else than its own error, or is taken."""
    chance = random.Random(10)
    taken = 0
    for number in range(1500):
        try:
            grammar = to_gbnf(random_schema(chance))
        except SchemaError:
            continue
        taken += 1
        if taken % 4 == 0:
            found = await worker.ask(Constraint(grammar), seed=number)
            assert not isinstance(found, Refused), grammar
    assert taken > 200
    await lives(worker)
