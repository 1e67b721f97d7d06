"""Which pages of the web may ask, and which may read."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.errors import NotWelcome, OptionError
from serving.origins import cors_headers, parse_origins, preflight_headers, require_local

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

LOCAL = [
    *("localhost", "localhost:8080", "LOCALHOST:1", "localhost.", "a.localhost", "127.0.0.1"),
    *("127.0.0.1:80", "127.8.9.1", "[::1]", "[::1]:8080", "box.lan", "Box.lan:8080", ""),
]
FOREIGN = [
    *("evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example"),
    *("localhost@evil.example", "evil-localhost", "0.0.0.0", "192.168.1.2", "[::]", "[::2]:80"),
    *("[::ffff:192.168.1.2]", "xn--localhost", "2130706433", " evil.example "),
]


def require(method: str, host: str, origin: str | None = None, *origins: str) -> None:
    require_local(method, host, origin, {"box.lan"}, parse_origins(origins))


@pytest.mark.parametrize("host", LOCAL)
def test_names_of_this_machine(host: str) -> None:
    require("GET", host)
    require("POST", host)


@pytest.mark.parametrize("host", FOREIGN)
def test_other_names_lead_here_by_rebinding(host: str) -> None:
    with pytest.raises(NotWelcome, match="--allow-host"):
        require("GET", host)


@PATIENT
@given(st.text(max_size=30), st.text(max_size=30))
def test_no_host_or_origin_is_a_fault(host: str, origin: str) -> None:
    for method in ("GET", "POST"):
        try:
            require(method, host, origin)
        except NotWelcome as error:
            assert len(error.message) < 500  # noqa: PT017 - not raising is as good


@pytest.mark.parametrize("page", ["http://localhost:3000", "https://127.0.0.1", "http://box.lan"])
def test_pages_of_this_machine_may_ask(page: str) -> None:
    require("POST", "localhost", page)


@pytest.mark.parametrize("page", ["https://evil.example", "null", "", "chrome-extension://abc"])
def test_other_pages_may_not_change_anything(page: str) -> None:
    require("GET", "localhost", page)  # without further headers it cannot read the answer
    with pytest.raises(NotWelcome, match="--cors-origin"):
        require("POST", "localhost", page)
    with pytest.raises(NotWelcome, match="--cors-origin"):
        require("DELETE", "localhost", page)
    require("POST", "localhost", page, "*")


def test_a_page_that_was_named_may() -> None:
    require("POST", "localhost", "https://Chat.example", "https://chat.example")


def test_origins_are_read() -> None:
    assert parse_origins(["https://Chat.example/", "http://a:8080", "app://obsidian.md"]) == {
        *("https://chat.example", "http://a:8080", "app://obsidian.md"),
    }
    for wrong in (
        "chat.example",
        "https://",
        "https://a/b",
        "https://a?b",
        "https://u@a",
        "**",
        "",
    ):
        with pytest.raises(OptionError, match="--cors-origin"):
            parse_origins([wrong])


def test_credentials_never_go_with_everybody() -> None:
    for origin in (None, "https://a.example"):
        found = cors_headers({"*", "https://a.example"}, origin)
        assert found["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in found


def test_only_the_pages_named_may_read() -> None:
    origins = {"https://a.example"}
    found = cors_headers(origins, "https://a.example")
    assert found["Access-Control-Allow-Origin"] == "https://a.example"
    assert found["Access-Control-Allow-Credentials"] == "true"
    assert found["Vary"] == "Origin"
    for other in (None, "https://b.example", "http://a.example", "https://a.example:444", "null"):
        assert cors_headers(origins, other) == {"Vary": "Origin"}
    assert cors_headers((), "https://a.example") == {}


@pytest.mark.parametrize("wanted", ["a\r\nb: c", "a b", "a,,b", "", None, "x" * 1000, "a;b"])
def test_headers_that_are_none_are_not_repeated(wanted: str | None) -> None:
    assert "Access-Control-Allow-Headers" not in preflight_headers(wanted)
