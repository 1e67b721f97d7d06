"""Ask a panel a question that it has to answer from indexed documents, and check what it cites.

The passages closest to the question are shown to the experts, numbered. By default a grammar holds
each expert to quoting: its answer is a sentence of a passage and the passage's number, or that it
does not know. The bundled server and llama-server can do that; for others there is `--free`, which
the built-in models are too small for: they do not cite by themselves. Either way a number that was
not shown is dropped, and the report says so.

Examples:
    python -m examples.retrieval.ask "capital of Japan"
    python -m examples.retrieval.ask "Which day follows Monday?" --count 2
    python -m examples.retrieval.ask "Who signs?" --store notes-store --panel panel.yaml --free
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import council
from examples.retrieval.citations import Checked, check
from examples.retrieval.command import embedder_of, parser
from examples.retrieval.prompt import messages, quoting
from examples.retrieval.store import Found, Store, StoreError


@dataclass(frozen=True, slots=True)
class Answered:
    """What was found, what the panel made of it, and what of that is cited."""

    found: Sequence[Found]
    result: council.Result
    checked: Checked


async def ask(
    question: str, store: Store, panel: Path, count: int = 3, free: bool = False
) -> Answered:
    """Asks a panel about the passages closest to a question.

    Args:
        question: What to ask.
        store: Where to look.
        panel: The panel file; its embedder has to be the one that made the store.
        count: How many passages to show.
        free: Whether the experts may write freely.

    Raises:
        StoreError: The store was made by another embedder.
        CouncilError: The panel cannot be used, or gave no answer.
    """
    async with council.open_council(panel) as opened:
        embedder = embedder_of(opened, panel)
        if embedder.model != store.model:
            raise StoreError(
                f"the store was made by {store.model} and {panel} embeds with {embedder.model}:"
                " vectors of two models cannot be compared, index the documents again"
            )
        (vector,) = (await embedder.embed([question])).vectors
        found = store.nearest(vector, count)
        shown = [one.passage for one in found]
        if not free:
            grammar = {"grammar": quoting(shown)}
            opened.experts = tuple(
                replace(expert, extra={**expert.extra, **grammar}) for expert in opened.experts
            )
        result = await opened.ask(messages(question, shown))
    return Answered(found, result, check(result.answer or "", shown))


def report(answered: Answered) -> None:
    """Prints what was found, what each expert said, and the answer with its sources."""
    print("Found:")
    for number, found in enumerate(answered.found, start=1):
        passage = found.passage
        print(f"  [{number}] {found.closeness:.2f}  {passage.place}  {passage.heading}")
    print("Experts:")
    for reply in answered.result.experts:
        print(f"  {reply.label}: {reply.text or reply.error}")
    checked = answered.checked
    print(f"Answer ({answered.result.status}): {checked.text}")
    for citation in checked.citations:
        how = "word for word" if citation.is_quote else "in other words: look it up"
        print(f"  [{citation.number}] {citation.passage.place}, {how}")
    for dropped in checked.dropped:
        print(f"  [{dropped}] was dropped: no passage with that number was shown")
    if not checked.citations:
        print("  no passage is cited: nothing of this is from the documents")
    for remark in (*answered.result.reasons, *answered.result.warnings):
        print(f"  ({remark})")


def main() -> int:
    options = parser(__doc__ or "")
    options.add_argument("question")
    options.add_argument("--count", type=int, default=3, help="passages to show (default: 3)")
    options.add_argument("--free", action="store_true", help="let the experts write freely")
    arguments = options.parse_args()
    if arguments.count < 1:
        options.error("--count has to be at least 1")
    try:
        store = Store.open(arguments.store)
        asked = ask(arguments.question, store, arguments.panel, arguments.count, arguments.free)
        report(asyncio.run(asked))
    except (StoreError, council.CouncilError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, StoreError | council.ConfigError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
