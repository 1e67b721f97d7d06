"""What real servers send, by stable names, and what a good client makes of it.

Each body says the same two pieces of text as far as its quirk lets it; any cutting of it into
frames and reads has to come to the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from council.testing.frames import DONE, FINISH, choice, delta, sse, stream, usage
from council.testing.steps import Step


@dataclass(frozen=True, slots=True)
class Quirk:
    """The body of one reply.

    Attributes:
        body: An event stream, or what a server sends for one.
        said: The reply's text; where it is no whole reply, the text that arrives before the error.
        error: Words of the error that a client reports; None where the reply is whole.
        refusal: What is said instead of an answer.
    """

    body: bytes
    said: str
    error: str | None = None
    refusal: str = ""

    @property
    def steps(self) -> list[Step]:
        """The reply as a server sends it."""
        return stream(self.body)


_AZURE_FIRST = sse({"choices": [], "prompt_filter_results": [{}]})
_NO_USAGE = sse({"choices": [], "usage": None})
_THOUGHT = {"reasoning_content": "hm"}
_CALL = {"id": "x", "function": {"name": "f", "arguments": '{"a"'}}
_CALL_REST = {"index": None, "function": {"arguments": ": 1}"}}
_BOOM = {"message": "boom"}
_EARLY = "ended before the reply was finished"


def quirks(first: str = "a", second: str = "b") -> dict[str, Quirk]:
    """All of them by name.

    Args:
        first: The first piece of each reply's text.
        second: The second one.
    """
    tables = (_odd_frames, _odd_fields, _odd_ends, _odd_bytes, _plain, _errors, _cuts)
    return {name: each for table in tables for name, each in table(first, second).items()}


def _odd_frames(first: str, second: str) -> dict[str, Quirk]:
    a, b, both = delta(first), delta(second), first + second
    lines = f'data: {{"choices": [{{"delta":\ndata: {{"content": {json.dumps(first)}}}}}]}}\n\n'
    comments = b": OPENROUTER PROCESSING\n\n" + a + b": x\n\n\n\n" + b + FINISH + b": x\n\n" + DONE
    return {
        "keep-alive-comments": Quirk(comments, both),
        "no-choices": Quirk(_AZURE_FIRST + a + b + FINISH + usage(3, 2) + _NO_USAGE + DONE, both),
        "several-data-lines": Quirk(lines.encode() + FINISH, first),
        "many-events-in-one-read": Quirk(a * 50 + FINISH, first * 50),
        "no-space-after-data": Quirk((a + FINISH).replace(b"data: ", b"data:"), first),
    }


def _odd_fields(first: str, second: str) -> dict[str, Quirk]:
    a, b, both = delta(first), delta(second), first + second
    parts = [{"type": "text", "text": both}, {"type": "reference", "reference_ids": [1]}]
    null = choice(delta={"role": "assistant", "content": None})
    calls = choice(delta={"tool_calls": [_CALL]}) + choice(delta={"tool_calls": [_CALL_REST]})
    return {
        "no-delta": Quirk(choice() + a + choice(delta=None) + b + FINISH, both),
        "null-content": Quirk(null + a + FINISH, first),
        "content-in-parts": Quirk(choice(delta={"content": parts}) + DONE, both),
        "reasoning-content": Quirk(choice(delta=_THOUGHT) + a + FINISH, first),
        "reasoning": Quirk(choice(delta={"reasoning": "hm"}) + a + FINISH, first),
        "tool-calls-without-index": Quirk(a + calls + FINISH, first),
        "refusal": Quirk(choice(delta={"refusal": both}) + FINISH, "", refusal=both),
    }


def _odd_ends(first: str, second: str) -> dict[str, Quirk]:
    a, b, both = delta(first), delta(second), first + second
    none_yet = choice(delta={"content": first}, finish_reason="")
    after_done = a + DONE + b + b"data: garbage\n\n" + DONE
    return {
        "empty-finish-reason": Quirk(none_yet + FINISH, first),
        "unknown-finish-reason": Quirk(a + choice(delta={}, finish_reason="whim") + DONE, first),
        "finish-reason-of-another-type": Quirk(a + choice(delta={}, finish_reason=7), first),
        "no-done": Quirk(a + b + FINISH, both),
        "no-finish-reason": Quirk(a + b + DONE, both),
        "done-without-blank-line": Quirk(a + b + b"data: [DONE]", both),
        "data-after-done": Quirk(after_done, first),
    }


def _odd_bytes(first: str, second: str) -> dict[str, Quirk]:
    a, b, both = delta(first), delta(second), first + second
    plain = a + b + FINISH + DONE
    odd = f"{first}\u2028{second}\u0085"
    raw = json.dumps({"choices": [{"delta": {"content": first}}]}, ensure_ascii=False).encode()
    broken = b"data: " + raw.replace(b'"}}', b'\xff"}}') + b"\n\n"
    return {
        "cr-line-ends": Quirk(plain.replace(b"\n", b"\r"), both),
        "crlf-line-ends": Quirk(plain.replace(b"\n", b"\r\n"), both),
        "byte-order-mark": Quirk(b"\xef\xbb\xbf" + a + FINISH, first),
        "unicode-line-separators": Quirk(delta(odd) + FINISH, odd),
        "broken-characters": Quirk(broken + FINISH, f"{first}\N{REPLACEMENT CHARACTER}"),
    }


def _json(text: str) -> bytes:
    reply = {"index": 0, "message": {"content": text}, "finish_reason": "stop"}
    return json.dumps({"choices": [reply]}).encode()


def _plain(first: str, second: str) -> dict[str, Quirk]:
    whole = _json(first + second)
    return {
        "plain-json": Quirk(whole, first + second),
        "blank-lines-before-json": Quirk(b"\n\n \n" + whole, first + second),
        "plain-json-error": Quirk(json.dumps({"error": _BOOM}).encode(), "", "boom"),
        "half-a-json": Quirk(whole[:-5], "", "malformed"),
    }


def _errors(first: str, second: str) -> dict[str, Quirk]:
    a, boom = delta(first), json.dumps(_BOOM).encode()

    def said(event: bytes) -> Quirk:
        return Quirk(a + event + DONE, first, "boom")

    gave_up = choice(delta={}, finish_reason="abort")
    return {
        "error-object": said(sse({"error": {**_BOOM, "code": 500}})),
        "error-text": said(sse({"error": "boom"})),
        "error-as-object-name": said(sse({"object": "error", **_BOOM})),
        "error-as-type": said(sse({"type": "error", **_BOOM})),
        "error-event": said(b"event: error\ndata: " + boom + b"\n\n"),
        "error-line": said(b"error: " + boom + b"\n\n"),
        "error-without-choices": Quirk(sse({"choices": [], "error": _BOOM}), "", "boom"),
        "gave-up": Quirk(a + gave_up + DONE, first, "gave up"),
    }


def _cuts(first: str, second: str) -> dict[str, Quirk]:
    a, b, both = delta(first), delta(second), first + second
    return {
        "end-without-end": Quirk(a + b, both, _EARLY),
        "half-a-frame": Quirk(a + b[:20], first, _EARLY),
        "empty-body": Quirk(b"", "", "empty"),
        "malformed-json": Quirk(a + b"data: {'choices': 1}\n\n" + DONE, first, "malformed"),
    }


QUIRK_NAMES = tuple(quirks())
"""The names of all quirks."""
