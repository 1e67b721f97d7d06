"""What the experts are shown, and the grammar that holds them to quoting it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from examples.retrieval.citations import sentences
from examples.retrieval.passages import Passage

UNKNOWN = "I don't know."
_TASK = (
    "Answer from these passages alone, and end with the number of the one you used in brackets."
    f" If none of them answers, say: {UNKNOWN}"
)


def messages(question: str, shown: Sequence[Passage]) -> list[dict[str, str]]:
    """The conversation to ask with; the passages are numbered from 1.

    They stand apart from the question, because votes leave out what an answer repeats of it.
    """
    numbered = [f"[{number}] {passage.text}" for number, passage in enumerate(shown, start=1)]
    system = "\n".join([_TASK, *numbered])
    return [{"role": "system", "content": system}, {"role": "user", "content": question}]


def quoting(shown: Sequence[Passage]) -> str:
    """A grammar (GBNF) of all answers that quote: a sentence of a passage and its number."""
    answers = [
        f"{sentence} [{number}]"
        for number, passage in enumerate(shown, start=1)
        for sentence in sentences(passage)
    ]
    quoted = (json.dumps(answer, ensure_ascii=False) for answer in [*answers, UNKNOWN])
    return f"root ::= {' | '.join(quoted)}"
