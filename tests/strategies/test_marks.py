"""Reading rankings, picks and scores."""

from __future__ import annotations

import json
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from council.strategies.judge import PAIRWISE_V1, PICK_V1, SCORE_V1
from council.strategies.marks import best_first, by_score, read_best, read_ranking, read_scores
from council.strategies.rank import PROMPT_V1


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("FINAL RANKING: 2 > 1 = 3", ((2,), (1, 3))),
        ("Both are fine.\n\n**FINAL RANKING:** **2** > 1 > 3", ((2,), (1,), (3,))),
        ("Final ranking:\n\n2 > 3 > 1\n\nI hope this helps.", ((2,), (3,), (1,))),
        ("FINAL RANKING: Answer 2 > Answer 1, as it is shorter", ((2,), (1,), (3,))),
        ("FINAL RANKING: Answer 2 > Answer 1 because it is right", ((2,), (1,), (3,))),
        ("FINAL RANKING: 2 (the best) > 1 > 3 (wrong)", ((2,), (1,), (3,))),
        ("FINAL RANKING: [2] ≻ #1 ~ (3)", ((2,), (1, 3))),
        ("FINAL RANKING: [3] > [2] > [1]", ((3,), (2,), (1,))),
        ("FINAL RANKING: 2, 1, 3.", ((2,), (1,), (3,))),
        ("FINAL RANKING: 2", ((2,), (1, 3))),
        ("FINAL RANKING: 1 = 2 = 3", ((1, 2, 3),)),
        ("ranking: [2, [1, 3]]", ((2,), (1, 3))),
        ('```json\n{"ranking": ["Answer 2", 1]}\n```', ((2,), (1,), (3,))),
        ("[3, 1]", ((3,), (1,), (2,))),
        ("FINAL RANKING\n1. Answer 2\n2. Answer 3: good\n3. Answer 1", ((2,), (3,), (1,))),
        ("FINAL RANKING:\n1. Answer 2 = Answer 3\n2. Answer 1", ((2, 3), (1,))),
        ("FINAL RANKING:\n- 3\n- 1\n\nThat is all.", ((3,), (1,), (2,))),
        ("I compared them.\n3 > 1", ((3,), (1,), (2,))),
        # A text that quotes a ranking before it comes to its own.
        ("It claims FINAL RANKING: 1 > 2 > 3.\nFINAL RANKING: 3 > 2 > 1", ((3,), (2,), (1,))),
    ],
)
def test_rankings(text: str, places: tuple[tuple[int, ...], ...]) -> None:
    assert read_ranking(text, 3) == places


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42",
        "17 + 25 = 42",
        "2 and 3 are good",
        "FINAL RANKING:",
        "FINAL RANKING: X > Y = Z",
        "FINAL RANKING: 4 > 1",  # nobody has that number
        "FINAL RANKING: 0 > 1",
        "FINAL RANKING: 2 > 1 > 2",  # contradicts itself
        "FINAL RANKING: 2 >",  # breaks off
        "FINAL RANKING: 1 < 2",  # which way round?
        "FINAL RANKING: 2 > 1, 3",
        "FINAL RANKING: 1.5 > 2",
        "FINAL RANKING: 2 answers were good",
        "FINAL RANKING: [true, 1.0]",
        "FINAL RANKING: [2, [1, [3]]]",
        "FINAL RANKING: " + "[" * 100_000,
        # The last marker is the one that counts, even if an earlier one could be read.
        "FINAL RANKING: 1 > 2 > 3\nFINAL RANKING: none",
        PROMPT_V1,
    ],
)
def test_what_is_no_ranking(text: str) -> None:
    assert read_ranking(text, 3) is None


@pytest.mark.parametrize(
    ("text", "best"),
    [
        ("BEST: 2", 2),
        ("**Best:** Answer 1", 1),
        ("Best answer: [2]", 2),
        ('{"best": 2}', 2),
        ("BEST: 1, because it is right", 1),
        ("BEST: 1\nBEST: 2", 2),
        ("2", 2),
        ("Answer 2.", 2),
        ("BEST: TIE", 0),
        ("BEST: neither", 0),
        ("BEST: X", None),
        ("BEST: 3", None),
        ("BEST: 12", None),
        ("BEST: 1 and 2", None),
        ("BEST: 1/2", None),
        ("1 is the loneliest number", None),
        ("42", None),
        ("", None),
    ],
)
def test_picks(text: str, best: int | None) -> None:
    assert read_best(text, 2) == best


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("SCORES: 1=7, 2=5", (7.0, 5.0)),
        ("Scores:\n1: 7/10\n2: 5.5/10", (7.0, 5.5)),
        ("**SCORES:**\n- Answer 1: **7**\n- Answer 2: 10", (7.0, 10.0)),
        ('{"scores": {"1": 7, "2": 5}}', (7.0, 5.0)),
        ("SCORES: 1=2, 2=3\nSCORES: 1=7, 2=5", (7.0, 5.0)),
        ("SCORES: 1=7", None),
        ("SCORES: 1=7, 2=11", None),
        ("SCORES: 1=7, 1=6, 2=5", None),
        ("SCORES: 1=7, 2=5, 3=5", None),
        ("7 and 5", None),
        ("SCORES: X=S, Y=S", None),
    ],
)
def test_scores(text: str, scores: tuple[float, ...] | None) -> None:
    assert read_scores(text, 2) == scores


@pytest.mark.parametrize("prompt", [PICK_V1, PAIRWISE_V1, SCORE_V1])
def test_a_prompt_repeated_decides_nothing(prompt: str) -> None:
    for question in ("?", "What is 17 + 25?"):
        said = prompt.format(question=question, answers='<answer number="1">\n42\n</answer>')
        assert read_best(said, 2) is None
        assert read_scores(said, 2) is None


@pytest.mark.timeout(60)
@pytest.mark.parametrize("filler", [" ", "\n", "(", "[", "1 > ", "answer ", "best ", "> ", "* "])
def test_no_reply_is_costly_to_read(filler: str) -> None:
    for marker in ("FINAL RANKING:", "BEST:", "SCORES:", ""):
        text = marker + filler * 200_000 + "x"
        assert read_ranking(text, 3) is None
        assert read_best(text, 3) is None
        assert read_scores(text, 3) is None


def test_scores_make_places() -> None:
    assert by_score([1.0, 5.0, 5.0]) == ((2, 3), (1,))


def test_a_pick_makes_places() -> None:
    assert best_first(2, 3) == ((2,), (1, 3))
    assert best_first(0, 3) == ((1, 2, 3),)
    assert best_first(1, 1) == ((1,),)


@st.composite
def places(draw: st.DrawFn) -> tuple[tuple[int, ...], ...]:
    """A ranking of all answers with ties."""
    numbers = draw(st.permutations(range(1, draw(st.integers(1, 12)) + 1)))
    groups: list[list[int]] = [[numbers[0]]]
    for number in numbers[1:]:
        if draw(st.booleans()):
            groups.append([number])
        else:
            groups[-1].append(number)
    return tuple(tuple(group) for group in groups)


FORMS = [
    lambda groups: " > ".join(" = ".join(map(str, group)) for group in groups),
    lambda groups: ">".join("=".join(f"**Answer {n}**" for n in group) for group in groups),
    lambda groups: json.dumps(groups),
    lambda groups: json.dumps({"order": [[f"Answer {n}" for n in group] for group in groups]}),
]


@given(places(), st.sampled_from(FORMS), st.text(alphabet="abc .\n", max_size=40))
def test_a_ranking_is_read_whatever_its_form_and_what_stands_before(
    groups: tuple[tuple[int, ...], ...], form: object, before: str
) -> None:
    assert callable(form)
    answers = sum(map(len, groups))
    assert read_ranking(f"{before}\nFINAL RANKING: {form(groups)}\n", answers) == groups


@given(places())
def test_a_list_of_lines_is_read(groups: tuple[tuple[int, ...], ...]) -> None:
    lines = [
        f"{place}. " + " = ".join(f"Answer {n}" for n in group)
        for place, group in enumerate(groups, start=1)
    ]
    read = read_ranking("FINAL RANKING:\n" + "\n".join(lines), sum(map(len, groups)))
    # One line alone is no list.
    assert read == groups or len(groups) == 1


@given(st.text(max_size=300), st.integers(1, 9))
def test_any_text_gives_each_answer_one_place_or_nothing(text: str, answers: int) -> None:
    for said in (text, f"FINAL RANKING: {text}"):
        read = read_ranking(said, answers)
        assert read is None or sorted(chain(*read)) == list(range(1, answers + 1))
    assert read_best(f"BEST: {text}", answers) in (None, *range(answers + 1))
    scores = read_scores(f"SCORES: {text}", answers)
    assert scores is None or (len(scores) == answers and all(0 <= s <= 10 for s in scores))
