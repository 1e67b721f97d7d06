"""How many tokens an answer took."""

from __future__ import annotations

from backend.api.answers import Answering
from backend.schema.completion import CompletionTokensDetails, PromptTokensDetails, Usage


def usage(answering: Answering) -> Usage:
    """Tokens of all choices; their prompt, which is computed once, counts once."""
    return Usage(
        prompt_tokens=answering.prompt_tokens,
        completion_tokens=answering.generated,
        total_tokens=answering.prompt_tokens + answering.generated,
        prompt_tokens_details=PromptTokensDetails(cached_tokens=answering.cached_tokens),
        completion_tokens_details=CompletionTokensDetails(
            reasoning_tokens=answering.reasoning_tokens
        ),
    )
