"""Grammars and schemas in requests, to a server with an untrained model."""

from __future__ import annotations

import json

import httpx
import jsonschema
import pytest

from backend.api.plans import Ask, form_field, naming
from backend.chat.wanted import Wanted
from backend.engine.sampling import Sampling
from backend.errors import InvalidRequest
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


def tools(count: int) -> list[object]:
    """Tools of a thousand characters each, and of sixty times as many in the grammar."""
    names = [f"k{number}" * 8 for number in range(30)]
    schema = {"type": "object", "properties": dict.fromkeys(names, True)}
    described = [
        {"name": f"note{number}", "parameters": {**schema, "additionalProperties": True}}
        for number in range(count)
    ]
    return [{"type": "function", "function": function} for function in described]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": tools(5), "tool_choice": "required"}, "tools"),
        ({"tools": tools(5), "response_format": form(SCHEMA)}, "tools"),
        ({"grammar": 'root ::= "a"{1000000}'}, "grammar"),
    ],
    ids=["tools", "tools and a form", "grammar"],
)
async def test_a_grammar_that_is_too_large_is_that_of_its_field(
    web: httpx.AsyncClient, fields: dict[str, object], param: str
) -> None:
    response = await web.post(CHAT, json=ask(max_tokens=5, **fields))
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert (error["param"], error["message"].startswith(f"{param}: ")) == (param, True)
    few = {**fields, "tools": tools(1)} if "tools" in fields else {"grammar": 'root ::= "a"{9}'}
    assert (await web.post(CHAT, json=ask(max_tokens=5, **few))).status_code == 200


@pytest.mark.parametrize(
    ("ask_for", "param"),
    [
        (Ask(Wanted([], schema={}), Sampling(), schema_field="text.format.schema"), "text.format"),
        (Ask(Wanted([], gbnf="g"), Sampling()), "grammar"),
        (Ask(Wanted([]), Sampling(), raw_prompt="x", raw_form_field="json_schema"), "json_schema"),
    ],
    ids=["schema", "grammar", "text"],
)
def test_a_refused_grammar_is_that_of_the_field_it_was_made_of(ask_for: Ask, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught, naming(form_field(ask_for)):
        raise InvalidRequest("grammar: line 1: too long.", param="grammar")
    assert (caught.value.param or "").startswith(param)
    assert caught.value.message.startswith(param)
    assert "line 1: too long." in caught.value.message
