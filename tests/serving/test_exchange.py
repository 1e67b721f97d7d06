"""A request as its routes and the log see it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from serving.exchange import Exchange, begin, current, owner, request_id
from serving.log_lines import LineFormatter

pytestmark = pytest.mark.anyio
RECORD = logging.LogRecord("x", logging.WARNING, "", 0, "it %s", ("broke",), None)


async def test_log_lines_name_the_request_while_there_is_one() -> None:
    """Also those of tasks that it has begun, but only as long as it lasts."""
    began, over, lines = asyncio.Event(), asyncio.Event(), list[str]()

    async def outlive() -> None:
        lines.append(LineFormatter().format(RECORD))
        began.set()
        await over.wait()
        lines.append(LineFormatter().format(RECORD))

    exchange = Exchange("req_1", "", "GET", "/", key="ann")
    begin(exchange)
    assert (request_id(), owner(), current()) == ("req_1", "ann", exchange)
    task = asyncio.create_task(outlive())
    await began.wait()
    exchange.close()
    over.set()
    await task
    assert lines == ["it broke (request req_1)", "it broke"]


async def test_outside_of_a_request_there_is_none() -> None:
    assert (request_id(), owner(), current()) == ("", "", None)
