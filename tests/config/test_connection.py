"""Certificates and proxies in panel files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import council
from council.config import PanelConfig, load_config, parse_config
from council.config.connection import checked_bundle
from council.errors import ConfigError
from council.testing import raw_server, whole_reply
from tests.support.proxy import forward_proxy
from tests.support.tls import Authority

ENTRY = "experts:\n  - model: m\n    endpoint: https://h\n"
WRITER = ENTRY + "synthesizer:\n  model: m\n  endpoint: https://h\n"


def load(folder: Path, text: str) -> PanelConfig:
    file = folder / "panel.yaml"
    file.write_text(text)
    return load_config(file)[0]


def error(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    return str(caught.value).removeprefix(f"{folder / 'panel.yaml'}:")


def test_what_is_left_out() -> None:
    config, _ = parse_config({"experts": [{"model": "m", "endpoint": "https://h"}]})
    (expert,) = config.experts
    assert (expert.verify, expert.proxy, expert.trust_env) == (True, None, True)


def test_a_bundle_is_relative_to_its_file(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    for name in ("ca.pem", str(authority.file)):
        config = load(tmp_path, f"{ENTRY}    verify: {name}\n")
        assert config.experts[0].verify == str(authority.file)
    assert load(tmp_path, f"{ENTRY}    verify: false\n").experts[0].verify is False


@pytest.mark.parametrize(
    ("verify", "message"),
    [
        ("gone.pem", "no CA bundle at {folder}/gone.pem: No such file"),
        ("panel.yaml", "{folder}/panel.yaml holds no certificate that can be read: PEM"),
        (".", "{folder} holds no certificate that can be read: run `openssl rehash`"),
        ("3", "expected true, false or the path of a CA bundle"),
    ],
)
def test_a_bundle_that_cannot_be_used(tmp_path: Path, verify: str, message: str) -> None:
    found = error(tmp_path, f"{ENTRY}    verify: {verify}\n")
    assert found.startswith(f"4: experts[0].verify: {message.format(folder=tmp_path)}")
    found = error(tmp_path, f"{WRITER}  verify: {verify}\n")
    assert found.startswith(f"7: synthesizer.verify: {message.format(folder=tmp_path)}")


def test_a_bundle_that_changes_is_read_again(tmp_path: Path) -> None:
    file = Authority(tmp_path).file
    assert checked_bundle(file) == str(file)
    file.write_text("no more")
    os.utime(file, ns=(1, 1))
    with pytest.raises(ValueError, match="holds no certificate"):
        checked_bundle(file)


@pytest.mark.parametrize(
    "proxy", ["socks5://u:hunter2@h", "hunter2", "'http://u:hunter2@'", "ftp://u:hunter2@h", "''"]
)
def test_a_proxy_that_cannot_be_used(tmp_path: Path, proxy: str) -> None:
    found = error(tmp_path, f"{ENTRY}    proxy: {proxy}\n")
    assert found.startswith("4: experts[0].proxy: the proxy is ")
    assert "hunter2" not in found


def test_a_proxys_password_is_not_shown(tmp_path: Path) -> None:
    config = load(tmp_path, f"{ENTRY}    proxy: http://u:hunter2@h:1\n")
    assert "hunter2" not in f"{config!r}{config.model_dump(mode='json')}"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_panel_goes_through_its_proxy_with_its_bundle(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        raw_server(whole_reply("yes"), tls=authority.server()) as server,
        forward_proxy() as proxy,
    ):
        text = ENTRY.replace("https://h", server.url)
        through = f"    proxy: {proxy.url('u:hunter2')}\n    samples: 2\n    verify: ca.pem\n"
        (tmp_path / "panel.yaml").write_text(text + through)
        result = await council.ask("?", panel=tmp_path / "panel.yaml")
    assert (result.answer, result.status) == ("yes", "complete")
    assert {request.line.split()[0] for request in proxy.requests} == {"CONNECT"}
    assert "hunter2" not in result.to_json()
