"""Reading positions from answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from council.strategies.positions import (
    choice,
    conclusive_number,
    is_unknown,
    number,
    pick_reader,
    plain_text,
)

SUM = "What is 17 + 25?"
CAPITAL = "What is the capital of Japan?"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", "42"),
        ("17 + 25 = 42.", "42"),
        ("17 + 25 = **42**", "42"),
        ("The answer is 42, since 17 and 25 make 42.", "42"),
        ("Answer: 42\n(I checked it 2 times.)", "42"),
        (r"So \boxed{42} it is, in 3 steps.", "42"),
        ("#### 42", "42"),
        ("First 17, then 25, together 42", "42"),
        ("42.0", "42"),
        ("42.50", "42.5"),
        ("1,234,567", "1234567"),
        ("$1,200.", "1200"),
        ("-7", "-7"),
        ("17 - 25 = -8", "-8"),
        ("17 - 25 = −8", "-8"),
        ("It is 100.", "100"),
        ("0.50", "0.5"),
        ("-0", "0"),
        ("The answer is 1/2.", "1/2"),
        ("The answer is 2/4.", "1/2"),
        ("The answer is 1/3.", "1/3"),
        ("It is 4/2", "2"),
        (r"\boxed{1/2}", "1/2"),
        (r"\boxed{10^6}", None),
        (r"\boxed{x + 1}", None),
        ("10^6", None),
        ("1e6", "1000000"),
        ("1.5e3", "1500"),
        ("1e999999", None),
        ("3,5", None),
        ("12,34,567", None),
        ("1/0", None),
        ("17, 25, 42", "42"),
        ("42,", "42"),
        ("none", None),
        ("", None),
    ],
)
def test_numbers(text: str, value: str | None) -> None:
    assert number(text, SUM) == value


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=3
    )
)
def test_a_number_is_read_the_same_however_it_is_written(value: object) -> None:
    assert number(f"{value}", SUM) == number(f"The answer is {value:,}.", SUM)


@pytest.mark.parametrize(
    ("text", "question", "value"),
    [
        ("Tokyo, with 37 million people", CAPITAL, None),
        ("It became the capital in 1868, after Kyoto.", CAPITAL, None),
        ("It takes 5 hours.", "Is it a long way?", "5"),
        ("There are 60 minutes in an hour.", "How many minutes are in an hour?", "60"),
        ("There are 60 minutes in an hour.", "Tell me about hours", None),
        ("x = 3 in this case", "Tell me", "3"),
        ("9.9 is larger than 9.11.", "Which is larger, 9.9 or 9.11?", None),
        ("It is 42.", "Is it 42 or 41?", "42"),
        ("the larger is 9.9", "Which is larger, 9.9 or 9.11?", "9.9"),
        ("It is not 41.", "Is it 42 or 41, or is it not?", None),
        ("Anything but 41.", "Is it 42 or 41?", None),
        ("Yes, 12 is larger than 9.", "Is 12 larger than 9?", None),
    ],
)
def test_numbers_mentioned_in_passing(text: str, question: str, value: str | None) -> None:
    assert conclusive_number(text, question) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("B", "b"),
        ("B.", "b"),
        ("(B)", "b"),
        ("B) Tokyo", "b"),
        ("B: Tokyo", "b"),
        ("The answer is B.", "b"),
        ("The correct option is (C), not A.", "c"),
        ("Answer: D", "d"),
        ("Yes.", "yes"),
        ("yes, 5 is larger", "yes"),
        ("**No**", "no"),
        ("True", "yes"),
        ("The answer is false.", "no"),
        ("A cat is an animal.", None),
        ("I think so", None),
        ("Nobody knows", None),
        ("Tokyo", None),
    ],
)
def test_choices(text: str, value: str | None) -> None:
    assert choice(text, "") == value


@pytest.mark.parametrize(
    "text",
    [
        "Tokyo",
        "tokyo.",
        "The capital of Japan is Tokyo.",
        "**Tokyo**",
        "It is Tokyo!",
        "Tokyo is the capital of Japan.",
    ],
)
def test_texts_without_the_questions_words(text: str) -> None:
    assert plain_text(text, CAPITAL) == "tokyo"


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("Which is larger, Paris or London?", ["London is larger", "Paris is larger", "Paris"]),
        ("Which is larger, 3 or 14?", ["The larger number is 14.", "The larger number is 3."]),
        (
            "Which is the capital, Sydney or Canberra?",
            ["The capital city is Sydney", "The capital city is Canberra"],
        ),
        (
            "Is it Sydney or Canberra?",
            ["It is Canberra, not Sydney", "It is Sydney, not Canberra"],
        ),
        ("Who won, France against Brazil?", ["France beat Brazil", "Brazil beat France"]),
        ("What is the capital of Japan?", ["It is Tokyo", "It is not Tokyo"]),
    ],
)
def test_different_answers_are_never_one_position(question: str, answers: list[str]) -> None:
    assert len({plain_text(answer, question) for answer in answers}) == len(answers)


@pytest.mark.parametrize("text", ["Rome", "Rome.", "The capital of Italy is Rome."])
def test_a_follow_up_is_answered_in_words_of_earlier_questions_too(text: str) -> None:
    assert plain_text(text, "And of Italy?", "What is the capital of Japan?") == "rome"


@pytest.mark.parametrize("text", ["Rome", "The largest city is Rome."])
def test_what_an_earlier_question_names_may_be_the_answer(text: str) -> None:
    asked = "And what is its largest city?", "Is the capital of Italy Rome?"
    assert plain_text(text, *asked) == "rome"


def test_a_text_without_words_is_no_position() -> None:
    assert plain_text("?!", CAPITAL) is None


@pytest.mark.parametrize(
    "text", ["I don't know.", "i do not know", "Sorry, I don’t know that.", "I'm not sure."]
)
def test_not_knowing(text: str) -> None:
    assert is_unknown(text)


@pytest.mark.parametrize(
    "text",
    [
        "I know.",
        "Unknownville",
        "I don't think so",
        "I don't know. " + "But " * 40,
        "I'm not sure, but I think it is 42.",
    ],
)
def test_knowing(text: str) -> None:
    assert not is_unknown(text)


@pytest.mark.parametrize(
    ("texts", "question", "name"),
    [
        (["42", "17 + 25 = 42.", "I guess 41"], SUM, "number"),
        (["42", "I don't know.", "I don't know."], SUM, "number"),
        (["Tokyo", "Kyoto 7", "Tokyo"], CAPITAL, "text"),
        (["Yes.", "No.", "Yes, since 5 > 3."], "Is 5 > 3?", "choice"),
        (["B", "B) 7", "A) 5"], "Which is larger? A) 5 B) 7", "choice"),
        (["Yes, 12 is larger.", "No, it is not 12.", "No."], "Is 12 larger than 9?", "choice"),
        (["x", "y"], "?", "text"),
        ([], "?", "text"),
    ],
)
def test_one_reader_for_a_whole_panel(texts: list[str], question: str, name: str) -> None:
    assert pick_reader(texts, question)[0] == name
