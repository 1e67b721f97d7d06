"""How a panel decides. A new strategy is one file and one line here."""

from council.strategies.auto import Auto
from council.strategies.base import Decision, Strategy
from council.strategies.concat import Concat
from council.strategies.debate import Debate
from council.strategies.first import First
from council.strategies.judge import Judge
from council.strategies.rank import Rank
from council.strategies.synthesize import Synthesize
from council.strategies.vote import Vote

STRATEGIES: dict[str, type[Strategy]] = {
    strategy.name: strategy
    for strategy in (Auto, Concat, Debate, First, Judge, Rank, Synthesize, Vote)
}

__all__ = [
    "STRATEGIES",
    "Auto",
    "Concat",
    "Debate",
    "Decision",
    "First",
    "Judge",
    "Rank",
    "Strategy",
    "Synthesize",
    "Vote",
]
