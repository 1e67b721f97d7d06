"""The contract of a strategy, kept by all strategies there are."""

from __future__ import annotations

from typing import Any

import pytest

from council.sources import to_strategy
from council.strategies import STRATEGIES
from council.testing import STRATEGY_CHECKS, check_strategy

pytestmark = pytest.mark.anyio

OPTIONS: list[dict[str, Any]] = [
    {"name": "debate", "when": "always", "min_rounds": 2, "final": "synthesize"},
    {"name": "debate", "converge": "semantic", "max_rounds": 2},
    {"name": "judge", "mode": "pairwise"},
    {"name": "judge", "mode": "score", "judge": "xaver"},
    {"name": "rank", "reviewers": ["zadok", "wanda"]},
    {"name": "synthesize", "top": 2},
    {"name": "vote", "adaptive": True, "wave": 2},
    {"name": "vote", "cascade": [1, 3, "all"], "confidence": 0.8},
    {"name": "vote", "extract": "semantic", "tie": "random"},
]
CASES: list[dict[str, Any]] = [*({"name": name} for name in STRATEGIES), *OPTIONS]
NAMES = [" ".join(map(str, case.values())) for case in CASES]
# One answer is enough for it, whatever quorum the panel has.
NEEDS = {"first": 1}


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.parametrize("check", STRATEGY_CHECKS)
@pytest.mark.parametrize("strategy", CASES, ids=NAMES)
async def test_strategies(strategy: dict[str, Any], check: str) -> None:
    needs = NEEDS.get(strategy["name"])
    made = await check_strategy(lambda: to_strategy(strategy), checks=[check], needs=needs)
    assert made == (check,)
