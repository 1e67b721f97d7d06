"""Keys: written, read from a file, found without telling by time."""

from __future__ import annotations

import hmac
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.accounts import Rates
from serving.errors import OptionError
from serving.key_file import read_key_file
from serving.keys import (
    Key,
    Keys,
    collect_keys,
    digest_of,
    make_key,
    new_secret,
    parse_keys,
    sent_keys,
)

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SECRETS = [f"secret-number-{number}" for number in range(20)]


class Counting:
    """Compares digests, and counts how many and how long they were."""

    def __init__(self) -> None:
        self.compared: list[tuple[int, int]] = []

    def __call__(self, one: bytes, other: bytes) -> bool:
        self.compared.append((len(one), len(other)))
        return hmac.compare_digest(one, other)


@pytest.mark.parametrize(
    "given", [SECRETS[0], SECRETS[19], "wrong", "", "x" * 10_000, SECRETS[0][:-1], "schlüssel"]
)
def test_a_wrong_key_costs_what_a_right_one_costs(given: str) -> None:
    counting = Counting()
    keys = Keys([make_key(f"k{n}", secret, "") for n, secret in enumerate(SECRETS)], counting)
    found = keys.find([given])
    assert (found.name if found else None) == (
        f"k{SECRETS.index(given)}" if given in SECRETS else None
    )
    assert counting.compared == [(32, 32)] * 20


@PATIENT
@given(st.lists(st.sampled_from([*SECRETS, "wrong", "", "wronger"]), max_size=4))
def test_any_of_the_keys_given_will_do(given: list[str]) -> None:
    keys = Keys([make_key("a", SECRETS[3], ""), make_key("b", SECRETS[4], "")])
    assert (keys.find(given) is not None) == bool({SECRETS[3], SECRETS[4]} & set(given))


def test_a_key_is_not_kept() -> None:
    secret = new_secret()
    key = make_key("ann", secret, "")
    assert secret not in repr(key)
    assert secret.encode() not in key.digest
    assert key.digest == digest_of(secret)
    assert len({new_secret() for _ in range(100)}) == 100


def test_names_are_given_or_counted() -> None:
    keys = parse_keys(["ann:secret-1", "secret-2", " bob:secret-3 "], "--api-key")
    assert [key.name for key in keys] == ["ann", "key2", "bob"]
    assert keys[2].digest == digest_of("secret-3")
    (key,) = parse_keys(["secret-4"], "X", first=4)
    assert key.name == "key4"


def test_two_keys_of_a_name_are_refused() -> None:
    with pytest.raises(OptionError, match="two API keys have the name 'ann'"):
        Keys(parse_keys(["ann:secret-1", "ann:secret-2"], "--api-key"))


@pytest.mark.parametrize(
    "text",
    ["", "ann:", ":s3cr3t-s3cr3t", "a b:s3cr3t-s3cr3t", "s3cr3t", "s3cr3t s3cr3t", "s3cr3tö" * 2],
)
def test_a_malformed_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(OptionError, match="--api-key, key 1: ") as refused:
        parse_keys([text], "--api-key")
    assert "s3cr3t" not in str(refused.value)


def test_keys_of_a_variable_are_numbered_on_and_leave_the_environment() -> None:
    environment = {"KEYS": " secret-of-two, ,ann:secret-of-ann", "HOME": "/"}
    keys = collect_keys(["secret-of-one"], environment, "KEYS")
    assert [key.name for key in keys] == ["key1", "key2", "ann"]
    assert environment == {"HOME": "/"}


@pytest.mark.parametrize(
    ("authorization", "x_api_key", "found"),
    [
        ("", "", []),
        ("Bearer one", "", ["one"]),
        (" bearer  one ", " two ", ["one", "two"]),
        ("Basic one", "two", ["two"]),
        ("Bearer ", "", []),
    ],
)
def test_the_keys_of_a_request(authorization: str, x_api_key: str, found: list[str]) -> None:
    assert sent_keys(authorization, x_api_key) == found


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_file_of_keys(tmp_path: Path) -> None:
    text = """
    # who may ask
    ann: secret-of-ann
    bob:secret-of-bob requests-per-minute=5
    eve: secret-of-eve tokens-per-minute=0 requests-per-minute=7
    """
    keys = read_key_file(write(tmp_path / "keys", text), Rates(requests=1, tokens=2))
    assert keys == (
        Key("ann", digest_of("secret-of-ann"), None),
        Key("bob", digest_of("secret-of-bob"), Rates(requests=5, tokens=2)),
        Key("eve", digest_of("secret-of-eve"), Rates(requests=7, tokens=0)),
    )


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o601])
def test_a_file_that_others_may_touch_is_refused_with_the_way_out(
    tmp_path: Path, mode: int
) -> None:
    path = write(tmp_path / "keys", "ann: secret-of-ann", mode)
    with pytest.raises(OptionError, match=f"run: chmod 600 {path}"):
        read_key_file(path, Rates())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "there is no key in it"),
        ("# none\n", "there is no key in it"),
        ("\nann secret-of-ann", "line 2: expected NAME: KEY"),
        ("ann:", "line 1: expected NAME: KEY"),
        ("ann: secret-of-ann more", "line 1: expected NAME: KEY"),
        ("ann: secret-of-ann requests-per-minute=", "line 1: expected NAME: KEY"),
        ("ann: secret-of-ann requests-per-minute=-1", "line 1: expected NAME: KEY"),
        ("ann: secret-of-ann requests-per-minute=²", "line 1: expected NAME: KEY"),
        (": secret-of-ann", "line 1: a name has"),
        ("ann: short", "line 1: a key has at least"),
    ],
)
def test_what_is_wrong_in_a_file(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(OptionError, match=told) as refused:
        read_key_file(write(tmp_path / "keys", text), Rates())
    assert "secret" not in str(refused.value)


def test_what_is_no_file_of_keys(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="No such file"):
        read_key_file(tmp_path / "keys", Rates())
    with pytest.raises(OptionError, match=r"directory|no file"):
        read_key_file(tmp_path, Rates())
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(OptionError, match="that is no file"):
        read_key_file(tmp_path / "pipe", Rates())
    (tmp_path / "bytes").write_bytes(b"ann: \xff\xfe")
    (tmp_path / "bytes").chmod(0o600)
    with pytest.raises(OptionError, match="no UTF-8"):
        read_key_file(tmp_path / "bytes", Rates())
    with pytest.raises(OptionError, match="more than 1048576 bytes"):
        read_key_file(write(tmp_path / "large", "#" * (1 << 20) + "\n"), Rates())
