"""Keys that council keeps: in a keyring or a file, used by panels, never shown."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from council.assemble import check_panel
from council.config import load_config
from council.config.keys import (
    find_key,
    given_keys,
    kept_keys,
    key_file,
    remove_key,
    set_key,
)
from council.errors import ConfigError
from council.store.secrets import environment_secrets, without_secrets

KEY = "sk-0123456789abcdef"
PANEL = "experts: [{model: m, endpoint: 'http://localhost:1', api_key: '${A_KEY}'}]\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty configuration folder, and no keyring."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("A_KEY", raising=False)
    return tmp_path


@pytest.fixture
def keyring_entries(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A keyring that can be used; the file that its entries are in."""
    keyring = pytest.importorskip("keyring")
    from tests.support.keyring_file import FileKeyring

    monkeypatch.setenv("TEST_KEYRING", str(home / "entries.json"))
    before = keyring.get_keyring()
    keyring.set_keyring(FileKeyring())  # type: ignore[no-untyped-call]
    yield home / "entries.json"
    keyring.set_keyring(before)


def panel(folder: Path, text: str = PANEL) -> Path:
    file = folder / "panel.yaml"
    file.write_text(text)
    return file


def test_without_a_keyring_a_file_for_the_user_alone() -> None:
    assert set_key("A_KEY", f" {KEY}\n") == "file"
    assert kept_keys() == {"A_KEY": "file"}
    assert find_key("A_KEY") == (KEY, "file")
    assert stat.S_IMODE(key_file().stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file().parent.stat().st_mode) == 0o700
    assert [entry.name for entry in key_file().parent.iterdir()] == ["keys.json"]
    set_key("B_KEY", "other-key")
    remove_key("A_KEY")
    assert (find_key("A_KEY"), kept_keys()) == (None, {"B_KEY": "file"})
    assert KEY not in key_file().read_text()


def test_a_keyring_has_the_keys_and_the_file_their_names(keyring_entries: Path) -> None:
    assert set_key("A_KEY", KEY) == "keyring"
    assert json.loads(keyring_entries.read_text()) == {"council/A_KEY": KEY}
    assert json.loads(key_file().read_text()) == {"A_KEY": None}
    assert find_key("A_KEY") == (KEY, "keyring")
    remove_key("A_KEY")
    assert (json.loads(keyring_entries.read_text()), kept_keys()) == ({}, {})


def test_a_locked_keyring_is_told_and_a_new_key_goes_into_the_file(keyring_entries: Path) -> None:
    set_key("A_KEY", KEY)
    keyring_entries.with_suffix(".locked").touch()
    with pytest.raises(ConfigError, match=r"does not give it: KeyringLocked: export A_KEY, or run"):
        find_key("A_KEY")
    assert set_key("A_KEY", "new-key") == "file"
    assert find_key("A_KEY") == ("new-key", "file")


def test_a_key_that_left_the_keyring_is_told_with_the_line_of_the_panel(
    keyring_entries: Path, home: Path
) -> None:
    set_key("A_KEY", KEY)
    keyring_entries.unlink()
    with pytest.raises(ConfigError, match=r"panel\.yaml:1: experts\[0\]\.api_key: the key A_KEY"):
        load_config(panel(home))
    remove_key("A_KEY")
    assert kept_keys() == {}


def test_panels_use_a_kept_key_and_the_environment_wins(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_key("A_KEY", KEY)
    config, _ = load_config(panel(home))
    assert config.experts[0].api_key is not None
    assert config.experts[0].api_key.get_secret_value() == KEY
    assert anyio.run(check_panel, home / "panel.yaml").keys == ["A_KEY from the keys file"]
    monkeypatch.setenv("A_KEY", "of-the-environment")
    config, _ = load_config(home / "panel.yaml")
    assert config.experts[0].api_key is not None
    assert config.experts[0].api_key.get_secret_value() == "of-the-environment"
    assert anyio.run(check_panel, home / "panel.yaml").keys == ["A_KEY from the environment"]


def test_a_kept_key_comes_before_a_default(home: Path) -> None:
    text = PANEL.replace("${A_KEY}", "${A_KEY:-none}")
    assert anyio.run(check_panel, panel(home, text)).keys == ["A_KEY from the panel's own default"]
    set_key("A_KEY", KEY)
    assert anyio.run(check_panel, home / "panel.yaml").keys == ["A_KEY from the keys file"]


def test_what_is_no_secret_is_not_listed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_MODEL", "m")
    monkeypatch.setenv("A_HEADER", "h")
    text = "experts: [{model: '${A_MODEL}', endpoint: 'http://h', headers: {X-Key: '${A_HEADER}'}}]"
    assert anyio.run(check_panel, panel(home, text)).keys == ["A_HEADER from the environment"]


def test_a_variable_that_nobody_has_is_told_the_way_out(home: Path) -> None:
    with pytest.raises(ConfigError, match="export it, keep it with `council keys set A_KEY`, or"):
        load_config(panel(home))
    model = "experts: [{model: '${A_MODEL}', endpoint: 'http://h'}]"
    with pytest.raises(ConfigError, match=r"export it, or write \$\{A_MODEL:-default\}"):
        load_config(panel(home, model))


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_file_that_others_may_read_is_refused(home: Path) -> None:
    set_key("A_KEY", KEY)
    key_file().chmod(0o644)
    with pytest.raises(ConfigError, match=r"others may read or write it: run chmod 600"):
        load_config(panel(home))
    # It matters to those alone who need a kept key.
    assert load_config(panel(home, PANEL.replace("${A_KEY}", "plain")))


@pytest.mark.parametrize("content", ["", "[]", '{"A_KEY": 1}', f'{{"A_KEY": "{KEY}"', "\xff"])
def test_a_damaged_file_is_told_without_its_content(content: str) -> None:
    set_key("A_KEY", KEY)
    key_file().write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigError, match="not a file of keys") as caught:
        kept_keys()
    assert KEY not in str(caught.value)


def test_a_pipe_in_its_place_holds_up_nobody() -> None:
    key_file().parent.mkdir(parents=True)
    os.mkfifo(key_file(), 0o600)
    with pytest.raises(ConfigError, match="not a file of keys"):
        kept_keys()


@pytest.mark.parametrize("name", ["", "A-KEY", "1KEY", "Ä", "A KEY", "A/../B"])
def test_a_name_that_no_variable_has_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="is no name of a key"):
        set_key(name, KEY)


@pytest.mark.parametrize("key", ["", "  \n", "a\nb", "schlüssel", "a\x1bb"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(key: str) -> None:
    with pytest.raises(ConfigError, match="A_KEY: a key has at least one character") as caught:
        set_key("A_KEY", key)
    assert not key.strip() or key not in str(caught.value)
    assert kept_keys() == {}


def test_removing_what_is_not_there_names_what_is() -> None:
    set_key("B_KEY", KEY)
    with pytest.raises(ConfigError, match=r"no key 'A_KEY' is kept \(known: B_KEY\)"):
        remove_key("A_KEY")


def test_a_folder_that_cannot_be_made_is_an_error_with_its_name(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "file"))
    with pytest.raises(ConfigError, match=r"keys\.json: Not a directory"):
        set_key("A_KEY", KEY)


def test_a_key_that_was_given_is_kept_out_of_the_record() -> None:
    set_key("A_KEY", "odd-looking-value")
    assert "odd-looking-value" not in given_keys()
    find_key("A_KEY")
    hidden = without_secrets({"extra_body": {"who": "odd-looking-value"}})
    assert hidden == {"extra_body": {"who": "(secret)"}}
    assert "odd-looking-value" in environment_secrets()
