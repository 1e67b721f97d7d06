"""What both commands have in common."""

from __future__ import annotations

import argparse
from pathlib import Path

import council
from council.agents.embedder import Embedder

HERE = Path(__file__).parent
PANEL = HERE / "panel.yaml"


def parser(doc: str) -> argparse.ArgumentParser:
    """A parser with a module's docstring as its help, and the options of both commands."""
    about, _, examples = doc.partition("Examples:\n")
    made = argparse.ArgumentParser(
        description=about.strip(),
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--store",
        type=Path,
        default=Path("retrieval-store"),
        metavar="DIR",
        help="where the vectors are (default: %(default)s)",
    )
    made.add_argument(
        "--panel",
        type=Path,
        default=PANEL,
        metavar="FILE",
        help="a panel file with an `embedder` (default: the built-in models)",
    )
    return made


def embedder_of(panel: council.Council, file: Path) -> Embedder:
    """The panel's embedder.

    Raises:
        ConfigError: It has none.
    """
    if panel.embedder is None:
        raise council.ConfigError(
            f"{file} has no `embedder`: add one, for example `embedder: {{model: models/e5.gguf}}`"
        )
    return panel.embedder
