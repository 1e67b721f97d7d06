"""The OpenAPI document: all routes and no others, schemas that are some, right bodies that fit."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from quart import Quart

from backend.api.openapi import document
from backend.api.operations import OPERATIONS
from backend.app import create_app
from backend.registry import Registry
from backend.sessions import Sessions
from backend.settings import Room
from serving.gate import Gate
from serving.options import Options
from tests.backend.right_bodies import BODIES

DOCUMENT = document(OPERATIONS)
SCHEMAS = DOCUMENT["components"]["schemas"]


@pytest.fixture
def app() -> Quart:
    return create_app(Registry([], Room(), Sessions(1, 1)), Gate(Options()))


def test_every_route_is_documented_and_no_other(app: Quart) -> None:
    # Quart adds HEAD and OPTIONS by itself.
    routes = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    documented = [(operation.method, operation.path) for operation in OPERATIONS]
    assert len(documented) == len(set(documented))
    assert set(documented) == routes


@pytest.mark.anyio
async def test_it_is_served(app: Quart) -> None:
    response = await app.test_client().get("/openapi.json")
    assert response.status_code == 200
    assert await response.get_json() == json.loads(json.dumps(DOCUMENT))


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(DOCUMENT)
    references = re.findall(r'"\$ref": "([^"]*)"', text)
    assert len(references) > 100
    for reference in references:
        assert reference.removeprefix("#/components/schemas/") in SCHEMAS


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name].get("description"), f"{name} has no docstring"


@pytest.mark.parametrize(
    ("path", "body"), [(path, body) for path, bodies in BODIES.items() for body in bodies]
)
def test_a_right_body_fits(path: str, body: dict[str, Any]) -> None:
    content = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    whole = {**content["schema"], "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate({"model": "main", **body})


def test_refusals_have_the_envelope_of_their_route() -> None:
    for path, methods in DOCUMENT["paths"].items():
        wanted = "MessageFailureBody" if path.startswith("/v1/messages") else "FailureBody"
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if status == "200":
                    continue
                told = json.dumps(response["content"]["application/json"]["schema"])
                assert f'schemas/{wanted}"' in told


def test_operations_have_names_of_their_own() -> None:
    names = [
        operation["operationId"]
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
    ]
    assert len(names) == len(set(names)) == len(OPERATIONS)
