"""Whatever events a run has, the record gives the same ones back, as values and as lines."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from council.events import Event, RunStarted, to_json
from council.limits import RunLimits
from council.messages import ChatMessage
from council.result import Result
from council.store.panel_record import PanelRecord
from council.store.records import Head
from council.store.store import Store


@pytest.fixture(scope="module", autouse=True)
def _values_that_json_can_carry() -> Iterator[None]:
    st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
    plain = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
    nested = st.recursive(
        plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4
    )
    st.register_type_strategy(Result, st.builds(Result, parsed=nested))
    yield
    st.register_type_strategy(float, st.floats())


IDS = st.text("0123456789abcdef", min_size=32, max_size=32)
# Deferred, until it is said which values are meant.
FIRST = st.deferred(lambda: st.from_type(RunStarted))
OTHERS = st.deferred(
    lambda: st.one_of([st.from_type(kind) for kind in get_args(Event) if kind is not RunStarted])
)
HEAD = Head((ChatMessage("user", "?"),), PanelRecord((), ()), "vote", {}, RunLimits())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(id=IDS, first=FIRST, rest=st.lists(OTHERS, max_size=12), data=st.data())
def test_any_events_come_back(
    id: str, first: RunStarted, rest: list[Event], data: st.DataObject
) -> None:
    events = [replace(first, run_id=id), *rest]
    watched: list[Event] = []
    flushes = data.draw(st.sets(st.integers(0, len(events))), label="flush after")
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "r.sqlite3") as store:
        recording = store.record(HEAD)
        emit = recording.watch(watched.append)
        for number, event in enumerate(events):
            emit(event)
            if number in flushes:
                store.runs()  # what was handed over is written first
        recording.close()
        assert [run.id for run in store.runs()] == [id]
        assert store.lines(id) == [to_json(event) for event in events]
        assert list(store.events(id)) == events
    assert watched == events
