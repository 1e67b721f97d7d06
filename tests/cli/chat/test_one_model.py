"""`council chat` with one model of this machine or of a server, without a panel file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from council.cli.chat.one_model import OneModel
from council.config import parse_config
from council.errors import ConfigError
from council.testing import RawServer, plain_reply, raw_server, unused_port, whole_reply
from tests.support.chats import ChatFolder, asked

pytestmark = pytest.mark.anyio

BUILTIN = Path(__file__).parents[3] / "backend" / "builtin"


def listing(*names: str) -> list[bytes]:
    """What a server says of its models."""
    (reply, *_) = plain_reply("200 OK", json.dumps({"data": [{"id": name} for name in names]}))
    assert isinstance(reply, bytes)
    return [reply]


@pytest.fixture
def home(tmp_path: Path) -> ChatFolder:
    return ChatFolder(tmp_path)


async def test_one_message_to_a_built_in_model(home: ChatFolder) -> None:
    done = await home.piped("", "--model", "builtin:abacus", "What is 17 + 25?")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "17 + 25 = 42.\n"
    assert home.store.run("last").strategy == "first"


async def test_one_message_to_a_server_with_a_key(
    home: ChatFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THEIR_KEY", "sk-secret-123456")
    async with raw_server(listing("llama"), whole_reply("hello")) as server:
        arguments = ("--url", server.url, "--api-key-env", "THEIR_KEY", "--system", "Be brief.")
        done = await home.piped("a diff", *arguments, "Review this:", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")
    assert [request.line.split()[1] for request in server.requests] == [
        "/v1/models",
        "/v1/chat/completions",
    ]
    keys = {request.headers["authorization"] for request in server.requests}
    assert keys == {"Bearer sk-secret-123456"}
    assert server.requests[1].json["model"] == "llama"
    assert asked_of_chat(server) == ["Be brief.", "Review this:\n\na diff"]
    assert b"sk-secret-123456" not in (home.folder / "runs.sqlite3").read_bytes()


def asked_of_chat(server: RawServer) -> list[str]:
    """The messages of the last request."""
    return [message["content"] for message in server.requests[-1].json["messages"]]


async def test_a_failure_has_its_exit_code(home: ChatFolder) -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    done = await home.piped("", "--url", url, "--model", "m", "Anybody?", "--deadline", "20s")
    assert (done.returncode, done.stdout) == (3, "")
    assert "could not connect" in done.stderr


async def test_a_model_that_is_named_is_asked_without_a_list(home: ChatFolder) -> None:
    async with raw_server(whole_reply("one"), whole_reply("two")) as server:
        done = await home.piped("a?\nb?\n", "--url", server.url, "--model", "llama3.2:3b")
    assert (done.returncode, done.stdout) == (0, "one\ntwo\n")
    assert asked(server) == [["a?"], ["a?", "one", "b?"]]
    assert "llama3.2-3b | one" in done.stderr


@pytest.mark.parametrize(
    ("model", "seat"),
    [
        ("gpt-4o", "gpt-4o"),
        ("Qwen/Qwen3:8b", "Qwen3-8b"),
        ("synthesizer", "model"),
        ("☃", "model"),
        ("/", "model"),
    ],
    ids=["plain", "folder", "reserved", "symbol", "nothing"],
)
async def test_the_seat_is_called_like_the_model(model: str, seat: str) -> None:
    config, _ = parse_config(await OneModel(model, "http://localhost:1").panel())
    assert [expert.id for expert in config.experts] == [seat]
    assert config.experts[0].model == model


async def test_a_file_of_this_machine() -> None:
    file = str(BUILTIN / "sage.gguf")
    config, _ = parse_config(await OneModel(file).panel())
    assert (config.experts[0].id, config.experts[0].model) == ("sage", file)


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (OneModel("builtin:abacuss"), "did you mean 'builtin:abacus'?"),
        (OneModel("nowhere.gguf"), "--model: no model file at nowhere.gguf"),
        (OneModel(__file__), "is not a GGUF file"),
        (OneModel("llama3.2"), "for a server's model --url names the server"),
        (OneModel("builtin:sage", None, "KEY"), "--api-key-env: the key is for a server"),
        (OneModel(None, None, "KEY"), "--api-key-env"),
        (OneModel(None, "http://h", "NO_SUCH_KEY"), "NO_SUCH_KEY is not set or empty"),
        (OneModel(None, "localhost:8080"), "--url: the endpoint is not an http(s) URL"),
    ],
    ids=["builtin", "file", "content", "name", "key", "nobody", "variable", "url"],
)
async def test_what_is_wrong_is_told_by_its_option(one: OneModel, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        await one.panel()
    assert message in str(raised.value)


async def test_a_server_with_several_models_or_none() -> None:
    many = [f"m{number}" for number in range(40)]
    async with raw_server(listing(*many)) as server:
        with pytest.raises(ConfigError, match=r"--model chooses one \(known: m0, .*and 28 more\)"):
            await OneModel(None, server.url).panel()
    async with raw_server(plain_reply("404 Not Found", "")) as server:
        with pytest.raises(ConfigError, match="--model says which to ask"):
            await OneModel(None, server.url).panel()


async def test_a_wrong_url_with_a_model_is_told_by_its_option(home: ChatFolder) -> None:
    done = await home.piped("", "--url", "localhost:8080", "--model", "m", "?")
    assert (done.returncode, done.stdout) == (2, "")
    assert "council: error: --url: the endpoint is not an http(s) URL" in done.stderr


async def test_a_server_that_is_not_there_is_told_so() -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    with pytest.raises(ConfigError) as raised:
        await OneModel(None, url).panel()
    assert str(raised.value).startswith(f"--url: could not connect to {url}")
    assert "--model" not in str(raised.value)
