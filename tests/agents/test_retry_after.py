"""How long servers ask to be left alone, in all the forms they use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from council.agents.retry_after import duration, retry_after

NOW = 1_700_000_000.0  # 2023-11-14T22:13:20Z


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:30 GMT"}, 10.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:10 GMT"}, 0.0),
        ({"retry-after": "2023-11-14T22:13:30Z"}, 10.0),
        ({"retry-after": "2023-11-15T00:13:30+02:00"}, 10.0),
        ({"retry-after": "1700000010"}, 10.0),
        ({"retry-after": "1700000010500"}, 10.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-reset-tokens": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-reset-requests": "12ms"}, 0.012),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "2s"}, 2.0),
        ({"x-ratelimit-reset": "1700000010"}, 10.0),
        ({"retry-after": "3", "x-ratelimit-reset": "1700000010"}, 3.0),
    ],
)
def test_every_form(headers: dict[str, str], seconds: float | None) -> None:
    found = retry_after(headers, NOW)
    assert found == (None if seconds is None else pytest.approx(seconds))


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset"]), st.text()
    )
)
def test_nothing_that_a_server_sends_breaks_it(headers: dict[str, str]) -> None:
    found = retry_after(headers, NOW)
    assert found is None or 0.0 <= found < float("inf")


@given(st.integers(0, 10**6))
def test_seconds_and_milliseconds_agree(seconds: int) -> None:
    assert retry_after({"retry-after": str(seconds)}, NOW) == retry_after(
        {"retry-after-ms": str(seconds * 1000)}, NOW
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.25, "0.25 s"),
        (90, "90 s"),
        (120, "2 min"),
        (5400, "90 min"),
        (9000, "2.5 h"),
        (259_200, "3 days"),
    ],
)
def test_waits_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
