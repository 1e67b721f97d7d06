"""What people write as an endpoint."""

from __future__ import annotations

import pytest

from council.agents.endpoints import anthropic_url, openai_url, shown
from council.errors import ConfigError


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://h:1", "http://h:1/v1/chat/completions"),
        ("http://h:1/", "http://h:1/v1/chat/completions"),
        ("https://h/v1", "https://h/v1/chat/completions"),
        ("https://h/v1/", "https://h/v1/chat/completions"),
        ("https://h/api/v4", "https://h/api/v4/chat/completions"),
        ("https://h/v1beta/openai", "https://h/v1beta/openai/chat/completions"),
        ("https://h/v1/chat/completions", "https://h/v1/chat/completions"),
        ("https://h/openai?api-version=1", "https://h/openai/chat/completions?api-version=1"),
    ],
)
def test_every_form_leads_to_the_chat_route(endpoint: str, url: str) -> None:
    assert openai_url(endpoint) == url


@pytest.mark.parametrize(
    "endpoint", ["localhost:11434", "h", "", "ftp://h", "http://", "/v1", "http://[::1/v1"]
)
def test_what_is_no_url_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigError, match="not an http"):
        openai_url(endpoint)


def test_anthropics_route() -> None:
    for endpoint in ("https://h", "https://h/v1", "https://h/v1/messages"):
        assert anthropic_url(endpoint) == "https://h/v1/messages"


def test_credentials_in_an_endpoint_are_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="credentials") as caught:
        openai_url("http://bob:hunter2@h/v1")
    assert "hunter2" not in str(caught.value)


def test_a_shown_url_has_no_values_in_its_query() -> None:
    assert shown("https://h/v1?key=AIza123&api-version=1") == "https://h/v1?key=…&api-version=…"
    assert shown("https://h/v1") == "https://h/v1"


def test_a_shown_url_has_no_password() -> None:
    assert shown("https://bob:hunter2@h:8/v1") == "https://h:8/v1"
