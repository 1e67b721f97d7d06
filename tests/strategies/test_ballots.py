"""Counting votes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from council.agents.scripted import ScriptedAgent
from council.expert import Expert
from council.replies import Reply, Timings
from council.strategies.ballots import Ballot, agreement, collect, dissent, spokesman, tally
from council.strategies.positions import UNKNOWN


def ballot(label: str, position: str | None, weight: float = 1.0, family: str = "f") -> Ballot:
    return Ballot(label, family, weight, position, f"{label} says {position}")


def reply(id: str, text: str, sample: int = 0) -> Reply:
    timings = Timings(0.1, 0.2)
    return Reply(id, "m", sample, "answer", "complete", text, "", "stop", None, None, timings)


def test_the_majority_wins() -> None:
    votes = tally([ballot("a", "1"), ballot("b", "2"), ballot("c", "2")], "number")
    assert votes is not None
    assert (votes.winner, votes.tie, votes.extract) == ("2", False, "number")
    assert [(p.value, p.weight, p.experts) for p in votes.positions] == [
        ("2", 2.0, ("b", "c")),
        ("1", 1.0, ("a",)),
    ]
    assert votes.margin == pytest.approx(1 / 3)


def test_weights_outvote_heads() -> None:
    votes = tally([ballot("a", "1", 2.5), ballot("b", "2"), ballot("c", "2")], "number")
    assert votes is not None
    assert votes.winner == "1"


def test_a_tie_goes_to_the_panels_order_and_is_said() -> None:
    votes = tally([ballot("a", "1"), ballot("b", "2")], "number")
    assert votes is not None
    assert (votes.winner, votes.tie, votes.margin) == ("1", True, 0.0)


def test_sums_that_differ_by_rounding_are_a_tie() -> None:
    thirds = [ballot(label, "1", 0.1) for label in "abc"]
    votes = tally([*thirds, ballot("d", "2", 0.3)], "number")
    assert votes is not None
    assert votes.tie


def test_not_knowing_is_a_position_that_loses_ties() -> None:
    unknown = ballot("a", UNKNOWN)
    votes = tally([unknown, ballot("b", "2")], "number")
    assert votes is not None
    assert (votes.winner, votes.tie) == ("2", True)
    votes = tally([unknown, ballot("b", UNKNOWN), ballot("c", "2")], "number")
    assert votes is not None
    assert votes.winner == UNKNOWN


def test_abstentions_do_not_count() -> None:
    votes = tally([ballot("a", None), ballot("b", "2")], "number")
    assert votes is not None
    assert (votes.winner, votes.abstained, votes.margin) == ("2", ("a",), 1.0)
    assert tally([ballot("a", None)], "number") is None
    assert tally([], "number") is None


def test_agreement_counts_answers_and_families() -> None:
    ballots = [
        ballot("a", "1", family="x"),
        ballot("b", "1", family="x"),
        ballot("c", "2", family="y"),
        ballot("d", None),
    ]
    votes = tally(ballots, "number")
    assert votes is not None
    found = agreement(votes, ballots)
    assert (found.agree, found.of, found.families) == (2, 3, 1)
    assert found.share == pytest.approx(2 / 3)
    (minority,) = dissent(votes, ballots)
    assert (minority.position, minority.experts, minority.text) == ("2", ("c",), "c says 2")


def test_the_heaviest_supporter_speaks() -> None:
    ballots = [ballot("a", "1"), ballot("b", "1", 2.0), ballot("c", "1", 2.0)]
    assert spokesman(ballots, "1").label == "b"


def test_samples_share_their_experts_weight() -> None:
    agent = ScriptedAgent("x", "-")
    experts = [Expert("a", agent, samples=2, weight=3.0, family="f"), Expert("b", agent)]
    replies = [reply("a", "1"), reply("a", "2", sample=1), reply("b", "2")]
    extract, ballots = collect(replies, experts, "How many?")
    assert extract == "number"
    assert [(b.label, b.weight, b.position, b.family) for b in ballots] == [
        ("a", 1.5, "1", "f"),
        ("a#2", 1.5, "2", "f"),
        ("b", 1.0, "2", "scripted"),
    ]


@given(
    st.lists(
        st.tuples(st.sampled_from(["1", "2", "3", UNKNOWN, None]), st.floats(0.1, 10)), max_size=12
    )
)
def test_a_tally_loses_nothing(cast: list[tuple[str | None, float]]) -> None:
    ballots = [ballot(str(i), position, weight) for i, (position, weight) in enumerate(cast)]
    votes = tally(ballots, "number")
    voters = [b for b in ballots if b.position is not None]
    if votes is None:
        assert not voters
        return
    counted = [label for p in votes.positions for label in p.experts]
    assert sorted(counted) == sorted(b.label for b in voters)
    assert sum(p.weight for p in votes.positions) == pytest.approx(sum(b.weight for b in voters))
    assert votes.positions[0].weight == pytest.approx(max(p.weight for p in votes.positions))
    assert 0.0 <= votes.margin <= 1.0
