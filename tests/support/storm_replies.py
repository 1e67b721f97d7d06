"""What a bad day of a server looks like: replies of every kind, drawn at random from a seed.

A `Reply` knows what a client may take it for: `said` is the text of a reply that was sent whole,
and None for one that was not, or that is no reply at all. Each carries its own number in its text,
so that whatever a client calls complete can be traced to what was sent.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import anyio

from tests.support.raw_server import (
    DONE,
    END,
    FINISH,
    STREAM_HEAD,
    Step,
    chunked,
    delta,
    keep_alive,
    plain_reply,
    reset,
    sse,
    until_closed,
)

CLOSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply to one request.

    Attributes:
        kind: The name of the function that made it, for messages.
        steps: What is sent, as for `raw_server`.
        said: What it says if it is whole, None if no client may call it complete.
    """

    kind: str
    steps: list[Step]
    said: str | None


Steps = list[Step]
Maker = Callable[[Random, str], tuple[Steps, str | None]]
"""From a random source and the reply's own text to its steps and what it says."""

_MAKERS: list[tuple[int, Maker]] = []


def kind(weight: int) -> Callable[[Maker], Maker]:
    """Registers a kind of reply, drawn as often as its weight says."""

    def register(maker: Maker) -> Maker:
        _MAKERS.append((weight, maker))
        return maker

    return register


def draw(random: Random, number: int) -> Reply:
    """The reply to the `number`-th request."""
    weights = [weight for weight, _ in _MAKERS]
    (_, maker) = random.choices(_MAKERS, weights)[0]
    name = getattr(maker, "__name__", "?")
    return Reply(name, *maker(random, f"reply-{number} says é🙂 {random.choice('777779')}"))


def stream(*events: bytes) -> Steps:
    """A chunked event stream, one event in each chunk, that ends well."""
    return [STREAM_HEAD, *map(chunked, events), END, keep_alive]


def pieces(random: Random, text: str, most: int = 6) -> list[str]:
    """A text cut anywhere."""
    places = sorted(random.sample(range(1, len(text)), random.randint(1, most)))
    return [text[i:j] for i, j in zip([0, *places], [*places, len(text)], strict=True)]


def deltas(random: Random, text: str) -> list[bytes]:
    """The events of a text cut anywhere."""
    return [delta(piece) for piece in pieces(random, text)]


def pause(seconds: float) -> Step:
    """A step of a server that takes its time."""

    async def wait() -> None:
        await anyio.sleep(seconds)

    return wait


# Good replies.


@kind(60)
def good(random: Random, text: str) -> tuple[Steps, str | None]:
    return stream(*deltas(random, text), FINISH, DONE), text


@kind(10)
def good_and_closed(random: Random, text: str) -> tuple[Steps, str | None]:
    return [CLOSE_HEAD, *deltas(random, text), FINISH, DONE], text


@kind(10)
def cut_anywhere(random: Random, text: str) -> tuple[Steps, str | None]:
    """Characters split over frames and reads."""
    body = b"".join([*deltas(random, text), FINISH, DONE])
    places = sorted(random.sample(range(1, len(body)), 20))
    cuts = zip([0, *places], [*places, len(body)], strict=True)
    return stream(*(body[i:j] for i, j in cuts)), text


@kind(5)
def all_at_once(random: Random, text: str) -> tuple[Steps, str | None]:
    body = b"".join([*map(delta, text), FINISH, DONE])
    return [STREAM_HEAD + chunked(body) + END, keep_alive], text


@kind(5)
def other_line_ends(random: Random, text: str) -> tuple[Steps, str | None]:
    body = b"\xef\xbb\xbf" + b"".join([*deltas(random, text), FINISH, DONE])
    return stream(body.replace(b"\n", random.choice([b"\r", b"\r\n"]))), text


@kind(5)
def gzipped(random: Random, text: str) -> tuple[Steps, str | None]:
    """Nobody asked for it."""
    head = STREAM_HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    body = gzip.compress(b"".join([*deltas(random, text), FINISH, DONE]), mtime=0)
    return [head, chunked(body), END, keep_alive], text


@kind(5)
def slow_drip(random: Random, text: str) -> tuple[Steps, str | None]:
    drops = [
        step
        for event in deltas(random, text)
        for step in (pause(random.uniform(0, 0.05)), chunked(event))
    ]
    return [STREAM_HEAD, *drops, chunked(FINISH + DONE), END, keep_alive], text


@kind(1)
def large_but_lawful(random: Random, text: str) -> tuple[Steps, str | None]:
    return stream(delta(text), b": " + b"x" * 500_000 + b"\n\n", FINISH, DONE), text


@kind(3)
def informed_first(random: Random, text: str) -> tuple[Steps, str | None]:
    steps = stream(*deltas(random, text), FINISH, DONE)
    return [b"HTTP/1.1 100 Continue\r\n\r\n", *steps], text


# Whole replies in odd forms, by the numbers of the list of server quirks.


@kind(4)
def keep_alive_comments(random: Random, text: str) -> tuple[Steps, str | None]:  # 6
    comment = random.choice([b": OPENROUTER PROCESSING\n\n", b": keep-alive\n\n", b"\n\n"])
    return stream(comment, delta(text), comment, FINISH, comment, DONE), text


@kind(4)
def no_choices(random: Random, text: str) -> tuple[Steps, str | None]:  # 7, 8, 9
    first = sse({"choices": [], "prompt_filter_results": []})
    bare = sse({"choices": [{"index": 0, "finish_reason": None}]})
    null = sse({"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]})
    usage = sse({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5}})
    return stream(first, bare, null, delta(text), FINISH, usage, DONE), text


@kind(3)
def parts(random: Random, text: str) -> tuple[Steps, str | None]:  # 10
    content = [{"type": "text", "text": text}, {"type": "reference", "reference_ids": [1]}]
    return stream(sse({"choices": [{"delta": {"content": content}}]}), FINISH, DONE), text


@kind(3)
def reasoning(random: Random, text: str) -> tuple[Steps, str | None]:  # 11
    name = random.choice(["reasoning", "reasoning_content"])
    thought = sse({"choices": [{"index": 0, "delta": {name: "hm"}}]})
    return stream(thought, delta(text), FINISH, DONE), text


@kind(3)
def tool_calls(random: Random, text: str) -> tuple[Steps, str | None]:  # 12, 13
    call = {"index": None, "id": "c", "function": {"name": "f", "arguments": "{}"}}
    called = sse({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})
    return stream(delta(text), called, FINISH, DONE), text


@kind(4)
def odd_finish(random: Random, text: str) -> tuple[Steps, str | None]:  # 13, 14
    none_yet = sse({"choices": [{"delta": {"content": text}, "finish_reason": ""}]})
    reason = random.choice(["eos", "model_length", "recitation", 7])
    return stream(none_yet, sse({"choices": [{"delta": {}, "finish_reason": reason}]})), text


@kind(4)
def data_after_done(random: Random, text: str) -> tuple[Steps, str | None]:  # 17
    return stream(delta(text), FINISH, DONE, delta("void"), DONE, sse("{")), text


@kind(4)
def open_after_done(random: Random, text: str) -> tuple[Steps, str | None]:  # 18
    return [STREAM_HEAD, *map(chunked, (delta(text), FINISH, DONE)), until_closed], text


@kind(2)
def open_after_finish(random: Random, text: str) -> tuple[Steps, str | None]:
    return [STREAM_HEAD, *map(chunked, (delta(text), FINISH)), until_closed], text


@kind(4)
def reset_after_done(random: Random, text: str) -> tuple[Steps, str | None]:  # 19
    return [STREAM_HEAD, chunked(delta(text) + FINISH + DONE), reset], text


@kind(3)
def one_json(random: Random, text: str) -> tuple[Steps, str | None]:  # 6, 21
    choice = {"index": 0, "message": {"content": text}, "finish_reason": "stop"}
    return plain_reply("200 OK", "\n\n" + json.dumps({"choices": [choice]})), text


@kind(2)
def refusal(random: Random, text: str) -> tuple[Steps, str | None]:  # 28
    return stream(sse({"choices": [{"delta": {"refusal": text}}]}), FINISH, DONE), text
