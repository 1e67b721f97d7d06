"""Limits of tokens and money in runs: what is sent, what is not, and what the result says."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
import yaml

import council
from council.agents.embedder import Embedded
from council.agents.scripted import Script, ScriptedAgent
from council.assemble import assemble_panel
from council.budget import Amount, Budget
from council.errors import (
    AgentError,
    AgentTimeout,
    BackendError,
    ConfigError,
    LimitExceeded,
    LimitReached,
    TransportError,
)
from council.expert import Expert
from council.messages import ChatMessage, ChatRequest, ChatToken, Sampling, Usage
from council.metered import metered
from council.prices import Price
from council.result import Result
from council.store.store import Store
from council.strategies import Vote
from council.testing import RawServer, raw_server, whole_reply

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[1]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def seat(
    id: str, *scripts: Script, limit: int | None = None, price: Price | None = None
) -> tuple[ScriptedAgent, Expert]:
    agent = ScriptedAgent(id, *scripts)
    return agent, Expert(id, agent, sampling=Sampling(max_tokens=limit), price=price)


async def ask(*experts: Expert, **arguments: Any) -> Result:
    return await council.ask("?", panel=list(experts), **arguments)


async def test_what_might_pass_the_limit_is_not_sent() -> None:
    seats = [seat(id, "yes", limit=300) for id in "abc"]
    result = await ask(*(expert for _, expert in seats), max_total_tokens=700)
    assert sum(len(agent.requests) for agent, _ in seats) == 2
    assert (result.answer, result.status, result.limits_hit) == ("yes", "degraded", ("tokens",))
    assert result.reasons[0] == "the run's limit of 700 tokens cut in"
    (refused,) = [reply.error for reply in result.experts if reply.error]
    assert refused.kind == "limit"
    assert "not asked: the run's limit of 700 tokens has" in refused.message


async def test_nothing_usable_is_a_limit_exceeded() -> None:
    seats = [seat(id, "yes", limit=300) for id in "ab"]
    with pytest.raises(LimitExceeded, match=r"limit of 400 tokens cut in: quorum lost") as raised:
        await ask(*(expert for _, expert in seats), max_total_tokens=400)
    assert raised.value.limit == "tokens"


async def test_a_quorum_lost_without_the_limit_stays_one() -> None:
    a, b = seat("a", TransportError("down"), limit=10), seat("b", "yes", limit=10)
    with pytest.raises(council.QuorumLost):
        await ask(a[1], b[1], max_total_tokens=10_000)


async def test_a_request_without_a_limit_gets_its_share() -> None:
    seats = [seat(id, "yes") for id in "ab"]
    result = await ask(*(expert for _, expert in seats), max_total_tokens=1000)
    limits = [agent.requests[0].sampling.max_tokens for agent, _ in seats]
    assert all(limit is not None and 400 < limit < 500 for limit in limits)
    assert (result.status, result.limits_hit) == ("complete", ())


async def test_a_share_is_never_more_than_servers_take() -> None:
    agent, expert = seat("a", "yes")
    await ask(expert, max_total_tokens=10**9)
    assert agent.requests[0].sampling.max_tokens == 4096


async def test_what_a_share_cut_off_is_told() -> None:
    _, expert = seat("a", ["yes", ChatToken(finish_reason="length")])
    result = await ask(expert, max_total_tokens=500)
    assert (result.status, result.limits_hit) == ("degraded", ("tokens",))


async def test_too_little_for_an_answer_is_not_sent() -> None:
    agent, expert = seat("a", "yes")
    with pytest.raises(LimitExceeded):
        await ask(expert, max_total_tokens=40)
    assert agent.requests == []


async def test_without_limits_nothing_is_put_in() -> None:
    agent, expert = seat("a", "yes")
    await ask(expert)
    assert agent.requests[0].sampling.max_tokens is None


async def test_what_was_not_used_is_free_for_the_next_stage() -> None:
    # Answers and synthesis would not fit together, each with all that it may use.
    seats = [seat(id, "yes", limit=300) for id in "ab"]
    result = await ask(
        *(expert for _, expert in seats), max_total_tokens=1200, strategy="synthesize"
    )
    assert result.status == "complete"
    assert sum(len(agent.requests) for agent, _ in seats) == 3


async def test_a_cancelled_request_frees_what_it_did_not_use() -> None:
    begun = anyio.Event()

    async def hang() -> None:
        begun.set()
        await anyio.sleep_forever()

    slow, patient = seat("slow", ["word ", hang], "yes", limit=900)
    quick, hasty = seat("quick", [begun.wait, "yes"], limit=300)
    third, last = seat("third", "yes", limit=900)
    strategy = Vote(adaptive=True, wave=1)
    with anyio.fail_after(60):
        async with council.open_council([patient, hasty, last], strategy=strategy) as panel:
            result = await panel.ask("?", deadline=5.0, max_total_tokens=1500)
    # The first wave hangs until its part of the time has passed; then the others fit.
    assert [len(agent.requests) for agent in (slow, quick, third)] == [1, 1, 1]
    assert result.limits_hit == ()


async def test_the_limit_of_money() -> None:
    price = Price(input=1.0, output=100.0)
    seats = [seat(id, "yes", limit=300, price=price) for id in "abc"]
    result = await ask(*(expert for _, expert in seats), max_cost=0.07)
    assert sum(len(agent.requests) for agent, _ in seats) == 2
    assert result.limits_hit == ("cost",)
    assert result.reasons[0] == "the run's limit of $0.07 cut in"
    # One word of prompt and one of reply, twice.
    assert result.cost.amount == pytest.approx(2 * 101e-6)


async def test_money_needs_prices() -> None:
    _, expert = seat("a", "yes")
    with pytest.raises(ConfigError, match=r"\$1: nobody knows what a would cost: .*price"):
        await ask(expert, max_cost=1.0)


@pytest.mark.parametrize("limit", [{"max_total_tokens": 0}, {"max_cost": -1.0}])
async def test_a_limit_is_positive(limit: dict[str, Any]) -> None:
    _, expert = seat("a", "yes", price=Price(1, 1))
    with pytest.raises(ConfigError, match=next(iter(limit))):
        await ask(expert, **limit)


async def test_the_cost_of_who_has_no_price_is_unknown() -> None:
    _, a = seat("a", "yes", price=Price(input=2.0, output=4.0))
    _, b = seat("b", "yes")
    result = await ask(a, b)
    assert (result.cost.known, result.cost.unpriced) == (False, ("b",))
    assert result.cost.at_least == pytest.approx(6e-6)
    assert json.loads(result.to_json())["cost"]["amount"] is None


class Counting:
    """An embedder that says what it is asked to count."""

    model = "e"
    price = Price(input=1.0, output=0.0)

    def __init__(self, tokens: int) -> None:
        self.calls = 0
        self._tokens = tokens

    async def embed(self, texts: Any) -> Embedded:
        self.calls += 1
        return Embedded(tuple((1.0, 0.0) for _ in texts), Usage(self._tokens))

    async def aclose(self) -> None:
        """Holds nothing."""


@pytest.mark.parametrize(("limit", "calls"), [(2500, 1), (600, 0)])
async def test_embedding_counts_too(limit: int, calls: int) -> None:
    embedder = Counting(1000)
    seats = [seat(id, "word " * 100, limit=150, price=Price(0, 0)) for id in "ab"]
    async with council.open_council([expert for _, expert in seats]) as panel:
        panel.embedder = embedder
        strategy = {"name": "vote", "extract": "semantic"}
        async with panel.stream("?", strategy=strategy, max_total_tokens=limit) as run:
            _ = [event async for event in run]
    assert embedder.calls == calls
    result = run.result
    if calls:
        assert (result.status, result.cost.amount) == ("complete", 0.001)
    else:
        assert result.error is not None
        assert (result.error.kind, result.limits_hit) == ("limit", ("tokens",))


async def test_a_limit_makes_no_other_request_of_what_is_resumed(tmp_path: Path) -> None:
    """What is put into a request depends on others: the record has to know it all the same."""
    store = Store(tmp_path / "r.sqlite3")
    agent, expert = seat("a", "yes")
    bad, other = seat("b", TransportError("down"), "yes")
    from council.rerun import resumed

    panel = [expert, other]
    async with council.open_council(panel, store=store) as opened:
        async with opened.stream("?", max_total_tokens=1000) as run:
            _ = [event async for event in run]
        assert run.result.status == "failed"
    async with resumed(store, "last", panel=panel) as again:
        _ = [event async for event in again]
    await anyio.to_thread.run_sync(store.close)
    assert again.result.status == "complete"
    assert (len(agent.requests), len(bad.requests)) == (1, 2)


async def test_deciding_anew_costs_nothing_and_needs_no_prices(tmp_path: Path) -> None:
    from council.rerun import redecided

    _, expert = seat("a", "yes", price=Price(1.0, 1.0))
    with Store(tmp_path / "r.sqlite3") as store:
        async with (
            council.open_council([expert], store=store) as opened,
            opened.stream("?", max_cost=1.0) as run,
        ):
            _ = [event async for event in run]
        async with redecided(store, "last", "concat") as again:
            _ = [event async for event in again]
    assert again.result.status == "complete"
    assert (again.result.cost.known, again.result.cost.unpriced) == (False, ("a",))


async def test_a_second_request_has_to_fit_as_well() -> None:
    """As when a reply is late and its expert is asked again: both may be billed."""
    budget = Budget(tokens=500)
    agent = ScriptedAgent("a", "yes indeed")
    (expert,) = metered([Expert("a", agent)], budget)
    request = ChatRequest("m", (ChatMessage("user", "?"),), Sampling(max_tokens=300))
    async with aclosing(expert.agent.chat(request)) as first:
        await anext(first)
        async with aclosing(expert.agent.chat(request)) as second:
            with pytest.raises(LimitReached):
                await anext(second)
    # The first was left: what it had not used is free again.
    async with aclosing(expert.agent.chat(request)) as third:
        assert "".join([token.text async for token in third]) == "yes indeed"
    assert len(agent.requests) == 2
    assert budget.held == Amount()


async def test_a_prompt_that_was_read_for_nothing_costs_all_the_same() -> None:
    agent = ScriptedAgent("slow", [anyio.sleep_forever])
    slow = Expert("slow", agent, price=Price(4.0, 1.0))
    quick = Expert("quick", ScriptedAgent("quick", "yes"), price=Price(0, 0))
    question = "x" * 400
    result = await council.ask(question, panel=[slow, quick], strategy="first")
    assert result.experts[0].status == "cancelled"
    assert result.cost.amount == pytest.approx(100 * 4e-6)
    assert result.cost.estimated


HOSTED = {"model": "m", "endpoint": "http://127.0.0.1:9"}


async def test_a_panel_file_limits_money_only_with_prices() -> None:
    panel: dict[str, Any] = {
        "experts": [{**HOSTED, "price": {"input": 1, "output": 2}}, {**HOSTED}],
        "synthesizer": {**HOSTED},
        "embedder": HOSTED,
        "limits": {"cost": 1},
    }
    with pytest.raises(ConfigError, match=r"limits\.cost.* what B, synthesizer, embedder would"):
        assemble_panel(panel)
    for entry in (panel["experts"][1], panel["synthesizer"]):
        entry["price"] = {"input": 1, "output": 2, "cached_input": 0.5}
    panel["embedder"] = {**HOSTED, "price": {"input": 0.1}}
    _, parts = assemble_panel(panel)
    assert parts.limits.cost == 1.0
    assert parts.experts[1].price == Price(1.0, 2.0, 0.5)


async def test_local_models_cost_nothing() -> None:
    _, parts = assemble_panel({"experts": [{"model": "builtin:sage"}], "limits": {"cost": 0.1}})
    assert parts.experts[0].price == Price(0.0, 0.0)
    with pytest.raises(ConfigError, match=r"price: is for an `endpoint`"):
        assemble_panel({"experts": [{"model": "builtin:sage", "price": {"input": 1, "output": 1}}]})


def panel_file(folder: Path, server: RawServer, **more: Any) -> str:
    entry = {"model": "m", "endpoint": server.url, "sampling": {"max_tokens": 300}}
    entry["price"] = {"input": 1000, "output": 2000}
    file = folder / "panel.yaml"
    file.write_text(yaml.safe_dump({"experts": [entry] * 3, **more}))
    return str(file)


async def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    def call() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "council.cli", "run", "--no-store", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=100,
            check=False,
        )

    return await anyio.to_thread.run_sync(call)


async def test_the_command_line(tmp_path: Path) -> None:
    async with raw_server(whole_reply("It is ", "42.")) as server:
        file = panel_file(tmp_path, server)
        done = await command(file, "?", "--max-total-tokens", "750")
        assert (done.returncode, done.stdout) == (0, "It is 42.\n")
        assert "degraded: the run's limit of 750 tokens cut in" in done.stderr
        assert "$" in done.stderr.splitlines()[-1]
        spent = await command(file, "?", "--max-cost", "0.7", "--json")
        assert spent.returncode == 4
        assert json.loads(spent.stdout)["limits_hit"] == ["cost"]
        assert "the run's limit of $0.7 cut in" in spent.stderr


async def test_an_interrupted_run_costs_what_was_written_by_then() -> None:
    dear = Price(input=1000.0, output=1000.0)
    _, expert = seat("a", [ChatToken("words " * 20), anyio.sleep_forever], price=dear)
    async with council.open_council([expert]) as opened, opened.stream("?") as run:
        async for event in run:
            if event.type == "expert.token":
                break
        partial = run.snapshot()
    assert partial.usage.completion_tokens == 30
    assert partial.cost.amount == pytest.approx(partial.usage.total_tokens * 1e-3)


@pytest.mark.parametrize(
    ("error", "spent"),
    [
        (TransportError("down"), False),
        (BackendError("did not start"), False),
        (AgentTimeout("connect", 1.0), False),
        (AgentTimeout("idle", 1.0), True),
    ],
)
async def test_what_no_model_has_read_uses_nothing_up(error: AgentError, spent: bool) -> None:
    budget = Budget(tokens=10_000)
    (expert,) = metered([seat("a", error, limit=10)[1]], budget)
    request = ChatRequest("m", (ChatMessage("user", "?" * 1000),))
    async with aclosing(expert.agent.chat(request)) as tokens:
        with pytest.raises(type(error)):
            await anext(tokens)
    assert budget.free_tokens is not None
    assert (budget.free_tokens < 10_000) is spent
