"""Ask the shipped models held-out questions and print a Markdown table.

Needs llama-cpp-python, but neither PyTorch nor the training data.

Examples:
    python -m examples.tiny_experts.evaluate
    python -m examples.tiny_experts.evaluate --count 500 --mistakes 3
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from backend import builtin
from examples.tiny_experts.corpus import NAMES
from examples.tiny_experts.noise import type_carelessly
from examples.tiny_experts.questions import FIELDS, draw
from examples.tiny_experts.questions.arithmetic import two_digit_sums

MAJORITY = "majority of three"
TWO_DIGITS = "sums of two-digit numbers"
_REPLY_TOKENS = 48

Question = tuple[str, str]
"""What is asked, as typed, and the reply wanted."""


class Asker:
    """A model that answers one question at a time, greedily by default."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Load a model.

        Args:
            path: The GGUF file.
            threads: Processor threads.
        """
        from llama_cpp import Llama

        # By default prompts are read by as many threads as there are cores; on a machine that has
        # other work these wait for each other, and a reply takes twenty times as long.
        self._llama: Any = Llama(
            str(path), n_ctx=512, n_threads=threads, n_threads_batch=threads, verbose=False
        )

    def ask(
        self, text: str, temperature: float = 0.0, seed: int = 0, tokens: int = _REPLY_TOKENS
    ) -> str:
        """Get the reply to one question.

        Args:
            text: The user's words.
            temperature: 0 for the likeliest tokens.
            seed: Seed of the sampling at higher temperatures.
            tokens: The longest reply.

        Returns:
            The reply without white space around it.
        """
        reply = self._llama.create_chat_completion(
            [{"role": "user", "content": text}],
            temperature=temperature,
            max_tokens=tokens,
            seed=seed,
        )
        content: str = reply["choices"][0]["message"]["content"]
        return content.strip()

    def tokens(self, text: str) -> list[int]:
        """Cut a text into tokens the way llama.cpp does.

        Args:
            text: Any text.

        Returns:
            Token ids, without a token for the beginning.
        """
        ids: list[int] = self._llama.tokenize(text.encode("utf-8"), add_bos=False, special=False)
        return ids


def held_out_questions(field: str, count: int, seed: int) -> list[Question]:
    """Draw held-out questions, typed carelessly.

    Args:
        field: A key of ``FIELDS``, or ``TWO_DIGITS``.
        count: How many.
        seed: Equal seeds give equal questions.

    Returns:
        Questions and replies.
    """
    rng = Random(f"{field}:{seed}")
    if field == TWO_DIGITS:
        items = [two_digit_sums(rng) for _ in range(count)]
    else:
        items = [draw(field, rng, held_out=True) for _ in range(count)]
    return [(type_carelessly(rng, item), item.answer) for item in items]


def majority(replies: Sequence[str]) -> str:
    """Choose the reply most models gave.

    Args:
        replies: One reply per model; on a tie the earliest of them wins.

    Returns:
        The chosen reply.
    """
    return Counter(replies).most_common(1)[0][0]


def examine(
    askers: dict[str, Asker], questions: Sequence[Question], mistakes: int
) -> dict[str, float]:
    """Put questions to every model.

    Args:
        askers: Models by name.
        questions: Questions and replies.
        mistakes: How many wrong replies per model to show on standard error.

    Returns:
        Share of exactly right replies by model, and of the majority.
    """
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for text, wanted in questions:
        replies = {name: asker.ask(text) for name, asker in askers.items()}
        for name, reply in replies.items():
            right[name] += reply == wanted
            wrong[name] += reply != wanted
            if reply != wanted and wrong[name] <= mistakes:
                print(f"  {name}: {text!r} -> {reply!r}, not {wanted!r}", file=sys.stderr)
        right[MAJORITY] += majority(list(replies.values())) == wanted
    return {name: right[name] / len(questions) for name in (*askers, MAJORITY)}


def table_row(cells: Sequence[str]) -> str:
    """Lay out one line of a Markdown table.

    Args:
        cells: The cells' texts.

    Returns:
        The line.
    """
    return "| " + " | ".join(cells) + " |"


def print_table(askers: dict[str, Asker], count: int, seed: int, mistakes: int) -> None:
    """Examine field by field and print the results as they come.

    Args:
        askers: Models by name.
        count: Questions per field.
        seed: Seed of the questions.
        mistakes: How many wrong replies per model and field to show.
    """
    columns = (*askers, MAJORITY)
    print(table_row(("field", *columns, "questions")))
    print(table_row(("---", *("---:" for _ in columns), "---:")))
    totals: Counter[str] = Counter()
    for field in (*FIELDS, TWO_DIGITS):
        shares = examine(askers, held_out_questions(field, count, seed), mistakes)
        print(table_row((field, *(f"{shares[c]:.1%}" for c in columns), str(count))), flush=True)
        if field in FIELDS:
            totals.update({column: round(shares[column] * count) for column in columns})
    asked = count * len(FIELDS)
    means = (f"{totals[column] / asked:.1%}" for column in columns)
    print(table_row(("**all fields**", *means, str(asked))))


def main() -> None:
    """Evaluate from the command line."""
    parser = argparse.ArgumentParser(
        description="Print the accuracy of the built-in models on held-out questions.",
        epilog=(__doc__ or "").partition("Examples:\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=50, help="questions per field (default: 50)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the questions (default: 1)")
    parser.add_argument("--threads", type=int, default=1, help="processor threads (default: 1)")
    parser.add_argument("--mistakes", type=int, default=0, help="wrong replies to show per field")
    parser.add_argument("--folder", type=Path, help="other *.gguf files than the shipped ones")
    arguments = parser.parse_args()
    if arguments.folder:
        paths = {file.stem: file for file in sorted(arguments.folder.glob("*.gguf"))}
    else:
        paths = {name: builtin.path(name) for name in NAMES}
    askers = {name: Asker(path, arguments.threads) for name, path in paths.items()}
    print_table(askers, arguments.count, arguments.seed, arguments.mistakes)


if __name__ == "__main__":
    main()
