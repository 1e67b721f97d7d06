"""The grammars that requests have, read once each."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from backend.chat.constraint import Constraint
from backend.chat.gbnf import GrammarError, read_gbnf
from backend.chat.matcher import Matcher, TooAmbiguousError
from backend.engine.guide import Guide, Vocabulary

_KEPT = 8
"""Grammars whose states are kept for the next request that has the same."""
_Key = tuple[Constraint, bool]


class Grammars:
    """Makes guides; for one thread."""

    def __init__(
        self, pieces: Callable[[bool], Sequence[bytes]], ends: Callable[[], Sequence[int]]
    ) -> None:
        """Prepares for a vocabulary, which is only read when there is a grammar.

        Args:
            pieces: The bytes of all tokens, without or with the texts of control tokens.
            ends: The tokens that say that the answer is over.
        """
        self._pieces = pieces
        self._ends = ends
        self._vocabularies: dict[bool, Vocabulary] = {}
        self._matchers: OrderedDict[_Key, Matcher] = OrderedDict()

    def guide(self, constraint: Constraint, specials: bool) -> Guide:
        """What leads one answer.

        Raises:
            GrammarError: It is no grammar, or none for these triggers.
        """
        key = (constraint, specials)
        if key not in self._matchers:
            self._matchers[key] = _matcher(constraint)
            while len(self._matchers) > _KEPT:
                self._matchers.popitem(last=False)
        self._matchers.move_to_end(key)
        if specials not in self._vocabularies:
            self._vocabularies[specials] = Vocabulary(self._pieces(specials), self._ends())
        triggers = [trigger.encode() for trigger in constraint.triggers]
        return Guide(self._vocabularies[specials], self._matchers[key], triggers)


def _matcher(constraint: Constraint) -> Matcher:
    """A machine of its own; whoever drives it is another thread than this one."""
    matcher = Matcher(read_gbnf(constraint.gbnf))
    try:
        start = matcher.start
        for trigger in constraint.triggers:
            if not trigger or matcher.follow(start, trigger.encode("utf-8", "replace")) is None:
                raise GrammarError(f"it has no text that begins with {trigger[:60]!r}", 1, 1)
    except TooAmbiguousError as error:
        raise GrammarError("its beginning can be read in too many ways", 1, 1) from error
    return matcher
