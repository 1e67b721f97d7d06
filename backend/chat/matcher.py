"""Follows a text through a grammar, byte by byte.

A grammar is a machine with a stack: what is still to come is a ``Frame`` and those below it, and a
``State`` is all the stacks that the text so far can have led to. Both are made when they are first
reached, once each, so that a text that goes where others went costs a look into a dictionary for
each byte, whatever the grammar. The work of one byte is limited: an ambiguous grammar has more and
more stacks, and would otherwise hold up everybody.
"""

from __future__ import annotations

from collections.abc import Iterable

from backend.chat.gbnf import Grammar
from backend.chat.gbnf_nodes import Byte, Choice, Node, Repeat, Rule, Sequence

WIDEST = 4_000
"""Most stacks that one byte may lead through."""
BUDGET = 200_000
"""Stacks that are looked at for one token."""
_KEPT = 20_000
"""States after which those that nobody is in are forgotten."""


class TooAmbiguousError(Exception):
    """A text can be read in too many ways."""


class Frame:
    """What comes next: a node, how far it is done, and what comes after it.

    ``count`` is the item of a sequence that comes next, or how often a repetition was there.
    """

    __slots__ = ("count", "node", "rest")

    def __init__(self, node: Node, count: int, rest: Frame | None) -> None:
        """Takes the parts; ``Matcher`` makes each frame once."""
        self.node, self.count, self.rest = node, count, rest


class State:
    """Where a text has led to.

    Attributes:
        complete: Whether the text may end here.
        finished: Whether it has to.
        memo: What whoever follows texts has found out of this state.
    """

    __slots__ = ("complete", "finished", "frames", "memo", "moves")

    def __init__(self, frames: frozenset[Frame | None]) -> None:
        """Takes the tops of all stacks, each of which is one byte, or None for an empty one."""
        self.frames = frames
        self.complete = None in frames
        self.finished = self.complete and len(frames) == 1
        self.moves: dict[int, State | None] = {}
        self.memo: object = None


class Matcher:
    """One grammar, for any number of texts at the same time; for one thread.

    Attributes:
        budget: Stacks that may still be looked at before it is too much work; to be filled up by
            whoever follows a text. What is known from an earlier text costs nothing.
    """

    def __init__(self, grammar: Grammar) -> None:
        """Takes a grammar that ``read_gbnf`` has read."""
        self._root = grammar.root
        self._frames: dict[tuple[Node, int, Frame | None], Frame] = {}
        self._states: dict[frozenset[Frame | None], State] = {}
        self._start: State | None = None
        self.budget = BUDGET

    @property
    def start(self) -> State:
        """Before the text.

        Raises:
            TooAmbiguousError: The grammar begins in too many ways.
        """
        if self._start is None:
            self._start = self._state([self._frame(self._root, 0, None)])
        return self._start

    def follow(self, state: State, data: bytes) -> State | None:
        """Where these bytes lead; None where the grammar has no such text.

        Raises:
            TooAmbiguousError: They can be read in too many ways.
        """
        for byte in data:
            try:
                following = state.moves[byte]
            except KeyError:
                following = self._move(state, byte)
            if following is None:
                return None
            state = following
        return state

    def _move(self, state: State, byte: int) -> State | None:
        reached: list[Frame | None] = []
        for frame in state.frames:
            if frame is not None and isinstance(frame.node, Byte):
                for low, high, following in frame.node.edges:
                    if low <= byte <= high:
                        rest = frame.rest
                        reached.append(self._frame(following, 0, rest) if following else rest)
        found = state.moves[byte] = self._state(reached) if reached else None
        return found

    def _state(self, reached: Iterable[Frame | None]) -> State:
        frames = self._tops(reached)
        state = self._states.get(frames)
        if state is None:
            if len(self._states) >= _KEPT:
                self._forget()
            state = self._states[frames] = State(frames)
        return state

    def _forget(self) -> None:
        """Lets go of all states; those that a text is in live on with it."""
        self._frames.clear()
        self._states.clear()
        self._start = None

    def _tops(self, reached: Iterable[Frame | None]) -> frozenset[Frame | None]:
        """The same stacks, each taken apart until a byte is on top of it."""
        ahead = list(reached)
        seen: set[Frame | None] = set()
        tops: set[Frame | None] = set()
        while ahead:
            frame = ahead.pop()
            if frame in seen:
                continue
            seen.add(frame)
            if len(seen) > min(WIDEST, self.budget):
                raise TooAmbiguousError
            if frame is None or isinstance(frame.node, Byte):
                tops.add(frame)
            else:
                self._open(frame, ahead)
        self.budget -= len(seen)
        return frozenset(tops)

    def _open(self, frame: Frame, ahead: list[Frame | None]) -> None:
        """Adds what a frame can become."""
        node, rest = frame.node, frame.rest
        match node:
            case Rule():
                ahead.append(self._frame(node.body, 0, rest))
            case Choice():
                ahead += [self._frame(option, 0, rest) for option in node.options]
            case Sequence():
                ahead.append(self._in_order(node, frame))
            case Repeat():
                if frame.count >= node.least:
                    ahead.append(rest)
                if node.most is None or frame.count < node.most:
                    ahead.append(self._frame(node.item, 0, self._again(node, frame)))

    def _in_order(self, node: Sequence, frame: Frame) -> Frame | None:
        if not node.items:
            return frame.rest
        last = frame.count + 1 == len(node.items)
        # Without a frame for nothing, a rule that ends with itself needs no deeper stack.
        after = frame.rest if last else self._frame(node, frame.count + 1, frame.rest)
        return self._frame(node.items[frame.count], 0, after)

    def _again(self, node: Repeat, frame: Frame) -> Frame | None:
        """What comes after one more item of a repetition."""
        if node.most is None:
            # How often it was there no longer matters once it is enough.
            return self._frame(node, min(frame.count + 1, node.least), frame.rest)
        if frame.count + 1 == node.most:
            return frame.rest
        return self._frame(node, frame.count + 1, frame.rest)

    def _frame(self, node: Node, count: int, rest: Frame | None) -> Frame:
        key = (node, count, rest)
        frame = self._frames.get(key)
        if frame is None:
            frame = self._frames[key] = Frame(node, count, rest)
        return frame
