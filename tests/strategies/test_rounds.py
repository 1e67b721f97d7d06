"""Who changed its mind in a debate, and whether all agree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from council.strategies.ballots import Ballot
from council.strategies.rounds import agreed, flips, leading

Positions = dict[str, str | None]


def cast(positions: Positions) -> list[Ballot]:
    return [Ballot(label, "f", 1.0, position, "") for label, position in positions.items()]


def moves(before: Positions, after: Positions) -> list[tuple[str, str, str, str]]:
    found = flips(cast(before), cast(after))
    return [(flip.expert, flip.before, flip.after, flip.direction) for flip in found]


def test_flips_go_towards_the_first_majority_or_away_from_it() -> None:
    before: Positions = {"a": "1", "b": "1", "c": "2", "d": "3"}
    after: Positions = {"a": "2", "b": "1", "c": "1", "d": "2"}
    assert moves(before, after) == [
        ("a", "1", "2", "away"),
        ("c", "2", "1", "towards"),
        ("d", "3", "2", "aside"),
    ]


def test_without_a_majority_nothing_is_towards_it() -> None:
    assert moves({"a": "1", "b": "2"}, {"a": "2", "b": "1"}) == [
        ("a", "1", "2", "aside"),
        ("b", "2", "1", "aside"),
    ]


def test_whoever_took_no_position_did_not_move() -> None:
    before: Positions = {"a": None, "b": "1", "c": "1"}
    assert moves(before, {"a": "1", "b": None, "c": "1", "late": "2"}) == []


def test_agreeing_takes_two() -> None:
    assert agreed(cast({"a": "1", "b": "1", "c": None}))
    assert not agreed(cast({"a": "1", "b": "2"}))
    assert not agreed(cast({"a": "1", "b": None}))
    assert not agreed([])


positions = st.dictionaries(
    st.sampled_from("abcdef"), st.sampled_from(["1", "2", "3", None]), max_size=6
)


@given(positions)
def test_nobody_moves_in_no_time(stood: Positions) -> None:
    assert moves(stood, stood) == []


@given(positions, positions)
def test_flips_are_told_once_and_both_ways(before: Positions, after: Positions) -> None:
    there = moves(before, after)
    assert len({label for label, *_ in there}) == len(there)
    assert all(was != now for _, was, now, _ in there)
    back = moves(after, before)
    assert sorted((label, now, was) for label, was, now, _ in there) == sorted(
        (label, was, now) for label, was, now, _ in back
    )


@given(positions, positions)
def test_directions_fit_the_first_majority(before: Positions, after: Positions) -> None:
    led = leading(cast(before))
    for _, was, now, direction in moves(before, after):
        expected = "towards" if now == led else "away" if was == led else "aside"
        assert direction == expected


@given(positions, st.randoms())
def test_the_order_of_ballots_does_not_change_who_leads(stood: Positions, random: object) -> None:
    ballots = cast(stood)
    shuffled = list(ballots)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert leading(ballots) == leading(shuffled)
