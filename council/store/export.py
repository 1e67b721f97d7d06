"""A run for other eyes: lines of JSON for programs, Markdown for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from council.events import ExpertCancelled, ExpertFailed, ExpertFinished, RunFinished
from council.messages import Usage
from council.place import Place
from council.replies import Reply
from council.result import Result
from council.store.choices import choices_text
from council.store.records import RecordedReply, RecordedRequest, RunRecord
from council.store.store import Store

_RUN = TypeAdapter(RunRecord)
_REQUEST = TypeAdapter(RecordedRequest)
_REPLY = TypeAdapter(RecordedReply)


def as_lines(store: Store, run: RunRecord) -> Iterator[str]:
    """A run as lines of JSON, each with a `type`: `run`, its requests, its replies, its events.

    Events are the lines that `council run --events` prints.
    """
    yield run_line(run)
    for request in store.requests(run.id):
        fields = json.loads(_REQUEST.dump_json(replace(request, body="")))
        yield _line("request", {**fields, "body": json.loads(request.body)})
    for reply in store.replies(run.id):
        fields = json.loads(_REPLY.dump_json(replace(reply, tokens=())))
        yield _line("reply", {**fields, "tokens": json.loads(choices_text(reply.tokens))})
    yield from store.lines(run.id)


def run_line(run: RunRecord) -> str:
    """What is kept of a run as a whole, as one line of JSON; its status in the words of tables."""
    told = {"status": run.state, "options": json.loads(run.options)}
    return _line("run", {**json.loads(_RUN.dump_json(run)), **told})


def as_markdown(store: Store, run: RunRecord) -> str:
    """A run as a document: question, answer, and what each expert said."""
    replies: list[Reply] = []
    result: Result | None = None
    for event in store.events(run.id):
        if isinstance(event, ExpertFinished | ExpertFailed | ExpertCancelled):
            replies.append(event.reply)
        elif isinstance(event, RunFinished):
            result = event.result
    parts = [f"# {' '.join(run.question.split())[:100]}", _facts(run, replies), *_before(run)]
    parts += ["## Question", run.question]
    if run.answer is not None:
        parts += ["## Answer", run.answer]
    if result is not None:
        parts += _remarks(result)
    for reply in replies:
        parts += [f"## {reply.label} ({reply.model}), {reply.stage}: {reply.status}", _said(reply)]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def day_and_time(seconds: float) -> str:
    """A moment, given in seconds since 1970 UTC, by the clock of this place."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _line(kind: str, fields: dict[str, Any]) -> str:
    return json.dumps({"type": kind, **fields}, ensure_ascii=False)


def _facts(run: RunRecord, replies: Sequence[Reply]) -> str:
    # A run that broke off was never added up.
    usage = run.usage if run.ended is not None else _sum(replies)
    took = "" if run.ended is None else f", {run.ended - run.started:.1f} s"
    facts = {
        "run": run.id,
        "from": f"{run.parent} ({run.origin})" if run.parent else "",
        "conversation": _place(run.place) if run.place else "",
        "started": f"{day_and_time(run.started)}{took}",
        "status": run.state,
        "panel": run.source,
        "experts": ", ".join(f"{seat.id} ({seat.model})" for seat in run.panel.experts),
        "strategy": run.strategy,
        "options": "" if run.options == "{}" else run.options,
        "seed": str(run.seed),
        "tokens": str(usage.total_tokens),
    }
    return "\n".join(f"- {name}: {value}" for name, value in facts.items() if value)


def _sum(replies: Sequence[Reply]) -> Usage:
    return sum((reply.usage for reply in replies if reply.usage), Usage())


def _place(place: Place) -> str:
    own = ", each expert with its own answers" if place.history == "own" else ""
    return f"{place.conversation}, turn {place.turn}{own}"


def _before(run: RunRecord) -> list[str]:
    """The conversation so far, as the panel was shown it."""
    earlier = run.conversation[:-1]
    return ["## Before", *(f"**{each.role}**: {each.text}" for each in earlier)] if earlier else []


def _remarks(result: Result) -> list[str]:
    remarks = [*result.reasons, *result.warnings]
    if result.error is not None:
        remarks.append(result.error.message)
    if result.agreement is not None:
        remarks.append(f"{result.agreement.agree} of {result.agreement.of} agree")
    return ["\n".join(f"- {remark}" for remark in remarks)]


def _said(reply: Reply) -> str:
    error = f"*{reply.error.message}*" if reply.error else ""
    return f"{_tools(reply)}\n\n{reply.text}\n\n{error}"


def _tools(reply: Reply) -> str:
    """The tools that were run for a reply, a line each; what they gave stays on it."""
    gave = ((used, "no end" if used.result is None else used.result) for used in reply.tools)
    calls = (f"{used.name} {used.arguments} → {result}" for used, result in gave)
    return "\n".join(f"- {' '.join(call.split())}" for call in calls)
