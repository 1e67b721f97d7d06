"""Writes the pages of docs/reference/; see `scripts/reference`."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.reference_pages.pages import PAGES, made

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


def main() -> int:
    """Writes all pages, or with `--check` says which are stale; returns the exit code."""
    check = "--check" in sys.argv[1:]
    stale = []
    FOLDER.mkdir(exist_ok=True)
    for name in PAGES:
        file, text = FOLDER / name, made(name)
        if not file.exists() or file.read_text() != text:
            stale.append(name)
            if not check:
                file.write_text(text)
    print(
        *(f"{'stale' if check else 'written'}: docs/reference/{name}" for name in stale), sep="\n"
    )
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
