"""Our reading of grammars against llama.cpp's."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from backend.chat.gbnf import GrammarError, read_gbnf
from backend.chat.matcher import Matcher
from tests.backend.chat.test_gbnf import SEEDS, mutated

ROOT = Path(__file__).parents[3]
Verdict = list[int | bool]


def asked(models: Path, lines: list[str]) -> list[list[Verdict] | None]:
    """What llama.cpp says of each grammar and its texts."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.backend.chat.llama_grammar", f"{models}/bytes.gguf"],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
    )
    answered = child.stdout.splitlines()
    died = lines[len(answered)] if len(answered) < len(lines) else ""
    assert child.returncode == 0, f"llama.cpp ended the process: {child.returncode}, {died}"
    return [json.loads(line) for line in answered]


def walked(matcher: Matcher, chance: random.Random) -> str:
    """A text that the grammar allows, or nearly."""
    state, text = matcher.start, ""
    for _ in range(chance.randint(0, 12)):
        following = {
            char: found
            for char in 'ab{}",:cdefxé()yesno1A'
            if (found := matcher.follow(state, char.encode()))
        }
        if not following:
            break
        char = chance.choice(list(following))
        state, text = following[char], text + char
    return text + chance.choice(["", "a", "é", '"'])


def judged(matcher: Matcher, text: str) -> Verdict:
    state, accepted = matcher.start, 0
    for byte in text.encode():
        following = matcher.follow(state, bytes([byte]))
        if following is None:
            break
        state, accepted = following, accepted + 1
    return [accepted, state.complete]


def within_a_character(text: str, accepted: int) -> bool:
    """There llama.cpp is stricter: no é forbids all characters that begin with the same byte."""
    return accepted not in [len(text[:end].encode()) for end in range(len(text) + 1)]


@pytest.mark.timeout(400)
def test_both_accept_the_same_texts(models: Path) -> None:
    """Of thousands of grammars with mistakes, those that we take do not end llama.cpp either."""
    chance = random.Random(66)
    cases: list[tuple[str, list[str], list[Verdict]]] = []
    for grammar in [*SEEDS, *(mutated(chance) for _ in range(3000))]:
        try:
            matcher = Matcher(read_gbnf(grammar))
        except GrammarError:
            continue
        texts = [walked(matcher, chance) for _ in range(4)]
        cases.append((grammar, texts, [judged(matcher, text) for text in texts]))
    answers = asked(models, [json.dumps([grammar, texts]) for grammar, texts, _ in cases])
    compared = [
        (case, answer) for case, answer in zip(cases, answers, strict=True) if answer is not None
    ]
    for (grammar, texts, ours), theirs in compared:
        for text, one, other in zip(texts, ours, theirs, strict=True):
            assert one == other or within_a_character(text, one[0]), (grammar, text)
    # It refuses a repetition of what can be nothing, which we take.
    assert len(compared) > 0.9 * len(cases) > 300
