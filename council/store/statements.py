"""From what happens in a run to the rows that keep it."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from council.events import (
    Event,
    ExpertCancelled,
    ExpertFailed,
    ExpertFinished,
    ExpertToken,
    RunFinished,
    RunStarted,
    to_json,
)
from council.limits import RunLimits
from council.messages import ChatMessage, Usage
from council.place import Place
from council.replies import Failure
from council.store.canonical import canonical, fingerprint, request_text
from council.store.choices import choices_text
from council.store.gathered import gathered
from council.store.items import Closed, Embeddings, Ended, Item, Sent, Vector
from council.store.records import Head
from council.store.secrets import Scrubber
from council.store.vectors import mark_of, packed, text_mark

Statement = tuple[str, tuple[Any, ...]]
"""SQL and its values."""

MESSAGES = TypeAdapter(tuple[ChatMessage, ...])
FAILURE = TypeAdapter(Failure)
USAGE = TypeAdapter(Usage)
LIMITS = TypeAdapter(RunLimits)
PLACE: TypeAdapter[Place | None] = TypeAdapter(Place | None)

# From the run's own row: where somebody has deleted it meanwhile, there is nothing to add to.
_OF = "FROM runs WHERE id = ?"
_EVENTS = f"INSERT INTO events (run, first, lines) SELECT number, ?, ? {_OF}"
_BODY = "INSERT OR IGNORE INTO bodies (fingerprint, body) VALUES (?, ?)"
_REQUEST = f"INSERT INTO requests (run, number, expert, fingerprint) SELECT number, ?, ?, ? {_OF}"
_REPLY = f"INSERT INTO replies (run, number, tokens, failure) SELECT number, ?, ?, ? {_OF}"
_TEXT = f"INSERT INTO texts (run, who, text) SELECT number, ?, ? {_OF}"
_VECTOR = "INSERT OR IGNORE INTO vectors (fingerprint, vector) VALUES (?, ?)"
_EMBEDDED = (
    "INSERT OR IGNORE INTO embeddings (run, model, space, text, vector, tokens, estimated)"
    f" SELECT number, ?, ?, ?, ?, ?, ? {_OF}"
)
_FINISH = "UPDATE runs SET status = ?, ended = ?, answer = ?, usage = ? WHERE id = ?"
_CLOSE = "UPDATE runs SET status = 'interrupted', ended = ? WHERE status = 'running' AND id = ?"
_START = (
    "INSERT INTO runs (id, origin, parent, status, pid, started, question, conversation, source,"
    " config, panel, fingerprint, strategy, options, limits, seed, usage, talk, place, owner)"
    " VALUES (?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Script:
    """Turns one run's items into statements, in order; lives in the writer's thread.

    Each statement is made once and may be executed again: a transaction that failed for a lock is
    repeated as it is.
    """

    def __init__(self, head: Head, warn: Callable[[str], object]) -> None:
        self.items: deque[Item] = deque()
        """What happened and is not yet written; others append to it."""
        self.closed = False
        """Whether nothing more will come."""
        self._head = head
        self._warn = warn
        self._started = time.time()
        self._scrub = Scrubber(head.secrets)
        self._id = ""
        self._written = 0

    def statements(self) -> list[Statement]:
        """Takes the items and makes their rows; the lines of all events among them make one."""
        made: list[Statement] = []
        lines: list[str] = []
        for _ in range(len(self.items)):  # and no more: whoever is faster must not hold this up
            item = self.items.popleft()
            try:
                if type(item) is ExpertToken:  # nearly all of them are
                    lines.append(to_json(item))
                else:
                    made += self._made_of(item, lines)
            except Exception as error:
                # A plug-in may put into a request what no JSON can hold: that costs this item.
                self._warn(f"a part of run {self._id[:8]} ({type(item).__name__}: {error})")
        if lines:
            made.append((_EVENTS, (self._written, self._scrub("\n".join(lines)), self._id)))
            self._written += len(lines)
        return made

    def _made_of(self, item: Item, lines: list[str]) -> list[Statement]:
        match item:
            case Sent():
                return self._sent(item)
            case Ended():
                return [self._ended(item)]
            case Embeddings():
                return [made for each in item.vectors for made in self._embedded(item, each)]
            case Closed():
                self.closed = True
                return [(_CLOSE, (item.at, self._id))]
            case _:
                lines.append(to_json(item))
                return self._about(item)

    def _about(self, event: Event) -> list[Statement]:
        """What an event changes besides being one more line."""
        match event:
            case RunStarted():
                self._id = event.run_id
                return [self._start(event), self._text("question", event.question)]
            case ExpertFinished() | ExpertFailed() | ExpertCancelled() if event.reply.text:
                return [self._text(event.reply.label, event.reply.text)]
            case RunFinished():
                return self._finish(event)
            case _:
                return []

    def _start(self, event: RunStarted) -> Statement:
        head = self._head
        values = (
            event.run_id,
            head.origin,
            head.parent,
            os.getpid(),
            self._started,
            self._scrub.text(event.question),
            self._scrub(MESSAGES.dump_json(head.conversation, fallback=str).decode()),
            # A name that is not UTF-8 arrives with surrogates, which SQLite cannot hold.
            head.source.encode("utf-8", "replace").decode(),
            canonical(head.config),
            canonical(head.panel.to_dict()),
            head.panel.fingerprint,
            head.strategy,
            canonical(head.options),
            LIMITS.dump_json(head.limits).decode(),
            str(event.seed),
            USAGE.dump_json(Usage()).decode(),
            head.place.conversation if head.place else "",
            self._scrub(PLACE.dump_json(head.place).decode()),
            head.owner,
        )
        return _START, values

    def _finish(self, event: RunFinished) -> list[Statement]:
        result = event.result
        ended = self._started + event.at
        answer = None if result.answer is None else self._scrub.text(result.answer)
        usage = USAGE.dump_json(result.usage).decode()
        done = [(_FINISH, (result.status, ended, answer, usage, self._id))]
        return [*done, self._text("answer", result.answer)] if result.answer else [*done]

    def _sent(self, item: Sent) -> list[Statement]:
        text = request_text(item.request)
        mark = fingerprint(text)
        return [
            (_BODY, (mark, self._scrub(text))),
            (_REQUEST, (item.number, item.expert, mark, self._id)),
        ]

    def _ended(self, item: Ended) -> Statement:
        tokens = () if item.failure else gathered(item.tokens)
        failure = FAILURE.dump_json(item.failure).decode() if item.failure else None
        return _REPLY, (
            item.number,
            self._scrub(choices_text(tokens)),
            None if failure is None else self._scrub(failure),
            self._id,
        )

    def _embedded(self, item: Embeddings, each: Vector) -> list[Statement]:
        data, text = packed(each.vector), canonical(each.text)
        # A text may be read off its vector: what must not be kept of one is not kept as the other.
        if data is None or self._scrub(text) != text:
            return []
        mark, usage = mark_of(data), each.usage
        row = (item.model, item.space, text_mark(each.text), mark, usage.total_tokens)
        return [(_VECTOR, (mark, data)), (_EMBEDDED, (*row, usage.estimated, self._id))]

    def _text(self, who: str, text: str) -> Statement:
        return _TEXT, (who, self._scrub.text(text), self._id)
