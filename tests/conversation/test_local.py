"""A conversation with the built-in models: real processes, real templates, several turns.

They were never trained on more than one turn, so what they say is not looked at.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

import council
from council.conversation import Conversation
from council.place import History
from council.store.store import Store

pytestmark = pytest.mark.anyio

PANEL = Path(__file__).parents[2] / "configs" / "panel.yaml"
QUESTIONS = ("What is 17 + 25?", "And 17 + 26?", "What is the capital of Japan?")


@pytest.mark.parametrize("history", ["answers", "own"])
async def test_three_turns(tmp_path: Path, history: History) -> None:
    with Store(tmp_path / "runs.sqlite3") as store:
        async with council.open_council(PANEL, store=store, strategy="concat") as panel:
            talk = panel.conversation(history)
            results = [await talk.ask(question) for question in QUESTIONS[:2]]
            talk = Conversation.from_json(talk.to_json(), panel)
            results.append(await talk.ask(QUESTIONS[2]))
        requests = store.requests("last")
    assert [result.status for result in results] == ["complete"] * 3
    # The server counts a prompt that grows by a question and an answer each time.
    counts = [
        [reply.usage.prompt_tokens for reply in result.experts if reply.usage] for result in results
    ]
    for earlier, later in pairwise(counts):
        assert all(before < after for before, after in zip(earlier, later, strict=True))
    assert [turn.question for turn in talk.turns] == list(QUESTIONS)
    assert len(requests) == 3
    for request in requests:
        said = [turn.own or {} for turn in talk.turns[:2]]
        assert (said[0][request.expert] in request.body) or history == "answers"
        assert all(f'"{question}' in request.body for question in QUESTIONS)
