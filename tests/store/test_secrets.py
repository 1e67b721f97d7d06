"""Nothing secret reaches the file: its bytes are searched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import council
from council.messages import ChatMessage, ChatRequest
from council.store.canonical import fingerprint, request_text
from council.store.secrets import HIDDEN, Scrubber, without_secrets
from council.store.store import Store
from council.testing import plain_reply, raw_server, whole_reply

pytestmark = pytest.mark.anyio

KEY, HEADER, BODY, PASSWORD, QUERY = (
    "key-7d1f9a2b3c", "header-8e2a0b3c4d", "body-9f3b1c4d5e", "pass-0a4c2d5e6f", "query-1b5d3e6f7a",
)  # fmt: skip
SECRETS = (KEY, HEADER, BODY, PASSWORD, QUERY)


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


def panel(url: str) -> dict[str, Any]:
    expert = {
        "model": "m",
        "endpoint": f"{url}/v1?api-key={QUERY}",
        "api_key": KEY,
        # The server answers as a proxy too.
        "proxy": url.replace("http://", f"http://me:{PASSWORD}@"),
        "headers": {"X-Auth-Token": HEADER, "X-Title": "a title"},
        "extra_body": {"user": "someone", "nested": {"secret": BODY}},
    }
    return {"experts": [expert, {"model": "m2", "endpoint": url, "api_key": KEY}]}


async def test_no_secret_is_in_the_file_though_a_server_repeats_them(tmp_path: Path) -> None:
    echo = json.dumps({"error": {"message": f"bad key {', '.join(SECRETS)}"}})
    text = f"I was sent {' and '.join(SECRETS)}."
    async with raw_server(plain_reply("401 Unauthorized", echo), whole_reply(text)) as server:
        store = Store(tmp_path / "runs.sqlite3")
        await council.ask("?", panel=panel(server.url), strategy="first", store=store)
        # While the store is open its log is there too.
        assert len(store.replies("last")) == len(server.requests) == 2
        assert any(KEY in request.headers["authorization"] for request in server.requests)
        assert any("proxy-authorization" in request.headers for request in server.requests)
        kept = everything_in(tmp_path)
        store.close()
    kept += everything_in(tmp_path)
    for secret in SECRETS:
        assert secret.encode() not in kept
    # What is no secret is there, so the search above had something to search.
    for other in ("I was sent (secret) and (secret)", "someone", "bad key"):
        assert other.encode() in kept


async def test_the_environments_values_in_a_body_are_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_SETTING", "from-the-environment")
    async with raw_server(whole_reply("yes")) as server:
        expert = {"model": "m", "endpoint": server.url, "extra_body": {"a": "from-the-environment"}}
        with Store(tmp_path / "runs.sqlite3") as store:
            await council.ask("?", panel={"experts": [expert]}, store=store)
            assert server.requests[0].json["a"] == "from-the-environment"
            assert json.loads(store.requests("last")[0].body)["extra"] == {"a": HIDDEN}
    assert b"from-the-environment" not in everything_in(tmp_path)


def test_a_key_that_changes_changes_no_fingerprint() -> None:
    def mark(**extra: Any) -> str:
        return fingerprint(request_text(ChatRequest("m", (ChatMessage("user", "?"),), extra=extra)))

    assert mark(api_key="one") == mark(api_key="another")
    assert mark(user="one") != mark(user="another")


@pytest.mark.parametrize(
    ("value", "public"),
    [
        ({"api_key": "x", "apiKey": "y"}, {"api_key": HIDDEN, "apiKey": HIDDEN}),
        ({"auth": {"token": "x"}}, {"auth": {"token": HIDDEN}}),
        ({"max_tokens": 5, "n": 2, "token": 7}, {"max_tokens": 5, "n": 2, "token": 7}),
        (["Bearer abcdefgh", "sk-abcdefgh"], [HIDDEN, HIDDEN]),
        ("https://me:pw@h.example/p?key=v&b=", f"https://h.example/p?key={HIDDEN}&b={HIDDEN}"),
        ("plain words", "plain words"),
        ("http://[broken", HIDDEN),
    ],
)
def test_what_looks_like_a_secret_is_hidden(value: object, public: object) -> None:
    assert without_secrets(value) == public


PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("key is sk-abcdefghijklmnopqrstuvwx1234567890, ok", "key is (secret), ok"),
        ("api_key: zzzzzzzzzzzz1", "api_key: (secret)"),
        ("export OPENAI_API_KEY=zzzzzzzzzzzz", "export OPENAI_API_KEY=(secret)"),
        ("DB_PASSWORD='hunter2hunter'", "DB_PASSWORD='(secret)'"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7", "aws_secret_access_key = (secret)"),
        ("-H 'Authorization: Bearer abcdef.123'", "-H 'Authorization: Bearer (secret)'"),
        (f"a ghp_{'a1' * 18}.", "a (secret)."),
        (f"a\\nghp_{'a1' * 18}.", "a\\n(secret)."),
        ("id AKIAIOSFODNN7EXAMPLE end", "id (secret) end"),
        ("slack=xoxb-123456789012-abcdefABCDEF", "slack=(secret)"),
        (f"AIza{'Sy_-x' * 7} end", "(secret) end"),
        (f"before\n{PEM}\nafter", "before\n(secret)\nafter"),
        (json.dumps(PEM), '"(secret)"'),
        (PEM[:40], "(secret)"),
        ("https://h.example/ sk-abcdefgh1234", "https://h.example/ (secret)"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_within_a_text(text: str, public: str) -> None:
    assert without_secrets(text) == public
    assert without_secrets({"rows": [text]}) == {"rows": [public]}


@pytest.mark.parametrize(
    "text",
    [
        "a risk-averse task-oriented desk-bound clerk",
        "password: required; unexpected token: identifier",
        "max_tokens: 4096, hf_hub and AKIA",
    ],
)
def test_words_are_no_secrets(text: str) -> None:
    assert without_secrets(text) == text


def test_secrets_are_found_in_json_as_json_writes_them() -> None:
    secret = 'quote"back\\slash é'
    scrub = Scrubber((secret,))
    for ascii_only in (True, False):
        line = json.dumps({"text": f"before {secret} after"}, ensure_ascii=ascii_only)
        assert json.loads(scrub(line)) == {"text": f"before {HIDDEN} after"}
