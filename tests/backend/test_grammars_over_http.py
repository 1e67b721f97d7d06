"""Grammars and schemas in requests, to a server with an untrained model."""

from __future__ import annotations

import json

import httpx
import jsonschema
import pytest

from tests.backend.serving import ask, health

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 12},
        "people": {"type": "integer", "minimum": 0, "maximum": 40_000_000},
        "coast": {"type": "boolean"},
    },
    "required": ["city", "people", "coast"],
    "additionalProperties": False,
}


def form(schema: object) -> dict[str, object]:
    return {"type": "json_schema", "json_schema": {"name": "form", "schema": schema}}


async def test_an_untrained_model_answers_in_form(web: httpx.AsyncClient) -> None:
    body = ask("Which city?", response_format=form(SCHEMA), max_tokens=500, n=3)
    answer = (await web.post(CHAT, json=body)).json()
    for choice in answer["choices"]:
        assert choice["finish_reason"] == "stop"
        jsonschema.validate(json.loads(choice["message"]["content"]), SCHEMA)


async def test_a_grammar_of_the_client_holds(web: httpx.AsyncClient) -> None:
    body = ask(
        "Well?", grammar='root ::= "yes" | "no"', max_tokens=50, logprobs=True, top_logprobs=3
    )
    choice = (await web.post(CHAT, json=body)).json()["choices"][0]
    assert choice["message"]["content"] in ("yes", "no")
    told = choice["logprobs"]["content"]
    assert "".join(token["token"] for token in told) == choice["message"]["content"]
    assert all(len(token["top_logprobs"]) == 3 for token in told)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"grammar": "root ::= ("}, "line 1, column 11"),
        ({"grammar": "root ::= root"}, "begin with itself"),
        ({"grammar": 'root ::= ((("a"?){0,999}){0,999}){0,999} "c"'}, ""),
        ({"response_format": form({"not": {}})}, "/not"),
    ],
)
async def test_what_cannot_be_had_is_the_clients_fault(
    web: httpx.AsyncClient, fields: dict[str, object], told: str
) -> None:
    response = await web.post(CHAT, json=ask(max_tokens=50, **fields))
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert told in error["message"]
    assert (await health(web))["restarts"] == 0
