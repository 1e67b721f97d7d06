"""How a panel decides. A new strategy is one file and one line here."""

from council.strategies.base import Decision, Strategy
from council.strategies.concat import Concat
from council.strategies.first import First
from council.strategies.synthesize import Synthesize
from council.strategies.vote import Vote

STRATEGIES: dict[str, type[Strategy]] = {
    strategy.name: strategy for strategy in (Concat, First, Synthesize, Vote)
}

__all__ = ["STRATEGIES", "Concat", "Decision", "First", "Strategy", "Synthesize", "Vote"]
