"""Every way in which the test server can behave, by name.

The quirks of real servers are among them (`quirks.py`); here are the failures below the reply's
text, on the connection and in HTTP itself.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from council.testing.frames import (
    CLOSE_HEAD,
    DONE,
    END,
    FINISH,
    STREAM_HEAD,
    chunked,
    delta,
    plain_reply,
    stream,
    usage,
)
from council.testing.quirks import QUIRK_NAMES, quirks
from council.testing.steps import Step, half_close, keep_alive, pause, reset, until_closed

TEXTS = ("The sum is ", "42.")
"""What a reply says as far as it gets."""

_DRIP_SECONDS = 0.02
_MEBIBYTE = b"x" * 1024 * 1024
_HUGE = 17  # so many MiB in one event; council's reader takes 16


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A way of answering.

    Attributes:
        about: What it is, in a few words.
        steps: Makes the steps of a reply.
    """

    about: str
    steps: Callable[[], Sequence[Step]]


def _quirk(name: str) -> Behaviour:
    about = f"a server's quirk: {name.replace('-', ' ')}"
    return Behaviour(about, lambda: quirks(*TEXTS)[name].steps)


def _begun(*steps: Step) -> list[Step]:
    """The first text, and what follows it."""
    return [STREAM_HEAD, chunked(delta(TEXTS[0])), *steps]


def _whole() -> list[Step]:
    return stream(*map(delta, TEXTS), FINISH, usage(7, 5), DONE)


def _slow_drip() -> list[Step]:
    body = b"".join([*map(delta, TEXTS), FINISH, DONE])
    drops = ((chunked(body[i : i + 8]), pause(_DRIP_SECONDS)) for i in range(0, len(body), 8))
    return [STREAM_HEAD, *itertools.chain.from_iterable(drops), END, keep_alive]


def _comments() -> list[Step]:
    tick: list[Step] = [pause(_DRIP_SECONDS), chunked(b": ok\n\n")]
    return _begun(*tick * 10_000, until_closed)


def _huge_frame() -> list[Step]:
    return _begun(chunked(b"data: "), *([chunked(_MEBIBYTE)] * _HUGE), until_closed)


def _busy() -> list[Step]:
    body = json.dumps({"error": {"message": "busy"}})
    return plain_reply("429 Too Many Requests\r\nRetry-After: 1", body)


def _refused() -> list[Step]:
    return plain_reply("400 Bad Request", json.dumps({"error": {"message": "no such model"}}))


def _page() -> list[Step]:
    return plain_reply("502 Bad Gateway", "<html>Bad gateway</html>", "text/html")


def _garbage() -> list[Step]:
    return _begun(chunked(b"\x00\xff{]\ndata: \xfe\n\n" + bytes(range(256)) + b"\n\n"), END)


BEHAVIOURS: dict[str, Behaviour] = {
    "whole": Behaviour("a whole reply, with usage", _whole),
    "no-text": Behaviour("a whole reply that says nothing", lambda: stream(FINISH, DONE)),
    "closed": Behaviour(
        "a whole reply that ends with its connection",
        lambda: [CLOSE_HEAD, *map(delta, TEXTS), FINISH, DONE],
    ),
    "slow-drip": Behaviour("a whole reply, eight bytes at a time", _slow_drip),
    "silent": Behaviour("no reply to the request, not even a head", lambda: [until_closed]),
    "stall": Behaviour("some text, and then nothing more", lambda: _begun(until_closed)),
    "comments": Behaviour("some text, and then comments that keep it alive", _comments),
    "cut": Behaviour("some text, and then the connection is closed", _begun),
    "reset": Behaviour("some text, and then a TCP reset", lambda: _begun(reset)),
    "half-open": Behaviour(
        "some text, and then the server ends its side of the connection alone",
        lambda: _begun(half_close, until_closed),
    ),
    "hang-up": Behaviour("the connection is closed before the head", lambda: []),
    "open-after-done": Behaviour(
        "a whole reply whose connection does not end",
        lambda: [STREAM_HEAD, *map(chunked, [*map(delta, TEXTS), FINISH, DONE]), until_closed],
    ),
    "reset-after-done": Behaviour(
        "a whole reply, and then a TCP reset",
        lambda: [STREAM_HEAD, chunked(b"".join([*map(delta, TEXTS), FINISH, DONE])), reset],
    ),
    "garbage": Behaviour("some text, and then bytes that are no event", _garbage),
    "no-http": Behaviour("a greeting of another protocol", lambda: [b"SSH-2.0-x\r\n"]),
    "huge-frame": Behaviour(f"some text, and then an event of {_HUGE} MiB", _huge_frame),
    "busy": Behaviour("429, with Retry-After: 1", _busy),
    "refused": Behaviour("400, with an error object", _refused),
    "bad-gateway": Behaviour("502, with a page", _page),
    **{name: _quirk(name) for name in QUIRK_NAMES},
}


def steps_of(name: str) -> Sequence[Step]:
    """The steps of a reply; raises KeyError where no behaviour has that name."""
    return BEHAVIOURS[name].steps()
