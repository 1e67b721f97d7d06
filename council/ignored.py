"""What a server ignored of what it was asked, as far as its reply shows it.

A knob that leaves no trace in a reply, `seed` before all, is left to `council doctor`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from council.messages import CHARACTERS_PER_TOKEN, ChatRequest
from council.replies import Reply

Exchange = tuple[ChatRequest, Reply, int]
"""What was asked, the reply, and how many answers it held."""


# Servers count the last token differently, and what is estimated may be off by far.
_SLACK_TOKENS = 8
_COUNTED, _ESTIMATED = 1.1, 2.0


def ignored_by_each(exchanges: Iterable[Exchange]) -> tuple[str, ...]:
    """A sentence for each knob that an expert's server ignored, however often it did."""
    found: dict[tuple[str, str], str] = {}
    for request, reply, choices in exchanges:
        for knob, sentence in ignored_knobs(request, reply, choices).items():
            found.setdefault((reply.id, knob), sentence)
    return tuple(found.values())


def ignored_knobs(request: ChatRequest, reply: Reply, choices: int) -> dict[str, str]:
    """The knobs that a reply shows to have been ignored, each with a sentence that says how.

    Args:
        request: What was asked, in its fields or in `extra`, which comes last in a body too.
        reply: What came; only a whole reply tells anything.
        choices: How many answers came to the one request.
    """
    if reply.status != "complete":
        return {}
    asked = _asked(request)
    found = {
        "logprobs": _logprobs(asked, reply),
        "n": _choices(asked, choices),
        "response_format": _format(asked, reply),
        "max_tokens": _limit(asked, reply, choices),
        "stop": _stop(asked, reply),
    }
    return {knob: f"{reply.id} ignores `{knob}`: {how}" for knob, how in found.items() if how}


def _asked(request: ChatRequest) -> dict[str, Any]:
    sampling = request.sampling
    fields = {
        "logprobs": request.logprobs is not None,
        "n": request.n,
        "response_format": request.response_format,
        "max_tokens": sampling.max_tokens,
        "stop": sampling.stop,
    }
    return {**fields, **request.extra}


def _logprobs(asked: dict[str, Any], reply: Reply) -> str:
    # 0 asks for them without others in their place, where it is a number.
    wanted = asked["logprobs"] not in (None, False)
    return "it sent none" if wanted and reply.text and not reply.logprobs else ""


def _choices(asked: dict[str, Any], choices: int) -> str:
    wanted = _whole_number(asked["n"]) or 1
    return f"{wanted} answers were asked for, {choices} came" if choices < wanted else ""


def _format(asked: dict[str, Any], reply: Reply) -> str:
    form = asked["response_format"]
    kind = form.get("type") if isinstance(form, dict) else None
    # What was cut off, filtered or is a call of a tool need not be JSON.
    if kind not in ("json_object", "json_schema") or reply.finish_reason not in (None, "stop"):
        return ""
    return "" if reply.refusal or _is_json(reply.text) else "the text is not JSON"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _limit(asked: dict[str, Any], reply: Reply, choices: int) -> str:
    limits = (asked.get("max_completion_tokens"), asked["max_tokens"])
    limit = max(filter(None, map(_whole_number, limits)), default=None)
    if limit is None:
        return ""
    written, slack = _written(reply)
    return (
        f"about {written} tokens came, {limit} were allowed"
        if written > limit * max(choices, 1) * slack + _SLACK_TOKENS
        else ""
    )


def _written(reply: Reply) -> tuple[int, float]:
    """The answer's length in tokens and by what factor it may be off; thoughts are left out.

    Some servers count thoughts against the limit and some do not: neither ignores it.
    """
    usage = reply.usage
    # Where tools were run, the count is that of several requests.
    counted = usage is not None and not usage.estimated and not reply.tools
    if usage is None or not counted or (reply.reasoning and not usage.reasoning_tokens):
        return len(reply.text) // CHARACTERS_PER_TOKEN, _ESTIMATED
    return usage.completion_tokens - usage.reasoning_tokens, _COUNTED


def _stop(asked: dict[str, Any], reply: Reply) -> str:
    if asked.get("include_stop_str_in_output"):
        return ""
    return next((f"{text!r} is in the text" for text in _stops(asked) if text in reply.text), "")


def _stops(asked: dict[str, Any]) -> Iterator[str]:
    for name in ("stop", "stop_sequences"):
        value = asked.get(name)
        for text in [value] if isinstance(value, str) else value or ():
            if isinstance(text, str) and text:
                yield text


def _whole_number(value: object) -> int | None:
    return value if type(value) is int and value > 0 else None
