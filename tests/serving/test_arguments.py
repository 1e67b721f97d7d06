"""The command line of any server."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from serving.accounts import Rates
from serving.arguments import add_serving_arguments, read_serving_options
from serving.errors import OptionError
from serving.options import Options


def read(*arguments: str, **environment: str) -> Options:
    parser = argparse.ArgumentParser()
    add_serving_arguments(parser, "KEYS")
    return read_serving_options(parser.parse_args(arguments), environment, "KEYS")


def test_the_defaults_let_everybody_in() -> None:
    assert read() == Options()


def test_all_of_it() -> None:
    options = read(
        *("--api-key", "ann:secret-of-ann", "--api-key", "secret-2", "--max-body", "64k"),
        *("--requests-per-minute", "60", "--tokens-per-minute", "1000", "--drain", "0"),
        *("--cors-origin", "https://a.example", "--cors-origin", "*", "--allow-host", "Box.lan"),
        *("--request-timeout", "1.5", "--open-metrics", "--access-log", "json", "--log-prompts"),
        KEYS=" secret-3 ,bob:secret-of-bob,, ",
    )
    assert [key.name for key in options.keys] == ["ann", "key2", "key3", "bob"]
    assert options.rates == Rates(60, 1000)
    assert options.origins == {"https://a.example", "*"}
    assert options.hosts == {"box.lan"}
    assert (options.max_body, options.drain, options.request_timeout) == (65536, 0, 1.5)
    assert (options.open_metrics, options.access_log, options.log_prompts) == (True, "json", True)


def test_keys_are_taken_out_of_the_environment() -> None:
    parser = argparse.ArgumentParser()
    add_serving_arguments(parser, "KEYS")
    environment = {"KEYS": "secret-of-ann", "HOME": "/"}
    read_serving_options(parser.parse_args([]), environment, "KEYS")
    assert environment == {"HOME": "/"}


def test_access_log_alone_is_for_people() -> None:
    assert read("--access-log").access_log == "plain"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--log-prompts"], "--log-prompts needs --access-log"),
        (["--requests-per-minute", "-1"], "--requests-per-minute must be between"),
        (["--tokens-per-minute", "9999999999"], "--tokens-per-minute must be between"),
        (["--drain", "nan"], "--drain must be between"),
        (["--request-timeout", "-1"], "--request-timeout must be between"),
        (["--max-body", "0"], "--max-body must be bytes"),
        (["--max-body", "8X"], "--max-body must be bytes"),
        (["--cors-origin", "example.org"], "--cors-origin 'example.org'"),
        (["--api-key", "short"], "--api-key, key 1: a key has at least"),
        (["--api-key", "a:secret-1", "--api-key", "a:secret-2"], "two API keys"),
        (["--api-keys-file", "/no/such/file"], "/no/such/file: No such file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_impossible_is_refused_by_name(arguments: list[str], told: str) -> None:
    with pytest.raises(OptionError, match=told):
        read(*arguments)


def test_a_key_in_the_environment_that_is_malformed_is_not_shown() -> None:
    with pytest.raises(OptionError, match="KEYS, key 2: ") as refused:
        read(KEYS="secret-of-ann,s3cr3t")
    assert "s3cr3t" not in str(refused.value)


def test_a_file_of_keys_is_read_at_once(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("ann: secret-of-ann")
    file.chmod(0o644)
    with pytest.raises(OptionError, match="chmod 600"):
        read("--api-keys-file", str(file))
    file.chmod(0o600)
    options = read("--api-keys-file", str(file))
    assert len(options.load_keys()) == 1
