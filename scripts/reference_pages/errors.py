"""docs/reference/errors.md: the family of exceptions."""

from __future__ import annotations

import inspect

from council import errors
from council.cli.exit_codes import of_error
from scripts.reference_pages.docstrings import attributes, doc_of, paragraphs, summary, table

_INTRO = """# Errors

Every exception that council raises is a `council.CouncilError`. `kind` is what JSON carries
(`Result.error.kind`, `Reply.error.kind`); the exit code is that of a command that ends with it.
"""


def page() -> str:
    """The page."""
    members = inspect.getmembers(errors, inspect.isclass)
    found = [kind for _, kind in members if issubclass(kind, errors.CouncilError)]
    found.sort(key=lambda kind: inspect.getsourcelines(kind)[1])
    rows = [
        (f"`{kind.__name__}`", f"`{kind.kind}`", str(of_error(kind.kind)), summary(kind))
        for kind in found
    ]
    tree = paragraphs((inspect.getdoc(errors) or "").split("\n\n", 1)[1])
    parts = [_INTRO.strip(), tree, table(("exception", "kind", "exit code", ""), rows)]
    return "\n\n".join([*parts, *filter(None, map(_section, found))])


def _section(kind: type[errors.CouncilError]) -> str:
    """The attributes of an exception, which are what it is made from."""
    told = doc_of(kind).entries.get("Args", {}) | attributes(kind)
    if not told or not set(told) - {"message"}:
        return ""
    rows = [(f"`{name}`", said) for name, said in told.items() if name != "message"]
    return f"## {kind.__name__}\n\n{table(('attribute', ''), rows)}"
