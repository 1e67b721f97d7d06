"""Bodies that nobody meant: refused with the envelope, never a fault."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway.seats import three
from tests.gateway.serving import gateway

pytestmark = pytest.mark.anyio
PATHS = ("/v1/council/runs", "/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens")
FIELDS = (
    *("panel", "question", "messages", "strategy", "seed", "deadline", "max_total_tokens"),
    *("max_cost", "response_format", "continue", "stream", "model", "max_tokens", "council"),
    *("system", "role", "content", "type", "text", "json_schema", "schema", "name", "stop", "n"),
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(("panel", "user", "text", "vote", "json_object", "json_schema", "6 * 7?")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=12,
)
QUIET = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
RAW = (
    *(b"", b"{", b"null", b"[]", b"7", b'"x"', b"{}", b"\xff\xfe", b'{"question":"\\ud800"}'),
    *(b'{"question":NaN}', b"[" * 10_000, b'{"a":' * 10_000, b'{"seed":1e999}', b"\x00" * 100),
)


@pytest.fixture
async def web() -> AsyncIterator[httpx.AsyncClient]:
    async with gateway({"panel": three()}) as site, site.client() as client:
        yield client


@pytest.mark.parametrize("path", PATHS)
async def test_broken_bodies(path: str, web: httpx.AsyncClient) -> None:
    for raw in RAW:
        headers = {"Content-Type": "application/json"}
        require_told(await web.post(path, content=raw, headers=headers), path, may_be_good=False)


@pytest.mark.parametrize("path", PATHS)
async def test_bodies_of_the_wrong_shape(path: str, web: httpx.AsyncClient) -> None:
    bodies: list[Any] = []

    @QUIET
    @given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6))
    def collect(body: dict[str, Any]) -> None:
        bodies.append(body)

    collect()
    for body in bodies:
        require_told(await web.post(path, content=json.dumps(body), headers=JSON), path)
        asked = {"model": "panel", "panel": "panel", "question": "6 * 7?", **body}
        require_told(await web.post(path, content=json.dumps(asked), headers=JSON), path)


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", ["/v1/council/runs", "/v1/council/runs/x/events"])
async def test_odd_parameters(path: str, web: httpx.AsyncClient) -> None:
    for query in ("limit=%00", "before=%ff", "after=%F0%9F%98%80", "limit=1&limit=2", "&&=", "%"):
        require_told(await web.get(f"{path}?{query}"), path)
    for id in ("%00", "%ff%fe", "..%2f..", "a" * 5000, "%25", "last"):
        require_told(await web.get(f"/v1/council/runs/{id}"), path, may_be_good=False)


def require_told(response: httpx.Response, path: str, *, may_be_good: bool = True) -> None:
    """A good answer, or a refusal in the words of the route's dialect."""
    if may_be_good and response.is_success:
        return
    assert 400 <= response.status_code < 500, response.text
    body = response.json()
    wanted = {"type", "message"} if path.startswith("/v1/messages") else {"message", "type", "code"}
    assert wanted <= set(body["error"]), body
    assert body["error"]["message"]
