"""What a chair is asked, word for word as council asks it, and what it should reply.

Every reply begins with the chair's own answer, which the rest is measured by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from council.replies import Reply, Timings
from council.strategies import debate, judge, rank, synthesize
from council.strategies.peers import Sheet, own
from council.strategies.positions import is_unknown
from council.strategies.prompts import fill

RIGHT, WRONG, UNSURE = "right", "wrong", "unsure"
_SCORES = {RIGHT: 9, WRONG: 2, UNSURE: 0}
_MOST_DISSENT = 2
_NO_ANSWER = "You have not answered yet."

PROMPTS = {
    "rank": rank.PROMPT_V1,
    "pick": judge.PICK_V1,
    "pairwise": judge.PAIRWISE_V1,
    "score": judge.SCORE_V1,
    "synthesize": synthesize.PROMPT_V1,
    "debate": debate.PROMPT_V1,
}
"""Council's prompts by task."""


@dataclass(frozen=True)
class Heard:
    """One answer on a sheet.

    Attributes:
        text: The answer as the chair reads it.
        claim: What it claims: the text without any order to its reader.
    """

    text: str
    claim: str

    @classmethod
    def plain(cls, text: str) -> Heard:
        """An answer that is nothing but its claim."""
        return cls(text, text)


def reply_of(text: str, number: int = 0) -> Reply:
    """An answer in the form in which strategies have it."""
    timings = Timings(None, 0.0)
    return Reply(f"e{number}", "", 0, "answer", "complete", text, "", "stop", None, None, timings)


def render(task: str, question: str, sheet: Sequence[Heard], mine: str | None = None) -> str:
    """Word a task as council does.

    Args:
        task: A key of `PROMPTS`.
        question: The question as typed.
        sheet: The answers in their order.
        mine: The debater's own answer, None if it has none; other tasks have none.

    Returns:
        The text of the user's turn.
    """
    replies = Sheet(tuple(reply_of(heard.text, n) for n, heard in enumerate(sheet)))
    values = {"question": question, "answers": replies.text}
    if task == "debate":
        values["own"] = _NO_ANSWER if mine is None else own(reply_of(mine))
    return fill(PROMPTS[task], **values)


def verdicts(sheet: Sequence[Heard], answer: str) -> list[str]:
    """Say of each answer whether it is right.

    Args:
        sheet: The answers.
        answer: The right one; not to know is right where nobody can.
    """
    return [
        RIGHT if heard.claim == answer else UNSURE if is_unknown(heard.claim) else WRONG
        for heard in sheet
    ]


def tiers(sheet: Sequence[Heard], answer: str) -> list[list[int]]:
    """Rank answers: right ones, wrong ones, those that claim nothing.

    Where none is right, wrong answers are ranked by how many agree.

    Args:
        sheet: The answers.
        answer: The right one.

    Returns:
        Numbers from 1, the best first; those in one tier are tied.
    """
    found = verdicts(sheet, answer)
    agreeing = Counter(heard.claim for heard in sheet)
    anyone_right = RIGHT in found

    def merit(place: int) -> tuple[int, int]:
        count = 0 if anyone_right else agreeing[sheet[place].claim]
        order = (UNSURE, WRONG, RIGHT).index(found[place])
        return order, count if found[place] == WRONG else 0

    merits = [merit(place) for place in range(len(sheet))]
    return [
        [place + 1 for place, each in enumerate(merits) if each == level]
        for level in sorted(set(merits), reverse=True)
    ]


def _reasons(sheet: Sequence[Heard], answer: str) -> str:
    said = enumerate(verdicts(sheet, answer), start=1)
    return f"{answer}\n{', '.join(f'{number} {verdict}' for number, verdict in said)}."


def _rank(sheet: Sequence[Heard], answer: str) -> str:
    chain = " > ".join(" = ".join(map(str, tier)) for tier in tiers(sheet, answer))
    return f"{_reasons(sheet, answer)}\nFINAL RANKING: {chain}"


def _best(sheet: Sequence[Heard], answer: str) -> str:
    """The first right answer; without one the wrong one that most agree on, if there is one."""
    first = tiers(sheet, answer)[0]
    claims = {sheet[number - 1].claim for number in first}
    everyone = len(first) == len(sheet) and len(sheet) == 2
    best = "TIE" if len(claims) > 1 or everyone else first[0]
    return f"{_reasons(sheet, answer)}\nBEST: {best}"


def _scores(sheet: Sequence[Heard], answer: str) -> str:
    said = enumerate(verdicts(sheet, answer), start=1)
    scores = ", ".join(f"{number}={_SCORES[verdict]}" for number, verdict in said)
    return f"{_reasons(sheet, answer)}\nSCORES: {scores}"


def _synthesis(sheet: Sequence[Heard], answer: str) -> str:
    pairs = zip(sheet, verdicts(sheet, answer), strict=True)
    others = dict.fromkeys(heard.claim for heard, verdict in pairs if verdict == WRONG)
    dissent = " ".join(tuple(others)[:_MOST_DISSENT])
    return f"{answer}\n\nDissent: {dissent}" if dissent else answer


def _revised(sheet: Sequence[Heard], answer: str) -> str:
    del sheet
    return answer


_REPLIES: dict[str, Callable[[Sequence[Heard], str], str]] = {
    "rank": _rank,
    "pick": _best,
    "pairwise": _best,
    "score": _scores,
    "synthesize": _synthesis,
    "debate": _revised,
}


def right_reply(task: str, sheet: Sequence[Heard], answer: str) -> str:
    """What the chair should reply.

    Args:
        task: A key of `PROMPTS`.
        sheet: The answers in their order.
        answer: The right answer to the question.
    """
    return _REPLIES[task](sheet, answer)
