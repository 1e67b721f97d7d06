"""What every dialect's answer says of its run: the text, why it ended, and the field `council`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from typing import Any, Literal

from council.replies import Reply
from council.result import Result

Finish = Literal["stop", "length"]

_TAKEN = ("run_id", "status", "reasons", "warnings", "strategy", "agreement", "votes", "dissent")


def council_field(
    result: Result, ignored: Sequence[str], discarded: Sequence[str] = ()
) -> dict[str, Any]:
    """What a run came to, as plain JSON-ready values.

    Args:
        result: The run's result.
        ignored: Fields of the request that changed nothing.
        discarded: Why drafts of the answer were discarded that had been sent, or begun.
    """
    told = result.to_dict()
    return {
        **{name: told[name] for name in _TAKEN},
        "cost": told["cost"],
        "seconds": round(result.seconds, 3),
        "ignored": list(ignored),
        "discarded": list(discarded),
    }


def text_of(result: Result) -> str:
    """The answer's text; JSON alone where that is what was asked for.

    An expert whose server cannot be held to a form may have put words or a fence around it, and
    clients read such an answer as JSON.
    """
    answer = result.answer or ""
    if result.parsed is None:
        return answer
    try:
        json.loads(answer)
    except (ValueError, RecursionError):
        return json.dumps(result.to_dict()["parsed"], ensure_ascii=False)
    return answer


def finish_of(result: Result) -> Finish:
    """Why the answer ended: `length` where whoever wrote it was cut off at a token limit."""
    wrote = _authors(result)
    return "length" if any(reply.finish_reason == "length" for reply in wrote) else "stop"


def _authors(result: Result) -> list[Reply]:
    """Whose words the answer is: the first reply that says just that, else all that stand in it."""
    answer = result.answer or ""
    decider = () if result.decider is None else (result.decider,)
    rounds = chain.from_iterable(held.replies for held in reversed(result.rounds))
    replies = [*decider, *rounds, *result.experts, *result.others]
    for reply in replies:
        if reply.text == answer:
            return [reply]
    return [reply for reply in replies if reply.text.strip() and reply.text.strip() in answer]
