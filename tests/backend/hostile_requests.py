"""Requests that are meant to do harm, drawn by a seed: right ones with something wrong in them."""

from __future__ import annotations

import copy
import gzip
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.backend.hostile_values import (
    GRAMMARS,
    METHODS,
    NUMBERS,
    PATHS,
    RAW,
    SCHEMAS,
    TEXTS,
    TYPES,
)
from tests.backend.right_bodies import BODIES, SPARE

Json = Any


@dataclass(frozen=True, slots=True)
class Hostile:
    """A request as bytes.

    Attributes:
        route: Which route it is for; the path it names where that is none.
        method: Its method.
        raw: All of it.
        http: Whether it keeps to HTTP: if not, the connection may end without an answer of ours.
    """

    route: str
    method: str
    raw: bytes
    http: bool = True


def draw(seed: int, number: int, routes: list[tuple[str, str]]) -> Hostile:
    """The request with this number.

    Args:
        seed: Of the whole series.
        number: From 0 on; a request depends on no other.
        routes: The methods and paths there are.
    """
    chance = random.Random(f"{seed}:{number}")
    kinds: list[tuple[int, Callable[[random.Random, list[tuple[str, str]]], Hostile]]] = [
        (70, _mutant),
        (10, _bytes),
        (9, _path),
        (7, _headers),
        (4, _no_http),
    ]
    kind = chance.choices([kind for _, kind in kinds], [weight for weight, _ in kinds])[0]
    return kind(chance, routes)


def _mutant(chance: random.Random, routes: list[tuple[str, str]]) -> Hostile:
    """A right body, but for one to three places."""
    route, body = _right(chance, routes)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        body = _spoil(chance, body, route)
    return request("POST", route, _text(body))


def _right(chance: random.Random, routes: list[tuple[str, str]]) -> tuple[str, Json]:
    route = chance.choice([path for method, path in routes if method == "POST"])
    body = copy.deepcopy(chance.choice(BODIES.get(route, [{}])))
    body.setdefault("model", chance.choice(["main", "main", SPARE]))
    return route, body


def _spoil(chance: random.Random, body: Json, route: str) -> Json:
    places = [*_places(body)]
    if not places:
        return body
    holder, key = chance.choice(places)
    if route == "/models/unload" and key == "model":
        return body
    change = chance.random()
    if change < 0.1 and isinstance(holder, dict):
        del holder[key]
    elif change < 0.2:
        holder[key] = [holder[key]] * chance.choice([1, 2, 300])
    elif change < 0.25 and isinstance(holder, dict):
        holder[chance.choice(["x", "", "\x00", "__proto__", "a" * 10_000, "\ud800"])] = _value(
            chance
        )
    elif key in ("schema", "parameters", "input_schema", "json_schema") and change < 0.9:
        holder[key] = copy.deepcopy(chance.choice(SCHEMAS))
    elif key == "grammar" and change < 0.9:
        holder[key] = chance.choice(GRAMMARS)
    else:
        holder[key] = _value(chance)
    return body


def _places(value: Json) -> list[tuple[Json, Any]]:
    """Each place of a body, as what holds it and its key or index."""
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = list(value)
    elif isinstance(value, list):
        keys = list(range(min(len(value), 20)))
    return [(value, key) for key in keys] + [place for key in keys for place in _places(value[key])]


def _value(chance: random.Random) -> Json:
    makers: list[Callable[[], Json]] = [
        lambda: chance.choice(NUMBERS),
        lambda: chance.choice(TEXTS),
        lambda: chance.choice(list(RAW)),
        lambda: chance.choice([None, True, False, [], {}, [[]], [{}], {"": None}]),
        lambda: chance.choice(SCHEMAS),
        lambda: [chance.choice(TEXTS[:12])] * chance.choice([1, 17, 3000]),
        lambda: {f"k{number}": number for number in range(chance.choice([1, 2000]))},
    ]
    return copy.deepcopy(chance.choice(makers)())


def _text(body: Json) -> bytes:
    text = json.dumps(body)
    for stand_in, raw in RAW.items():
        text = text.replace(json.dumps(stand_in), raw)
    return text.encode()


def _bytes(chance: random.Random, routes: list[tuple[str, str]]) -> Hostile:
    """A right body that is broken as text."""
    route, body = _right(chance, routes)
    raw = _text(body)
    at = chance.randrange(len(raw))
    broken = chance.choice(
        [
            raw[:at],
            raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :],
            raw[:at] + chance.randbytes(8) + raw[at:],
            json.dumps(body).encode("utf-16"),
            b"\xef\xbb\xbf" + raw,
            raw + raw,
            b"[" + raw + b"]",
            b"",
            b"\x00" * 1000,
            chance.randbytes(3000),
            b"[" * 200_000,
            b'"' + b"a" * 1_000_000,
            b"9" * 100_000,
            b"null",
            raw.replace(b'"', b"'"),
            raw.replace(b":", b" " * 1000 + b":"),
        ]
    )
    return request("POST", route, broken)


def _path(chance: random.Random, routes: list[tuple[str, str]]) -> Hostile:
    """A path or a method that there is not."""
    path = chance.choice(PATHS)
    if chance.random() < 0.4:
        path = chance.choice(routes)[1].replace("{", "").replace("}", "")
    method = chance.choice(METHODS)
    body = b"{}" if method in ("POST", "PUT", "PATCH") else b""
    return request(method, path, body)


def _headers(chance: random.Random, routes: list[tuple[str, str]]) -> Hostile:
    """A right body under headers that do not fit it."""
    route, body = _right(chance, routes)
    raw = _text(body)
    headers = chance.choice(
        [
            {"Content-Type": chance.choice(TYPES)},
            {"Content-Encoding": chance.choice(["gzip", "br", "identity", "x"])},
            {"X-Session-Id": chance.choice(["", "\x7f", "a" * 5000, "../x", "s 1", "{}", "\xff"])},
            {
                "Authorization": chance.choice(
                    ["Bearer", "Bearer " + "k" * 5000, "Basic !!", "\xff"]
                )
            },
            {"x-api-key": chance.choice(["", "\xff" * 50, "a" * 5000])},
            {"X-Request-Id": chance.choice(["", "\t", "a" * 5000, "\xff", "a b"])},
            {"anthropic-version": chance.choice(["", "1", "9999-99-99", "a" * 3000])},
            {"Expect": "100-continue"},
            {"Accept": chance.choice(["", "text/html", "*/*;q=x", "a" * 5000])},
            {"Cookie": "a=b; " * 1000},
            {f"X-{number}": "a" for number in range(80)},
        ]
    )
    if headers.get("Content-Encoding") == "gzip":
        raw = gzip.compress(raw)
    return request("POST", route, raw, headers)


def _no_http(chance: random.Random, routes: list[tuple[str, str]]) -> Hostile:
    """Bytes that are no HTTP request, or not quite."""
    route, body = _right(chance, routes)
    raw = request("POST", route, _text(body)).raw
    head, _, rest = raw.partition(b"\r\n\r\n")
    broken = chance.choice(
        [
            chance.randbytes(500),
            b"\x16\x03\x01" + chance.randbytes(200),
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            raw.replace(b"HTTP/1.1", b"HTTP/1.0", 1),
            raw.replace(b"\r\n", b"\n", 3),
            raw.replace(b"Content-Length: ", b"Content-Length: -", 1),
            raw.replace(b"Content-Length: ", b"Content-Length: 9", 1),
            raw.replace(b"Content-Length: ", b"Content-Length: 1, ", 1),
            head.replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nContent-Length")
            + b"\r\n\r\n"
            + rest,
            head.replace(b"Host: ", b"Host: a\r\nHost: ", 1) + b"\r\n\r\n" + rest,
            head + b"\r\nX: " + b"a" * 100_000 + b"\r\n\r\n" + rest,
            head + b"\r\nbad header\r\n\r\n" + rest,
            head[: chance.randrange(len(head))],
            raw.replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nX", 1).replace(
                rest, b"zz\r\n" + rest
            ),
        ]
    )
    return Hostile(route if broken.startswith(b"POST ") else "/", "POST", broken, http=False)


def request(method: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> Hostile:
    """A request as it goes over the wire."""
    lines = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **(headers or {}),
    }
    head = f"{method} {path} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    proper = path.isascii() and method.isupper() and len(path) < 10_000
    proper = proper and all(value.isprintable() and value.isascii() for value in lines.values())
    return Hostile(path, method, head.encode("latin-1") + b"\r\n" + body, http=proper)
