"""What a council has begun it ends, also where it gets no further."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import council
from council.agents.kinds import KINDS
from council.agents.scripted import ScriptedAgent
from council.errors import ConfigError, StrategyError
from council.limits import RunLimits
from council.messages import ChatMessage
from council.sources import StoreSource
from council.store.items import Closed, Item
from council.store.recording import Recording
from council.store.records import Head
from council.store.store import Store
from council.store.tape import Tape
from council.strategies import Strategy, Vote

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> ScriptedAgent:
    """The agent behind `kind: made`, which a panel closes since it is made from a file."""
    agent = ScriptedAgent("ada", "yes")

    def build(*_: object) -> ScriptedAgent:
        return agent

    module: Any = ModuleType("made_for_this_test")
    module.build = build
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(KINDS, "made", module.__name__)
    return agent


PANEL = {"experts": [{"id": "ada", "model": "m", "endpoint": "http://host.test", "kind": "made"}]}


async def test_a_panel_is_closed_at_the_end(agent: ScriptedAgent) -> None:
    async with council.open_council(PANEL) as opened:
        assert (await opened.ask("?")).answer == "yes"
        assert not agent.closed
    assert agent.closed


async def test_a_panel_is_closed_where_its_strategy_is_misspelt(agent: ScriptedAgent) -> None:
    with pytest.raises(ConfigError, match="unknown strategy 'vot'"):
        async with council.open_council(PANEL, strategy="vot"):
            pass
    assert agent.closed


async def test_a_panel_is_closed_where_there_is_no_place_for_a_store(
    agent: ScriptedAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(self: Store, path: StoreSource) -> None:
        raise OSError("no home")

    monkeypatch.setattr(Store, "__init__", nowhere)
    with pytest.raises(OSError, match="no home"):
        async with council.open_council(PANEL, store="runs.sqlite3"):
            pass
    assert agent.closed


class Watched(Store):
    """A store that shows what its recordings hand over."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.items: list[Item] = []

    def record(self, head: Head) -> Recording:
        assert head.limits == RunLimits()
        return Recording(self.items.append, lambda: None)


class Torn(Tape):
    """Fails when the run is about to be made."""

    def guard(self, strategy: Strategy) -> Strategy:
        raise StrategyError("torn")


async def test_a_record_that_was_begun_is_closed_where_no_run_comes_of_it(tmp_path: Path) -> None:
    store = Watched(tmp_path / "runs.sqlite3")
    tape = Torn("run", (), live=True, origin="resume")
    async with council.open_council([ScriptedAgent("ada", "yes")], store=store) as opened:
        with pytest.raises(StrategyError, match="torn"):
            async with opened.stream([ChatMessage("user", "?")], strategy=Vote(), tape=tape):
                pass
    assert [type(item) for item in store.items] == [Closed]


@pytest.mark.parametrize("mistake", [{"strategy": "vot"}, {"limits": {"quorum": 3}}])
async def test_what_was_built_of_a_panel_with_a_mistake_is_closed(
    agent: ScriptedAgent, mistake: dict[str, object]
) -> None:
    with pytest.raises(ConfigError):
        async with council.open_council({**PANEL, **mistake}):
            pass
    assert agent.closed
