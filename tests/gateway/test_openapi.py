"""The OpenAPI document describes the routes there are, no more and no fewer."""

from __future__ import annotations

import re
from typing import Any

import pytest

from council.gateway.app import create_app
from council.gateway.openapi import document
from council.gateway.operations import OPERATIONS
from serving.gate import Gate
from serving.options import Options
from tests.gateway.seats import three
from tests.gateway.serving import gateway

pytestmark = pytest.mark.anyio
ASSETS = "/assets/{name}"
"""Files of the page, which no program asks for."""


async def test_each_route_has_its_row() -> None:
    async with gateway({"panel": three()}) as site, site.client() as web:
        app = create_app(site.state, Gate(Options()))
        routes = {
            (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
            for rule in app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }
        told = (await web.get("/openapi.json")).json()
    rows = {(operation.method, operation.path) for operation in OPERATIONS}
    assert rows == {route for route in routes if route[1] != ASSETS}
    assert told == document()


def test_references_lead_somewhere() -> None:
    told = document()
    known = told["components"]["schemas"]
    for name, schema in known.items():
        for reference in references(schema):
            assert reference.rpartition("/")[2] in known, name


def references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [found for item in schema for found in references(item)]
    if not isinstance(schema, dict):
        return []
    own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
    return own + [found for value in schema.values() for found in references(value)]
