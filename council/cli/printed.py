"""The panel's answer on standard output: Markdown for a person at a terminal, else as it is."""

from __future__ import annotations

import sys

from council.cli.terminal import answer, paint, shows_styles


def print_answer(text: str, *, as_it_is: bool = False) -> bool:
    """Prints the answer; False when it could not be written.

    Args:
        text: The answer.
        as_it_is: Whether it is data, such as JSON, that Markdown would spoil.
    """
    if as_it_is or not shows_styles(sys.stdout):
        return answer(text)
    # Only where it is needed: the parser takes longer to load than most answers to print.
    from rich.console import Console

    from council.cli.markdown import rendered

    return paint(rendered(text, Console(file=sys.stdout)))
