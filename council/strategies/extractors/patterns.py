"""The extractor `regex`, and searching with patterns that may take for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from council.strategies.extractors.base import LONGEST, Closed

if TYPE_CHECKING:
    import regex

SECONDS = 1.0
"""What one text's search may take; a pattern that backtracks for longer reads nothing."""


class RegexExtractor(Closed):
    """What the last match of a regular expression holds.

    Attributes:
        pattern: The expression, with flags inside it (`(?i)`); its first group is the position, or
            the whole match where it has none.
    """

    kind: Literal["regex"] = "regex"

    pattern: str = Field(min_length=1, max_length=2000)

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        compiled(pattern)
        return pattern

    def read(self, text: str, question: str) -> str | None:
        """The last match's first group, trimmed; None where it is empty."""
        del question
        found = matches(self.pattern, text)
        if not found:
            return None
        last = found[-1]
        return (last[1 if last.re.groups else 0] or "").strip() or None


def compiled(pattern: str) -> regex.Pattern[str]:
    """The expression; raises ValueError with the place of what is wrong."""
    # Imported when it is needed: few panels have a pattern. Unlike `re` it can be given a time.
    import regex

    try:
        return regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"not a regular expression: {error}") from None


def matches(pattern: str, text: str) -> list[regex.Match[str]]:
    """All matches in a text; none where it is too long, or the search takes too long."""
    if len(text) > LONGEST:
        return []
    try:
        return list(compiled(pattern).finditer(text, timeout=SECONDS))
    except TimeoutError:
        return []
