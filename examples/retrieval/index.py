"""Index a folder of Markdown documents: cut them into passages, embed and store them.

By default a passage is found by its heading. That suits documents whose headings are questions, and
models made for chat, as the built-in ones are. `--embed all` embeds heading and text, which is what
a model made for embedding wants.

Examples:
    python -m examples.retrieval.index
    python -m examples.retrieval.index notes/ --store notes-store --panel panel.yaml --embed all
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import council
from examples.retrieval.command import HERE, embedder_of, parser
from examples.retrieval.passages import Passage, read_folder
from examples.retrieval.store import Store

_AT_ONCE = 64
"""Passages in one request: a server may limit its size."""


async def index(passages: Sequence[Passage], panel: Path, embed: str) -> Store:
    """A store of passages, with the vectors of a panel's embedder.

    Args:
        passages: At least one.
        panel: The panel file.
        embed: What of a passage: its `heading`, or `all` of it.

    Raises:
        CouncilError: The panel cannot be used, or has no embedder; there are no vectors, because a
            passage is too long for the model, for example.
    """
    vectors: list[tuple[float, ...]] = []
    async with council.open_council(panel) as opened:
        embedder = embedder_of(opened, panel)
        for start in range(0, len(passages), _AT_ONCE):
            portion = passages[start : start + _AT_ONCE]
            try:
                vectors += (await embedder.embed([_text(one, embed) for one in portion])).vectors
            except council.AgentError as error:
                # What the server calls `input[0]`.
                raise council.CouncilError(f"{error} (input[0] is {portion[0].place})") from error
        return Store.of(embedder.model, passages, vectors)


def _text(passage: Passage, embed: str) -> str:
    return passage.heading if embed == "heading" else f"{passage.heading}\n{passage.text}"


def main() -> int:
    options = parser(__doc__ or "")
    options.add_argument(
        "documents",
        type=Path,
        nargs="?",
        default=HERE / "documents",
        help="a folder of *.md files (default: those that come with the example)",
    )
    options.add_argument(
        "--embed",
        choices=("heading", "all"),
        default="heading",
        help="what of a passage is embedded (default: %(default)s)",
    )
    arguments = options.parse_args()
    try:
        passages = read_folder(arguments.documents)
        if not passages:
            print(f"error: no text in *.md files in {arguments.documents}", file=sys.stderr)
            return 2
        store = asyncio.run(index(passages, arguments.panel, arguments.embed))
        store.save(arguments.store)
    except (council.CouncilError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, council.ConfigError) else 1
    print(f"{len(passages)} passages in {arguments.store}, embedded by {store.model}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
