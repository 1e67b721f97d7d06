"""From ballots to a ranking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from council.strategies.borda import (
    RankedBallot,
    Tiers,
    borda,
    by_duels,
    duels,
    flipped,
    points,
)

LABELS = ["a", "b", "c", "d", "e"]


def ballot(*tiers: str, weight: float = 1.0, by: str = "r") -> RankedBallot:
    return RankedBallot(by, weight, tuple(tuple(tier) for tier in tiers))


@st.composite
def tiers(draw: st.DrawFn, labels: list[str] = LABELS) -> Tiers:
    order = draw(st.permutations(labels))
    cuts = [draw(st.booleans()) for _ in order[1:]]
    groups = [[order[0]]]
    for label, cut in zip(order[1:], cuts, strict=True):
        if cut:
            groups.append([label])
        else:
            groups[-1].append(label)
    return tuple(tuple(group) for group in groups)


@st.composite
def ballots(draw: st.DrawFn) -> list[RankedBallot]:
    """Ballots of a panel that ranks itself: each leaves its author's answer out."""
    weights = st.floats(0.1, 10)
    return [
        RankedBallot(own, draw(weights), draw(tiers([x for x in LABELS if x != own])))
        for own in draw(st.lists(st.sampled_from(LABELS), min_size=1, unique=True))
    ]


def test_points() -> None:
    assert points((("a",), ("b", "c"), ("d",))) == {"a": 1.0, "b": 0.5, "c": 0.5, "d": 0.0}


def test_the_mean_is_over_the_ballots_that_rank_an_answer() -> None:
    found = borda([ballot("b", "c", by="a"), ballot("c", "a", by="b")], ["a", "b", "c"])
    assert [(r.expert, r.place, r.score, r.ballots) for r in found.answers] == [
        ("b", 1, 1.0, 1),
        ("c", 2, 0.5, 2),
        ("a", 3, 0.0, 1),
    ]
    assert (found.ballots, found.tie) == (2, False)


def test_weights_count() -> None:
    found = borda([ballot("a", "b", weight=3.0), ballot("b", "a")], ["b", "a"])
    assert [(r.expert, r.score) for r in found.answers] == [("a", 0.75), ("b", 0.25)]


def test_a_tie_goes_to_the_panels_order_and_is_said() -> None:
    found = borda([ballot("a", "b"), ballot("b", "a")], ["b", "a"])
    assert [(r.expert, r.place) for r in found.answers] == [("b", 1), ("a", 1)]
    assert found.tie


def test_an_answer_that_nobody_ranked_comes_last_without_a_score() -> None:
    found = borda([ballot("b", "c")], ["a", "b", "c"])
    assert [(r.expert, r.score) for r in found.answers] == [("b", 1.0), ("c", 0.0), ("a", None)]


@given(ballots(), st.randoms())
def test_the_order_of_ballots_does_not_matter(cast: list[RankedBallot], random: object) -> None:
    shuffled = list(cast)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert borda(cast, LABELS) == borda(shuffled, LABELS)


@given(ballots())
def test_scores_are_shares(cast: list[RankedBallot]) -> None:
    found = borda(cast, LABELS)
    assert sorted(ranked.expert for ranked in found.answers) == LABELS
    scores = [ranked.score for ranked in found.answers if ranked.score is not None]
    assert all(0 <= score <= 1 + 1e-9 for score in scores)
    assert [ranked.place for ranked in found.answers] == sorted(r.place for r in found.answers)


@given(ballots())
def test_whoever_is_first_on_every_ballot_has_all_points(cast: list[RankedBallot]) -> None:
    first = [RankedBallot(each.reviewer, each.weight, (("x",), *each.tiers)) for each in cast]
    best = borda(first, [*LABELS, "x"]).answers[0]
    assert (best.expert, best.score, best.place) == ("x", 1.0, 1)


@given(ballots())
def test_what_is_tied_on_every_ballot_is_tied(cast: list[RankedBallot]) -> None:
    beside = [
        RankedBallot(
            each.reviewer,
            each.weight,
            tuple(tuple(y for x in tier for y in (x, f"{x}'")) for tier in each.tiers),
        )
        for each in cast
    ]
    twins = [*LABELS, *(f"{label}'" for label in LABELS)]
    scores = {ranked.expert: ranked.score for ranked in borda(beside, twins).answers}
    assert all(scores[label] == scores[f"{label}'"] for label in LABELS)


@given(ballots())
def test_names_do_not_matter(cast: list[RankedBallot]) -> None:
    other = dict(zip(LABELS, reversed(LABELS), strict=True))
    renamed = [
        RankedBallot(
            each.reviewer, each.weight, tuple(tuple(map(other.__getitem__, t)) for t in each.tiers)
        )
        for each in cast
    ]
    scores = {ranked.expert: ranked.score for ranked in borda(cast, LABELS).answers}
    swapped = {ranked.expert: ranked.score for ranked in borda(renamed, LABELS).answers}
    assert all(swapped[other[label]] == scores[label] for label in LABELS)


def test_a_flip_is_a_tie_and_two_equal_orders_are_a_win() -> None:
    one, two = (("a",), ("b",)), (("b",), ("a",))
    assert duels(one, two) == {("a", "b"): 0.5}
    assert duels(one, one) == {("a", "b"): 1.0}
    assert duels(two, two) == {("a", "b"): 0.0}
    assert duels(one, (("a", "b"),)) == {("a", "b"): 1.0}
    assert (flipped(one, two), flipped(one, one), flipped(one, (("a", "b"),))) == (1, 0, 0)


@given(tiers(), tiers())
def test_duels_take_both_orders_alike(one: Tiers, two: Tiers) -> None:
    assert duels(one, two) == duels(two, one)
    assert flipped(one, two) == flipped(two, one)


@given(tiers())
def test_a_judge_that_is_steady_is_followed(order: Tiers) -> None:
    found = by_duels(duels(order, order), LABELS)
    assert flipped(order, order) == 0
    assert [r.score for r in found.answers if r.expert in order[0]] == [
        pytest.approx(points(order)[order[0][0]])
    ] * len(order[0])
    assert {r.expert for r in found.answers if r.place == 1} == set(order[0])
