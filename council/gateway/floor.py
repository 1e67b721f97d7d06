"""One has the floor: several who speak at the same time, told one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field

_BETWEEN = "\n\n"


@dataclass(slots=True)
class _Turn:
    """What one of them has said and nobody was told yet."""

    waiting: list[str] = field(default_factory=list)
    begun: bool = False
    over: bool = False


class Floor:
    """Whoever speaks first is told as it speaks; what others say meanwhile waits for its end."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}
        self._told_before = False

    def say(self, who: str, text: str) -> str:
        """Somebody says more; returns what is to be told now."""
        self._turns.setdefault(who, _Turn()).waiting.append(text)
        return self._told()

    def end(self, who: str, note: str = "") -> str:
        """Somebody has ended, with a note at its end; as for `say`."""
        turn = self._turns.get(who)
        if turn is None:
            if not note:
                return ""
            turn = self._turns[who] = _Turn()
        if note:
            turn.waiting.append(f" {note}" if turn.begun or turn.waiting else note)
        turn.over = True
        return self._told()

    def clear(self) -> str:
        """All that nobody was told yet, since there is no more time to wait for an end."""
        for turn in self._turns.values():
            turn.over = True
        return self._told()

    def _told(self) -> str:
        told = ""
        while self._turns:
            who, turn = next(iter(self._turns.items()))
            told += self._from(who, turn)
            if not turn.over:
                break
            del self._turns[who]
        return told

    def _from(self, who: str, turn: _Turn) -> str:
        said = "".join(turn.waiting)
        turn.waiting.clear()
        if turn.begun or not said.strip():
            return said if turn.begun else ""
        turn.begun = True
        before = _BETWEEN if self._told_before else ""
        self._told_before = True
        return f"{before}{who}: {said.lstrip()}"
