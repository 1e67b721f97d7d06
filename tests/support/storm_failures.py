"""The rest of a server's bad day: replies that nobody may call complete; see `storm_replies`.

Importing this module registers them.
"""

from __future__ import annotations

import json
from random import Random

from council.testing import (
    CLOSE_HEAD,
    DONE,
    END,
    STREAM_HEAD,
    Step,
    chunked,
    delta,
    keep_alive,
    pause,
    plain_reply,
    quirks,
    reset,
    stream,
    until_closed,
)
from tests.support.storm_replies import Steps, deltas, kind

_ERRORS = [quirk.body for quirk in quirks().values() if quirk.error == "boom"]
_STATUSES = (
    "204 No Content",
    "301 Moved Permanently\r\nLocation: /elsewhere",
    "400 Bad Request",
    "401 Unauthorized",
    "403 Forbidden",
    "404 Not Found",
    "408 Request Timeout",
    "409 Conflict",
    "418 I'm a teapot",
    "429 Too Many Requests",
    "500 Internal Server Error",
    "502 Bad Gateway",
    "503 Service Unavailable",
    "529 Site Overloaded",
    "799 Odd",
)
_WAITS = (
    "Retry-After: 0",
    "Retry-After: 0.05",
    "retry-after-ms: 20",
    "Retry-After: 86400",
    "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT",
    "Retry-After: soon",
    "Retry-After: -5",
    "Retry-After: nan",
    "x-ratelimit-reset-requests: 50ms",
    "x-ratelimit-reset: 99999999999999999999999999",
)
_HUGE_BYTES = 17 * 1024 * 1024  # the decoder takes events of 16 MiB
_PAGE = "<!doctype html><html><head><title>Bad gateway</title></head></html>"


@kind(8)
def error_in_the_stream(random: Random, text: str) -> tuple[Steps, str | None]:
    """After more text than the quirks have."""
    return stream(*deltas(random, text), random.choice(_ERRORS)), None


@kind(3)
def error_then_drop(random: Random, text: str) -> tuple[Steps, str | None]:
    return [STREAM_HEAD, chunked(delta(text)), chunked(random.choice(_ERRORS)), reset], None


@kind(10)
def cut(random: Random, text: str) -> tuple[Steps, str | None]:
    """Everything but a finish; ended cleanly, closed or reset."""
    body: Steps = [chunked(event) for event in deltas(random, text)]
    ends: list[Steps] = [[END, keep_alive], [], [reset], [chunked(b"data: {"), END]]
    return [STREAM_HEAD, *body, *random.choice(ends)], None


@kind(4)
def cut_at_a_close(random: Random, text: str) -> tuple[Steps, str | None]:
    return [CLOSE_HEAD, *deltas(random, text), *random.choice([[], [b"data: [DO"]])], None


@kind(4)
def short_of_its_length(random: Random, text: str) -> tuple[Steps, str | None]:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n"
    return [head, delta(text)], None


@kind(5)
def stall(random: Random, text: str) -> tuple[Steps, str | None]:
    """Silence: before the head, in it, before the first token, in the reply."""
    body: Steps = [STREAM_HEAD[:20], STREAM_HEAD[20:], chunked(b": ok\n\n"), chunked(delta(text))]
    return [*body[: random.randint(0, 4)], until_closed], None


@kind(2)
def comments_without_end(random: Random, text: str) -> tuple[Steps, str | None]:
    tick: list[Step] = [pause(0.1), chunked(b": ok\n\n")]
    return [STREAM_HEAD, chunked(delta(text)), *(tick * 50), until_closed], None


@kind(6)
def hang_up(random: Random, text: str) -> tuple[Steps, str | None]:
    """Without a word, in the head, or right after it; sometimes with a reset."""
    body: Steps = [STREAM_HEAD[: random.choice([1, 20, len(STREAM_HEAD)])]]
    return [*body[: random.randint(0, 1)], *random.choice([[], [reset]])], None


@kind(5)
def wrong_status(random: Random, text: str) -> tuple[Steps, str | None]:
    status = random.choice(_STATUSES)
    if random.random() < 0.5:
        status = f"{status}\r\n{random.choice(_WAITS)}"
    body = random.choice(["", "busy", json.dumps({"error": {"message": text}}), _PAGE])
    return plain_reply(status, "" if status.startswith("204") else body), None


@kind(8)
def busy(random: Random, text: str) -> tuple[Steps, str | None]:
    status = random.choice(["429 Too Many Requests", "503 Service Unavailable"])
    return plain_reply(f"{status}\r\n{random.choice(_WAITS[:3])}", "busy"), None


@kind(3)
def page(random: Random, text: str) -> tuple[Steps, str | None]:
    status = random.choice(["200 OK", "502 Bad Gateway"])
    return plain_reply(status, _PAGE * random.choice([1, 1000]), "text/html"), None


@kind(2)
def empty(random: Random, text: str) -> tuple[Steps, str | None]:
    return random.choice([stream(), stream(b"\n\n"), stream(DONE[:-9]), [CLOSE_HEAD]]), None


@kind(3)
def json_that_is_no_reply(random: Random, text: str) -> tuple[Steps, str | None]:
    bodies = ["{", "{}", '{"choices": 7}', '{"error": "boom"}', "[]", '{"choices": [7, null]}']
    return plain_reply("200 OK", random.choice(bodies)), None


@kind(6)
def garbage_frames(random: Random, text: str) -> tuple[Steps, str | None]:
    frames = [
        b"data: {\n\n",
        b"data: [1, 2]\n\n",
        b"data: null\n\n",
        b"data: \xff\xfe\xfd\n\n",
        b'data: {"choices": {"0": 1}}\n\n',
        b'data: {"choices": [{"delta": "text", "index": "x"}]}\n\n',
        b'data: {"choices": [{"delta": [1]}]}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": [7]}}]}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": {"a": 1}}}]}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": [{"function": 3}]}}]}\n\n',
        b'data: {"choices": [{"delta": {}, "logprobs": {"content": [{"logprob": "x"}]}}]}\n\n',
        b'data: {"choices": [{"delta": {}, "logprobs": {"content": 5}}]}\n\n',
        b'data: {"choices": [], "usage": {"prompt_tokens_details": [1]}}\n\n',
        b'data: {"choices": [], "usage": {"prompt_tokens": -1.5}}\n\n',
        b"data: " + b"[" * 5000 + b"\n\n",
        random.randbytes(200),
    ]
    return stream(delta(text), random.choice(frames)), None


@kind(4)
def garbage_protocol(random: Random, text: str) -> tuple[Steps, str | None]:
    body = chunked(delta(text))
    replies: list[Steps] = [
        [b"SSH-2.0-OpenSSH\r\n"],
        [random.randbytes(100)],
        [STREAM_HEAD, body, b"zz\r\n"],
        [STREAM_HEAD, body, b"-5\r\nabc\r\n"],
        [STREAM_HEAD, body, b"fffffffffffffffff\r\n"],
        [b"HTTP/1.1 abc\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n" + delta(text)],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", delta(text)],
        [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", delta(text)],
        [b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n", delta(text)],
        [STREAM_HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"), body, END],
        [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", body],
        [b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=\xff\r\n\r\n", delta(text)],
    ]
    return random.choice(replies), None


@kind(1)
def huge_event(random: Random, text: str) -> tuple[Steps, str | None]:
    block = chunked(b"x" * (1024 * 1024))
    blocks: Steps = [block] * (_HUGE_BYTES // (1024 * 1024))
    return [STREAM_HEAD, chunked(delta(text)), chunked(b"data: "), *blocks, until_closed], None
