"""A run of the record, looked at as one that is under way."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from council.errors import StoreError
from council.events import RunFinished, from_json, to_json
from council.gateway.interrupted import last_event
from council.gateway.numbered import Numbered
from council.messages import ChatMessage
from council.result import Result
from council.store.records import RunRecord, RunState
from council.store.store import Store


class KeptRun:
    """A run that is over, or that another process is taking to its end.

    Attributes:
        id: The run's id.
        panel: The panel's name.
        owner: Whose run it is.
        messages: What was asked, the question last.
        question: The last message's text.
        strategy: The strategy's name.
        created: When it began, in seconds since 1970 UTC.
        status: How it stands.
        result: What it came to; None while it goes on elsewhere.
    """

    def __init__(self, record: RunRecord, panel: str, lines: Sequence[str]) -> None:
        self.id = record.id
        self.panel = panel
        self.owner = record.owner
        self.messages: tuple[ChatMessage, ...] = record.conversation
        self.question = record.question
        self.strategy = record.strategy
        self.created = record.started
        self.status: RunState = record_status(record)
        self._lines = list(lines)
        last = from_json(lines[-1]) if lines else None
        if not isinstance(last, RunFinished) and self.status != "running":
            last = last_event(self.id, map(from_json, lines), question=self.question)
            self._lines.append(to_json(last))
        self.result: Result | None = last.result if isinstance(last, RunFinished) else None

    @property
    def count(self) -> int:
        """How many events there are."""
        return len(self._lines)

    async def watch(self, after: int = 0) -> AsyncGenerator[Numbered, None]:
        """The events behind the one of that number."""
        for number in range(after, len(self._lines)):
            yield Numbered(number + 1, line=self._lines[number])

    async def batches(self, after: int = 0) -> AsyncGenerator[list[Numbered], None]:
        """As `watch`; all of them come together."""
        if after < len(self._lines):
            yield [numbered async for numbered in self.watch(after)]

    def cancel(self) -> None:
        """Does nothing: it is over, or somebody else's to stop."""


def kept_run(store: Store, id: str, panel_of: dict[str, str]) -> KeptRun | None:
    """A run by its whole id; None where it is not kept. Waits for the disk.

    Args:
        store: Where runs are kept.
        id: The run's id.
        panel_of: Names of panels by their files' paths.

    Raises:
        StoreError: The file cannot be read.
    """
    try:
        record = store.run(id)
    except StoreError:
        # Nothing begins so, or much does: neither is a run's whole id.
        return None
    if record.id != id:
        return None
    return KeptRun(record, panel_name(record, panel_of), store.lines(id))


def panel_name(record: RunRecord, panel_of: dict[str, str]) -> str:
    """What a run's panel is called here, or by its file's name; empty for one that is no file."""
    if record.source in panel_of:
        return panel_of[record.source]
    return record.source.rpartition("/")[2].rpartition(".")[0]


def record_status(record: RunRecord) -> RunState:
    """How a run stands: one whose process has gone was interrupted."""
    if record.status == "running" and not record.alive:
        return "interrupted"
    return record.status
