"""Panel files: what is read, and what a mistake is answered with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest
import yaml

import council
from council.config import PanelConfig, json_schema, load_config, parse_config
from council.config.schema import letters
from council.errors import ConfigError

ROOT = Path(__file__).parents[2]
MINIMAL = "experts:\n  - model: m\n    endpoint: http://h\n"


def write(folder: Path, text: str) -> Path:
    file = folder / "panel.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def load(folder: Path, text: str) -> PanelConfig:
    return load_config(write(folder, text))[0]


def error(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    return str(caught.value).removeprefix(f"{folder / 'panel.yaml'}:")


def test_the_whole_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_API_KEY", "sk-1")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "qwen.gguf").touch()
    config = load(
        tmp_path,
        """
experts:
  - id: ada
    model: gpt-4o-mini
    endpoint: https://api.example.com/v1
    api_key: ${EXAMPLE_API_KEY}
  - model: models/qwen.gguf
    persona: You check every step.
    samples: 3
    weight: 1
    family: qwen
    sampling: {temperature: 0.7, top_p: 0.9, max_tokens: 256, seed: 1, stop: ["\\n\\n"]}
    timeouts: {connect: 5, first_token: 1m, idle: 20s, total: 2m}
  - model: builtin:sage
strategy: {name: vote, extract: number}
synthesizer: {model: builtin:sage}
limits: {deadline: 120, quorum: 2, concurrency: 8}
backend: {ctx: 4096, parallel: 8, threads: 0, gpu_layers: -1, startup_timeout: 3m}
""",
    )
    ada, second, third = config.experts
    assert (ada.id, second.id, third.id) == ("ada", "B", "C")
    assert ada.api_key is not None
    assert ada.api_key.get_secret_value() == "sk-1"
    assert second.model == str(tmp_path / "models" / "qwen.gguf")
    assert third.model == "builtin:sage"
    assert second.timeouts.to_timeouts() == council.Timeouts(5, 60, 20, 120)
    assert second.sampling.to_sampling() == council.Sampling(
        temperature=0.7, top_p=0.9, max_tokens=256, seed=1, stop=("\n\n",)
    )
    assert (config.strategy.name, config.strategy.options) == ("vote", {"extract": "number"})
    assert len(config.synthesizer) == 1
    assert config.backend.startup_timeout == 180.0
    assert "sk-1" not in repr(config)


def test_what_is_left_out(tmp_path: Path) -> None:
    config = load(tmp_path, MINIMAL)
    assert config.strategy.name == "vote"
    assert config.synthesizer == []
    assert config.limits.quorum is None
    assert config.experts[0].sampling.to_sampling() == council.Sampling()


@pytest.mark.parametrize("form", ["a", "[a]", "[{model: m2, endpoint: http://h}, a]"])
def test_forms_of_a_synthesizer(tmp_path: Path, form: str) -> None:
    text = MINIMAL.replace("model: m", "id: a\n    model: m") + f"synthesizer: {form}\n"
    assert load(tmp_path, text).synthesizer[-1] == "a"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("expert: []\n", "1: expert: unknown key: did you mean 'experts'?"),
        ("experts: []\n", "1: experts: expected at least 1 entry, found an empty list"),
        ("strategy: vote\n", "1: experts: is missing"),
        ("experts:\n  - id: a\n", "2: experts[0].model: is missing"),
        (MINIMAL + "    modle: x\n", "4: experts[0].modle: unknown key: did you mean 'model'?"),
        (MINIMAL + "    model: n\n", "4: experts[0].model: the key stands twice (first: line 2)"),
        (MINIMAL + "    samples: many\n", "4: experts[0].samples: expected a whole number, f"),
        (MINIMAL + "    samples: '3'\n", "4: experts[0].samples: expected a whole number, "),
        (MINIMAL + "    samples: true\n", "4: experts[0].samples: expected a whole number, f"),
        (MINIMAL + "    samples: 0\n", "4: experts[0].samples: expected at least 1, found 0"),
        (MINIMAL + "    weight: -1\n", "4: experts[0].weight: expected more than 0, found -1"),
        (MINIMAL + "    weight: .inf\n", "4: experts[0].weight: expected a finite number, "),
        (MINIMAL + "    id: a b\n", "4: experts[0].id: expected letters, digits, `_`, "),
        (
            MINIMAL + "    sampling: {temprature: 1}\n",
            "4: experts[0].sampling.temprature: unknown key: did you mean 'temperature'?",
        ),
        (
            MINIMAL + "    sampling:\n      temperature: hot\n",
            "5: experts[0].sampling.temperature: expected a number, found text",
        ),
        (
            MINIMAL + "    timeouts: {idle: 20 sec}\n",
            "4: experts[0].timeouts.idle: expected seconds (30) or a duration like 30s",
        ),
        (MINIMAL + "    timeouts: {idle: 0}\n", "4: experts[0].timeouts.idle: expected more than"),
        (MINIMAL + "limits: {quorm: 2}\n", "4: limits.quorm: unknown key: did you mean 'quorum'?"),
        (MINIMAL + "backend: [1]\n", "4: backend: expected a mapping (key: value), found a list"),
        (MINIMAL + "synthesizer: b\n", "4: synthesizer: no expert is called 'b'"),
        (MINIMAL + "synthesizer: {modl: x}\n", "4: synthesizer.modl: unknown key: "),
        (MINIMAL + "strategy: 3\n", "4: strategy: expected a strategy's name or a mapping, "),
        ("experts:\n  - model: no/such.gguf\n", "2: experts[0].model: no model file at "),
        ("experts:\n  - model: m\n   bad: indent\n", "3: not valid YAML: "),
        ("experts: [\n", "2: not valid YAML: "),
        ("- a\n", " expected a mapping"),
        ("", " expected a mapping"),
        ("just text", " expected a mapping"),
        ("experts: &x [*x]\n", "1: experts[0]: an alias that contains itself"),
        ("? [a]\n: b\n", "1: a key has to be a plain word"),
        ("experts: !!bool maybe\n", "1: experts: unusable value 'maybe'"),
        ("experts: !!int ''\n", "1: experts: unusable value ''"),
        ("experts: !!timestamp foo\n", "1: experts: unusable value 'foo'"),
    ],
)  # fmt: skip
def test_mistakes_name_the_place_and_the_way_out(tmp_path: Path, text: str, message: str) -> None:
    assert error(tmp_path, text).startswith(message)


def test_a_null_id_is_none_given(tmp_path: Path) -> None:
    assert load(tmp_path, MINIMAL + "    id: null\n").experts[0].id == "A"


def test_durations_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECONDS", "30")
    config = load(tmp_path, MINIMAL + 'limits: {deadline: "${SECONDS}"}\n')
    assert config.limits.deadline == 30.0


def test_two_experts_of_one_name(tmp_path: Path) -> None:
    expert = "  - {id: a, model: m, endpoint: http://h}\n"
    message = error(tmp_path, f"experts:\n{expert}{expert}")
    assert message == "3: experts[1].id: two experts are called 'a'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINIMAL + "    kind: opnai\n", "4: experts[0].kind: unknown kind 'opnai'"),
        (MINIMAL + "strategy: vot\n", "4: strategy: unknown strategy 'vot': did you mean 'vote'?"),
        (
            MINIMAL + "strategy: {name: vote, extrct: number}\n",
            "4: strategy.extrct: unknown key: did you mean 'extract'?",
        ),
        (MINIMAL + "strategy: {name: vote, extract: 3}\n", "4: strategy.extract: "),
        (
            MINIMAL + "strategy: {name: first, hedge_after: soon}\n",
            "4: strategy.hedge_after: expected seconds",
        ),
        (MINIMAL + "limits: {quorum: 2}\n", "4: limits.quorum: 2 is more than the 1 experts"),
        ("experts: [{kind: openai, model: m}]\n", "1: experts[0].kind: this kind of agent needs"),
        (MINIMAL.replace("http://h", "h:80"), "3: experts[0].endpoint: the endpoint is not"),
    ],
)
def test_mistakes_that_show_when_the_panel_is_put_together(
    tmp_path: Path, text: str, message: str
) -> None:
    async def ask() -> None:
        await council.ask("?", panel=write(tmp_path, text))

    with pytest.raises(ConfigError) as caught:
        anyio.run(ask)
    assert str(caught.value).removeprefix(f"{tmp_path / 'panel.yaml'}:").startswith(message)


def test_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SET", "value")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("UNSET", raising=False)
    text = MINIMAL.replace("model: m", "model: a-${SET}-${UNSET:-x}-${EMPTY:-}-$$-$SET-$${SET}")
    assert load(tmp_path, text).experts[0].model == "a-value-x--$-$SET-${SET}"


@pytest.mark.parametrize("name", ["UNSET", "EMPTY"])
def test_a_missing_variable_names_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("UNSET", raising=False)
    message = error(tmp_path, MINIMAL + f"    api_key: ${{{name}}}\n")
    assert message.startswith(
        f"4: experts[0].api_key: the environment variable {name} is not set or empty: export it"
    )


def test_secrets_are_not_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "sk-verysecret")
    text = MINIMAL + "    api_key: [${KEY}]\n"
    assert "verysecret" not in error(tmp_path, text)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: No such file"):
        load_config(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match="directory"):
        load_config(tmp_path)
    binary = tmp_path / "panel.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(binary)


def test_plain_values_are_checked_alike() -> None:
    config, _ = parse_config({"experts": [{"model": "m", "endpoint": "http://h"}]})
    assert config.experts[0].id == "A"
    with pytest.raises(ConfigError, match=r"<panel>: experts\[0\]\.modl: unknown key"):
        parse_config({"experts": [{"modl": "m", "model": "m", "endpoint": "http://h"}]})


def test_names_in_order() -> None:
    names = [letters(i) for i in (0, 1, 25, 26, 51, 52, 702)]
    assert names == ["A", "B", "Z", "AA", "AZ", "BA", "AAA"]


def test_the_schema_for_editors() -> None:
    schema = json.loads(json.dumps(json_schema()))
    assert schema["required"] == ["experts"]
    keys = {"experts", "strategy", "synthesizer", "embedder", "limits", "backend"}
    assert set(schema["properties"]) == keys | {"answer_schema"}
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("config", sorted(ROOT.glob("configs/*.yaml")), ids=lambda path: path.stem)
def test_editors_take_every_panel(config: Path) -> None:
    jsonschema.validate(yaml.safe_load(config.read_text()), json_schema())


def test_editors_take_every_form_and_no_mistake() -> None:
    expert = {
        "model": "m",
        "sampling": {"stop": "x"},
        "timeouts": {"idle": "20s", "total": 60},
    }
    panel: dict[str, Any] = {
        "experts": [expert],
        "strategy": {"name": "vote", "extract": "number"},
        "synthesizer": ["A", {"model": "m"}],
    }
    jsonschema.validate(panel, json_schema())
    jsonschema.validate({**panel, "synthesizer": "A", "strategy": "vote"}, json_schema())
    mistakes: list[dict[str, Any]] = [{"expert": []}, {**panel, "limits": {"quorm": 2}}]
    for mistake in mistakes:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(mistake, json_schema())
