"""Agents with the record around them: what counts as a reply, and who is asked again."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

import council
from council.agents.scripted import ScriptedAgent, Step
from council.errors import AgentError, StreamError, TransportError
from council.expert import Expert
from council.messages import (
    ChatMessage,
    ChatRequest,
    ChatToken,
    Notice,
    Sampling,
    TokenLogprob,
    ToolCallDelta,
    Usage,
)
from council.replies import Failure
from council.store import recorded as recorded_module
from council.store.canonical import fingerprint, request_text
from council.store.gathered import gathered
from council.store.recorded import Recorded
from council.store.records import RecordedReply
from council.store.store import Store
from council.store.tape import Tape
from council.strategies import STRATEGIES, Strategy

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest("scripted", (ChatMessage("user", "How many?"),))
MARK = fingerprint(request_text(REQUEST))


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def reply_of(agent: council.Agent, request: ChatRequest = REQUEST) -> list[ChatToken]:
    async with aclosing(agent.chat(request)) as tokens:
        return [token async for token in tokens]


def taped(number: int, text: str = "", failure: str = "") -> RecordedReply:
    tokens = (ChatToken(text, finish_reason="stop"),) if text else ()
    return RecordedReply(
        number, "ada", MARK, tokens, Failure("stream", failure) if failure else None
    )


def texts(tokens: list[ChatToken]) -> str:
    return "".join(token.text for token in tokens)


async def test_each_recorded_reply_is_given_once_in_the_order_of_the_requests() -> None:
    agent = ScriptedAgent("ada", "live")
    tape = Tape("run", [taped(2, "third"), taped(0, "first")], live=True, origin="resume")
    recorded = Recorded(agent, "ada", None, tape)
    given = [await reply_of(recorded) for _ in range(3)]
    assert [texts(tokens) for tokens in given] == ["first", "third", "live"]
    assert [tokens[0].notice is not None for tokens in given] == [True, True, False]
    assert given[0][0].notice == Notice("recorded", "from the record of run run")
    assert len(agent.requests) == 1


async def test_another_expert_or_another_request_is_asked() -> None:
    agent = ScriptedAgent("ada", "live")
    tape = Tape("run", [taped(0, "recorded")], live=True, origin="resume")
    assert texts(await reply_of(Recorded(agent, "bob", None, tape))) == "live"
    other = replace(REQUEST, sampling=Sampling(temperature=0.5))
    recorded = Recorded(agent, "ada", None, tape)
    assert texts(await reply_of(recorded, other)) == "live"
    assert texts(await reply_of(recorded, replace(REQUEST, request_id="another"))) == "recorded"


async def test_what_failed_is_asked_again_or_fails_again() -> None:
    failures = [taped(0, failure="cut off"), taped(1)]
    agent = ScriptedAgent("ada", "live")
    live = Recorded(agent, "ada", None, Tape("run", failures, live=True, origin="resume"))
    assert texts(await reply_of(live)) == "live"
    still = Recorded(agent, "ada", None, Tape("run", failures, live=False, origin="redecide"))
    for cause in ("cut off", "it was not finished then", "holds no reply of ada"):
        with pytest.raises(AgentError, match=cause):
            await reply_of(still)
    assert len(agent.requests) == 1


async def kept_replies(folder: Path, *experts: Expert | ScriptedAgent) -> list[RecordedReply]:
    with Store(folder / "runs.sqlite3") as store:
        async with (
            council.open_council(list(experts), store=store) as opened,
            opened.stream("How many?", strategy="first") as run,
        ):
            async for _ in run:
                pass
        return store.replies(run.id)


async def test_every_part_of_a_reply_is_kept(tmp_path: Path) -> None:
    tokens = [
        ChatToken(notice=Notice("retry", "once more")),
        ChatToken("It ", reasoning="hm", logprobs=(TokenLogprob("It ", -0.5, (("It", -0.5),)),)),
        ChatToken("is", refusal="no", tool_calls=(ToolCallDelta(0, "id", "name", "{"),)),
        ChatToken(tool_calls=(ToolCallDelta(0, arguments="}"),), usage=Usage(1, 1)),
        ChatToken("other", choice=1),
        ChatToken(finish_reason="length", usage=Usage(5, 7, 2, 3)),
    ]
    agent = ScriptedAgent("ada", tokens)
    (kept,) = await kept_replies(tmp_path, agent)
    first, second = kept.tokens
    assert first == ChatToken(
        "It is",
        "hm",
        "length",
        replace(first.usage or Usage()),
        (ToolCallDelta(0, "id", "name", "{}"),),
        "no",
        (TokenLogprob("It ", -0.5, (("It", -0.5),)),),
    )
    assert (second.text, second.choice, second.usage) == ("other", 1, None)


async def test_a_long_reply_is_folded_while_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded_module, "_FOLD", 3)
    words = " ".join(map(str, range(50)))
    (kept,) = await kept_replies(tmp_path, ScriptedAgent("ada", words))
    assert texts(list(kept.tokens)) == words


async def test_a_reply_cut_after_its_finish_reason_is_whole(tmp_path: Path) -> None:
    with Store(tmp_path / "runs.sqlite3") as store:
        stalls: list[Step] = [ChatToken("yes", finish_reason="stop"), anyio.sleep_forever]
        cut: list[Step] = ["half", anyio.sleep_forever]
        agents = [ScriptedAgent("ada", stalls), ScriptedAgent("bob", cut)]
        async with (
            council.open_council(agents, store=store) as opened,
            opened.stream("?", deadline=0.3) as run,
        ):
            async for _ in run:
                pass
        replies = {reply.expert: reply for reply in store.replies(run.id)}
        assert texts(list(replies["ada"].tokens)) == "yes"
        assert (replies["bob"].tokens, replies["bob"].failure) == ((), None)


async def test_an_error_after_text_is_a_failure(tmp_path: Path) -> None:
    script: list[Step] = [ChatToken("half", finish_reason="stop"), StreamError("then it broke")]
    (kept,) = await kept_replies(tmp_path, ScriptedAgent("ada", script))
    assert (kept.tokens, kept.failure) == ((), Failure("stream", "then it broke"))


async def test_of_two_hedged_requests_the_one_that_answered_is_kept(tmp_path: Path) -> None:
    agent = ScriptedAgent("ada", [anyio.sleep_forever], "second")
    replies = await kept_replies(tmp_path, Expert("ada", agent, hedge_after=0.05))
    assert [texts(list(reply.tokens)) for reply in replies] == ["", "second"]
    tape = Tape("run", replies, live=False, origin="redecide")
    assert texts(await reply_of(Recorded(agent, "ada", None, tape))) == "second"


async def test_closing_reaches_the_agent() -> None:
    agent = ScriptedAgent("ada", "yes")
    recorded = Recorded(agent, "ada", None, None)
    assert (recorded.id, recorded.model) == ("ada", "scripted")
    await recorded.aclose()
    assert agent.closed


async def test_a_failure_keeps_its_words(tmp_path: Path) -> None:
    (kept,) = await kept_replies(tmp_path, ScriptedAgent("ada", TransportError("no way there")))
    assert kept.failure == Failure("transport", "no way there")


async def test_a_plug_ins_defect_is_a_failure(tmp_path: Path) -> None:
    def defect(request: ChatRequest) -> list[Step]:
        raise KeyError("choices")

    async def later() -> None:
        raise ValueError("no such thing")

    late: list[Step] = [ChatToken("half", finish_reason="stop"), later]
    for script, message in ((defect, "KeyError: 'choices'"), (late, "ValueError: no such thing")):
        (kept,) = await kept_replies(tmp_path, ScriptedAgent("ada", script))
        assert (kept.tokens, kept.failure) == ((), Failure("agent", message))


def test_a_reply_without_tokens_is_an_empty_reply() -> None:
    assert gathered([]) == (ChatToken(),)
    assert gathered([ChatToken(notice=Notice("retry", "again"))]) == (ChatToken(),)


def test_fingerprints_hold_from_version_to_version() -> None:
    """A change here makes every earlier run ask everything again: make it a new schema version."""
    request = ChatRequest(
        "m",
        (ChatMessage("user", "Größe?"),),
        Sampling(temperature=0.5, stop=("x",)),
        request_id="differs",
        extra={"b": 1, "a": [True, None]},
    )
    assert request_text(request) == (
        '{"extra":{"a":[true,null],"b":1},"messages":[{"content":"Gr\\u00f6\\u00dfe?","role":"user",'
        '"tool_call_id":"","tool_calls":[]}],"model":"m","sampling":{"stop":["x"],'
        '"temperature":0.5},"tools":[]}'
    )


@pytest.mark.parametrize("kind", STRATEGIES.values(), ids=lambda kind: str(kind.name))
def test_a_strategys_options_come_back(kind: type[Strategy]) -> None:
    strategy = kind()
    options = strategy.model_dump_json(by_alias=True, fallback=str)
    assert kind.model_validate_json(options) == strategy
