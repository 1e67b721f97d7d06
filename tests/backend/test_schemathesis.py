"""The server against its own OpenAPI document: requests drawn from it, right ones and wrong ones.

No answer is a fault of the server, and none has a status, a content type or a body that the
document does not know.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from backend.api.openapi import document
from backend.api.operations import OPERATIONS, Operation
from tests.backend.serving import PATIENCE, Server, running

EXAMPLES = int(os.environ.get("COUNCIL_SCHEMATHESIS", "8"))
SCHEMA = schemathesis.openapi.from_dict(document(OPERATIONS))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    allow_header_conformance,
]
CASES = [
    (operation, mode)
    for operation in OPERATIONS
    for mode in GenerationMode
    # Without a body nothing can be wrong: any text is a path's parameter.
    if mode is GenerationMode.POSITIVE or operation.body is not None
]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A model that has little room, so that no answer is long."""
    with running("--model", "builtin:sage=sage", "--ctx", "64") as found:
        yield found
        assert len(found.lines) == 2, found.lines[2:]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("operation", "mode"),
    CASES,
    ids=[f"{case.method} {case.path} {mode.value}" for case, mode in CASES],
)
def test_answers_are_as_documented(
    server: Server, operation: Operation, mode: GenerationMode
) -> None:
    described = SCHEMA[operation.path][operation.method]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=described.as_strategy(generation_mode=mode))
    def attack(case: schemathesis.Case[Any]) -> None:
        response = case.call(base_url=server.url, timeout=PATIENCE)
        case.validate_response(response, checks=CHECKS)

    attack()
