"""Which tokens of a vocabulary an answer's grammar allows next."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence

from backend.chat.matcher import BUDGET, Matcher, State

_VISITS = 3_000
"""Tokens looked at to list all that are allowed; where that is not enough, most are."""


class Vocabulary:
    """The bytes of each token, and the tokens in the order of their bytes.

    Tokens without bytes can only stand where there is no grammar.
    """

    def __init__(self, pieces: Sequence[bytes], ends: Iterable[int]) -> None:
        """Takes the bytes of all tokens, and those that say that the answer is over."""
        self.pieces = pieces
        self.ends = frozenset(ends)
        known = range(len(pieces))
        self._order = sorted(
            (token for token in known if pieces[token] and token not in self.ends),
            key=lambda token: pieces[token],
        )
        self._sorted = [pieces[token] for token in self._order]

    def allowed(self, matcher: Matcher, state: State) -> list[int] | None:
        """All tokens that a grammar allows in this state; None where they are too many to list.

        What begins with bytes that are not allowed is passed over at once.
        """
        found: list[int] = []
        path, last = [state], b""
        at = visits = 0
        while at < len(self._sorted):
            if (visits := visits + 1) > _VISITS:
                return None
            piece = self._sorted[at]
            del path[_alike(last, piece) + 1 :]
            last = piece
            if _extend(path, piece, matcher):
                found.append(self._order[at])
                at += 1
            else:
                at = self._after(piece[: len(path)], at + 1)
        return found

    def _after(self, prefix: bytes, start: int) -> int:
        """Where the tokens end that begin with this."""
        following = _following(prefix)
        return bisect_left(self._sorted, following, start) if following else len(self._sorted)


def _extend(path: list[State], piece: bytes, matcher: Matcher) -> bool:
    """Adds the states that a token leads through, as far as it is allowed."""
    for at in range(len(path) - 1, len(piece)):
        following = matcher.follow(path[-1], piece[at : at + 1])
        if following is None:
            return False
        path.append(following)
    return True


def _alike(first: bytes, second: bytes) -> int:
    """How many bytes they have in common at their beginnings."""
    for at, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return at
    return min(len(first), len(second))


def _following(prefix: bytes) -> bytes:
    """What comes first after all that begins with this; b"" for nothing."""
    rest = prefix.rstrip(b"\xff")
    return rest[:-1] + bytes([rest[-1] + 1]) if rest else b""


class Guide:
    """One answer's way through its grammar, which may wait for a trigger.

    Attributes:
        done: Whether the grammar has nothing left to say.
    """

    def __init__(self, vocabulary: Vocabulary, matcher: Matcher, triggers: Sequence[bytes]) -> None:
        """Takes the grammar; with triggers it holds from the first of them on."""
        self._vocabulary = vocabulary
        self._matcher = matcher
        self._triggers = tuple(sorted(triggers, key=len, reverse=True))
        self._kept = max(map(len, self._triggers), default=1) - 1
        self._tail = b""
        self._state: State | None = None

    @property
    def done(self) -> bool:
        """Whether the answer is over, whatever the model would say next."""
        return self._state is not None and self._state.finished

    @property
    def may_end(self) -> bool:
        """Whether the answer may be over here."""
        state = self._where()
        return state is None or state.complete

    def begin(self) -> None:
        """Another token is about to be chosen."""
        self._matcher.budget = BUDGET

    def allows(self, token: int) -> bool:
        """Whether a token that does not end the answer may come next.

        Raises:
            TooAmbiguousError: The grammar is too much work.
        """
        state = self._where()
        if state is None:
            return self._triggered(token) is not False
        piece = self._vocabulary.pieces[token]
        return bool(piece) and self._matcher.follow(state, piece) is not None

    def accept(self, token: int) -> None:
        """A token that is allowed has been chosen."""
        state = self._where()
        piece = self._vocabulary.pieces[token]
        if state is not None:
            self._state = self._matcher.follow(state, piece)
            return
        begun = self._triggered(token)
        self._state = begun if isinstance(begun, State) else None
        self._tail = (self._tail + piece)[-self._kept :] if self._kept else b""

    def choices(self, likeliest: Callable[[], Iterable[int]], most: int) -> list[int]:
        """Tokens that are allowed next: all, or the first ones of ``likeliest``, up to ``most``.

        Raises:
            TooAmbiguousError: The grammar is too much work.
        """
        state = self._where()
        found = None if state is None else self._listed(state)
        if found is not None:
            return found
        picked: list[int] = []
        for token in likeliest():
            if token not in self._vocabulary.ends and self.allows(token):
                picked.append(token)
                if len(picked) == most:
                    break
        return picked

    def _listed(self, state: State) -> list[int] | None:
        if state.memo is None:
            found = self._vocabulary.allowed(self._matcher, state)
            state.memo = (found,)
        assert isinstance(state.memo, tuple)
        listed: list[int] | None = state.memo[0]
        return listed

    def _where(self) -> State | None:
        """Where the grammar is; None while it waits."""
        if self._state is None and not self._triggers:
            self._state = self._matcher.start
        return self._state

    def _triggered(self, token: int) -> State | bool:
        """Where a token leads that completes a trigger; True for none, False for nowhere."""
        text = self._tail + self._vocabulary.pieces[token]
        ends = [
            (at + len(trigger), at) for trigger in self._triggers if (at := text.find(trigger)) >= 0
        ]
        if not ends:
            return True
        # The one that is complete first, and of those that end there the longest.
        _, begin = min(ends)
        return self._matcher.follow(self._matcher.start, text[begin:]) or False
