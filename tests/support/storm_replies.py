"""What a bad day of a server looks like: replies of every kind, drawn at random from a seed.

A `Reply` knows what a client may take it for: `said` is the text of a reply that was sent whole,
and None for one that was not, or that is no reply at all. Each carries its own number in its text,
so that whatever a client calls complete can be traced to what was sent.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from council.testing import (
    CLOSE_HEAD,
    DONE,
    END,
    FINISH,
    QUIRK_NAMES,
    STREAM_HEAD,
    Step,
    chunked,
    delta,
    keep_alive,
    pause,
    quirks,
    reset,
    stream,
    until_closed,
)


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


def pieces(random: Random, text: str, most: int = 6) -> list[str]:
    """A text cut anywhere."""
    places = sorted(random.sample(range(1, len(text)), random.randint(1, most)))
    return [text[i:j] for i, j in zip([0, *places], [*places, len(text)], strict=True)]


def deltas(random: Random, text: str) -> list[bytes]:
    """The events of a text cut anywhere."""
    return [delta(piece) for piece in pieces(random, text)]


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


# Replies in odd forms, whole and not.


def _quirk(name: str) -> Maker:
    def make(random: Random, text: str) -> tuple[Steps, str | None]:
        place = random.randint(text.index("says"), len(text) - 1)
        chosen = quirks(text[:place], text[place:])[name]
        return chosen.steps, None if chosen.error else chosen.said + chosen.refusal

    make.__name__ = name
    return make


for _name in QUIRK_NAMES:
    kind(1)(_quirk(_name))


@kind(4)
def open_after_done(random: Random, text: str) -> tuple[Steps, str | None]:
    return [STREAM_HEAD, *map(chunked, (delta(text), FINISH, DONE)), until_closed], text


@kind(2)
def open_after_finish(random: Random, text: str) -> tuple[Steps, str | None]:
    return [STREAM_HEAD, *map(chunked, (delta(text), FINISH)), until_closed], text


@kind(4)
def reset_after_done(random: Random, text: str) -> tuple[Steps, str | None]:
    return [STREAM_HEAD, chunked(delta(text) + FINISH + DONE), reset], text
