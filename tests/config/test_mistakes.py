"""What somebody who writes a first panel file gets wrong, and what that is answered with."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml
from pydantic import BaseModel

from council.assemble import build_strategy, check_panel
from council.config import PanelConfig, parse_config
from council.config.document import Document
from council.config.hints import keys, models_in
from council.config.model_files import builtin_names
from council.errors import ConfigError
from council.strategies import STRATEGIES

MINIMAL = "experts:\n  - model: m\n    endpoint: http://h\n"


def mistakes(folder: Path, text: str) -> list[str]:
    """What is wrong with a panel file, each without the file's name."""
    file = folder / "panel.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        anyio.run(check_panel, file)
    return [line.removeprefix(f"{file}:") for line in str(caught.value).splitlines()]


def test_all_mistakes_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNSET", raising=False)
    text = """
experts:
  - {id: ada, modle: m, endpoint: "http://h"}
  - {id: ada, model: m, endpoint: "h:80", kind: openai}
  - {model: m, endpoint: "http://h", kind: opnai, api_key: "${UNSET}"}
  - {model: m, endpoint: "http://h", samples: 0}
  - three
  - {model: no/such.gguf}
  - {model: "builtin:abacuss"}
strategy: {name: vote, extrct: number}
synthesizer: [adda, {model: m, endpoint: "h:80"}]
limits: {quorum: 9}
deadlin: 3
"""
    told = mistakes(tmp_path, text)
    assert [line.partition(": ")[::2] for line in told] == [
        ("3", "experts[0].modle: unknown key: did you mean 'model'?"),
        ("4", "experts[1].id: two experts are called 'ada'"),
        ("4", "experts[1].endpoint: the endpoint is not an http(s) URL: write e.g."
              " http://localhost:11434/v1"),
        ("5", "experts[2].api_key: the environment variable UNSET is not set or empty: export it,"
              " keep it with `council keys set UNSET`, or write ${UNSET:-default}"),
        ("5", "experts[2].kind: unknown kind 'opnai': did you mean 'openai'?"),
        ("6", "experts[3].samples: expected at least 1, found 0"),
        ("7", "experts[4]: expected a mapping (key: value), found text"),
        ("8", f"experts[5].model: no model file at {tmp_path}/no/such.gguf: without `endpoint` a"
              " model is a GGUF file or builtin:NAME"),
        ("9", "experts[6].model: there is no built-in model 'builtin:abacuss': did you mean"
              " 'builtin:abacus'?"),
        ("10", "strategy.extrct: unknown key: did you mean 'extract'?"),
        ("11", "synthesizer[0]: no expert is called 'adda': did you mean 'ada'?"),
        ("11", "synthesizer[1].endpoint: the endpoint is not an http(s) URL: write e.g."
               " http://localhost:11434/v1"),
        ("12", "limits.quorum: 9 is more than the 7 experts there are (default here: 4)"),
        ("13", "deadlin: unknown key: did you mean 'limits.deadline'?"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("    temperature: 1", "sampling.temperature"),
        ("    temprature: 1", "sampling.temperature"),
        ("    max_completion_tokens: 9", "sampling.max_tokens"),
        ("    timeout: 1", "timeouts.total"),
        ("    first_token: 1", "timeouts.first_token"),
        ("    base_url: http://h", "endpoint"),
        ("    url: http://h", "endpoint"),
        ("    api_base: http://h", "endpoint"),
        ("    system: x", "persona"),
        ("    system_prompt: x", "persona"),
        ("    prompt: x", "persona"),
        ("    role: x", "persona"),
        ("    name: ada", "id"),
        ("    quorum: 1", "limits.quorum"),
        ("    ctx: 1", "backend.ctx"),
        ("    sampling: {persona: x}", "experts[0].persona"),
        ("    sampling: {total: 3}", "experts[0].timeouts.total"),
        ("models: []", "experts"),
        ("deadline: 3", "limits.deadline"),
        ("timeout: 3", "limits.deadline"),
        ("temperature: 1", "experts[…].sampling.temperature"),
        ("persona: x", "experts[…].persona"),
        ("judge: A", "synthesizer"),
        ("extract: number", "strategy.extract"),
        ("synthesizer: {model: m, endpoint: 'http://h', timeout: 3}", "timeouts.total"),
        ("synthesizer: {model: m, endpoint: 'http://h', persona: x}", "experts[…].persona"),
        ("limits: {timeout: 3}", "deadline"),
        ("backend: {n_ctx: 3}", "ctx"),
        ("strategy: {name: vote, quorum: 1}", "limits.quorum"),
    ],
)  # fmt: skip
def test_a_key_of_another_level_is_named_in_full(tmp_path: Path, line: str, hint: str) -> None:
    (told,) = mistakes(tmp_path, f"{MINIMAL}{line}\n")
    assert told.endswith(f": unknown key: did you mean {hint!r}?")


def test_hints_name_keys_there_are() -> None:
    from council.config import hints

    known = {*keys(PanelConfig), ("strategy", "extract")}
    for level, names in hints._OTHER_NAMES.items():
        for name, key in names.items():
            assert (*level, *key.split(".")) in known
            assert (*level, name) not in known


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("id: 3", "expected text, found a number: write it in quotes"),
        ("id: no", "expected text, found true or false, as YAML reads yes, no, on and off: write"),
        ("id: 2026-01-01", "expected text, found a date: write it in quotes"),
        ("persona:", "expected text, found nothing: write a value, or leave the key out"),
        ("samples: 1.5", "expected a whole number, found a decimal number"),
        ("weight: '2'", "expected a number, found text: a number stands without quotes, and"),
        ("weight: 1e308", "expected a number, found text: YAML wants a power of ten with a point"),
        ("retries: 21", "expected at most 20, found 21"),
        ("headers: [a]", "expected a mapping (key: value), found a list"),
        ("family: ''", "expected text that is not empty, found empty text"),
        ("trust_env: 1", "expected true or false, found a number"),
    ],
)  # fmt: skip
def test_what_was_expected_and_what_was_found(tmp_path: Path, line: str, told: str) -> None:
    (message,) = mistakes(tmp_path, f"{MINIMAL}    {line}\n")
    assert message.startswith(f"4: experts[0].{line.partition(':')[0]}: {told}")


SECRET = ("api_key", "headers", "proxy", "extra_body")
PYDANTIC = (
    "input should", "should be", "should have", "should match", "valid ", "validation", "pydantic",
    "value error", "extra inputs", "field required", "unable to", "another value",
)  # fmt: skip
WRONG: list[Any] = [
    None, True, -1, 0, 3, 1e99, 2.5, float("inf"), float("nan"), 10**30, "", " ", "sk-secret", [],
    ["sk-secret"], [None], [3], [{}], {}, {"sk-secret": "sk-secret"}, {"a": 3}, {"a": None},
    {3: 4}, datetime.date(2026, 1, 1), b"sk-secret",
]  # fmt: skip


def walk(model: type[BaseModel]) -> list[tuple[str, ...]]:
    return [("experts",), *(key for key in keys(model) if key != ("experts",))]


def panel_with(key: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A panel that is right but for one value."""
    expert: dict[str, Any] = {"model": "m", "endpoint": "http://h"}
    panel: dict[str, Any] = {"experts": [expert]}
    if key[0] == "synthesizer" and len(key) > 1:
        panel["synthesizer"] = dict(expert)
    place: Any = panel
    for part in key[:-1]:
        place = place.setdefault(part, {})
        place = place[0] if isinstance(place, list) else place
    place[key[-1]] = value
    return panel


def complaint(panel: dict[str, Any]) -> str:
    """What is wrong with a panel; empty where nothing is."""
    try:
        parse_config(panel)
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("key", walk(PanelConfig), ids=".".join)
def test_no_key_answers_in_the_words_of_a_library(key: tuple[str, ...]) -> None:
    told = [complaint(panel_with(key, value)) for value in WRONG]
    # Whatever the key takes, it does not take all of these.
    assert any(told) or key[-1] in ("extra_body", "persona")
    for text in told:
        assert not [phrase for phrase in PYDANTIC if phrase in text.lower()], text
        assert key[-1] not in SECRET or "sk-secret" not in text.replace("headers.sk-secret", "")


@pytest.mark.parametrize("name", STRATEGIES)
def test_no_option_answers_in_the_words_of_a_library(name: str) -> None:
    for option in STRATEGIES[name].model_fields:
        for value in WRONG:
            text = ""
            try:
                build_strategy(name, {option: value}, Document("<strategy>", {}, {}))
            except ConfigError as error:
                text = str(error)
            assert not [phrase for phrase in PYDANTIC if phrase in text.lower()], text


def test_models_are_found_at_any_depth() -> None:
    assert list(models_in(dict[str, list[PanelConfig] | None])) == [PanelConfig]


@pytest.mark.parametrize(
    ("line", "key", "told"),
    [
        ("api_key: ''", "api_key", "the key is empty"),
        ("api_key: 'Bearer sk-verysecret'", "api_key", "the key has the word `Bearer` before it"),
        ("api_key: 'sk-very secret'", "api_key", "the key has a space inside"),
        ('api_key: "sk-very\\nsecret"', "api_key", "the key goes over several lines"),
        ("api_key: sk-verysecrét", "api_key", "the key has characters other than ASCII"),
        ('api_key: "sk-very\\0secret"', "api_key", "the key has control characters"),
        ("headers: {X-Key: verysecrét}", "headers.X-Key", "the value has characters other"),
        ('headers: {X-Key: "very\\nsecret"}', "headers.X-Key", "the value goes over several"),
        ("headers: {X Key: verysecret}", "headers.X Key", "no HTTP header can have this name"),
    ],
)
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_credentials_are_blamed_under_their_own_key(
    tmp_path: Path, line: str, key: str, told: str, kind: str
) -> None:
    (message,) = mistakes(tmp_path, f"{MINIMAL}    kind: {kind}\n    {line}\n")
    assert message.startswith(f"5: experts[0].{key}: {told}")
    assert "secr" not in message


def test_credentials_with_white_space_around_them_are_fine() -> None:
    entry = {"model": "m", "endpoint": "http://h", "api_key": " sk-1\n", "headers": {"X-A": "b c"}}
    assert complaint({"experts": [entry]}) == ""


def test_model_files_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "empty.gguf").touch()
    (tmp_path / "page.gguf").write_text("<html>")
    (tmp_path / "good.gguf").write_bytes(b"GGUF\x03\x00\x00\x00")
    names = ("empty.gguf", "page.gguf", "good.gguf", ".", "none.gguf")
    text = yaml.safe_dump({"experts": [{"model": name} for name in names]})
    told = mistakes(tmp_path, text)
    assert [line.partition(": ")[2] for line in told] == [
        f"experts[0].model: {tmp_path}/empty.gguf is empty: fetch the model again",
        f"experts[1].model: {tmp_path}/page.gguf is not a GGUF file: convert it, or name another"
        " one",
        f"experts[3].model: {tmp_path} is a folder: name the GGUF file in it",
        f"experts[4].model: no model file at {tmp_path}/none.gguf: without `endpoint` a model is a"
        " GGUF file or builtin:NAME",
    ]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read every file")
def test_a_model_file_that_may_not_be_read(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    model.touch(mode=0)
    (told,) = mistakes(tmp_path, "experts: [{model: model.gguf}]")
    assert told.endswith("cannot be read: Permission denied")


def test_the_built_in_models_are_those_of_the_backend() -> None:
    folder = Path(__file__).parents[2] / "backend" / "builtin"
    assert builtin_names() == sorted(file.stem for file in folder.glob("*.gguf"))


def test_what_no_panel_can_be_is_refused_at_once(tmp_path: Path) -> None:
    """A few lines that would take all memory, or all of the stack."""
    levels = "".join(f"x{i + 1}: &x{i + 1} [{', '.join([f'*x{i}'] * 9)}]\n" for i in range(9))
    (told,) = mistakes(tmp_path, f"x0: &x0 [1]\n{levels}")
    assert told.endswith("not a panel: more than 100000 values")
    for text in ("[" * 5000, "a: " + "{b: " * 3000):
        (told,) = mistakes(tmp_path, text)
        assert told.endswith("not a panel: values stand too deep in each other")


def test_keys_of_a_connection_where_nothing_connects(tmp_path: Path) -> None:
    text = """
experts:
  - model: builtin:sage
    api_key: sk-1234567
    headers: {X-Team: red}
    proxy: http://localhost:3128
    verify: false
    trust_env: false
    retries: 1
    rate: {requests: 3}
"""
    idle = ("api_key", "headers", "proxy", "verify", "trust_env", "retries", "rate")
    reason = "is for an `endpoint`, and this entry has none: its model is served here"
    assert mistakes(tmp_path, text) == [
        f"{line}: experts[0].{key}: {reason}" for line, key in enumerate(idle, start=4)
    ]
