"""A reply's tokens in as few as hold it."""

from __future__ import annotations

from collections.abc import Sequence

from council.messages import ChatToken, FinishReason, ToolCallDelta, Usage


def gathered(tokens: Sequence[ChatToken]) -> tuple[ChatToken, ...]:
    """One token for each answer of the reply, in their order; notices are left out.

    Whoever takes these instead of all the tokens has the same reply at the end: texts joined,
    pieces of a tool call joined, the last usage reported. A reply without tokens is an empty one.
    """
    by_choice: dict[int, list[ChatToken]] = {}
    for token in tokens:
        by_choice.setdefault(token.choice, []).append(token)
    usage = next((token.usage for token in reversed(tokens) if token.usage), None)
    if not by_choice:
        return (ChatToken(),)
    first = min(by_choice)
    return tuple(
        _one(choice, own, usage if choice == first else None)
        for choice, own in sorted(by_choice.items())
    )


def _one(choice: int, tokens: Sequence[ChatToken], usage: Usage | None) -> ChatToken:
    return ChatToken(
        text="".join(token.text for token in tokens),
        reasoning="".join(token.reasoning for token in tokens),
        finish_reason=_last_reason(tokens),
        usage=usage,
        tool_calls=_calls(tokens),
        refusal="".join(token.refusal for token in tokens),
        logprobs=tuple(entry for token in tokens for entry in token.logprobs),
        choice=choice,
    )


def _last_reason(tokens: Sequence[ChatToken]) -> FinishReason | None:
    return next((token.finish_reason for token in reversed(tokens) if token.finish_reason), None)


def _calls(tokens: Sequence[ChatToken]) -> tuple[ToolCallDelta, ...]:
    pieces: dict[int, list[ToolCallDelta]] = {}
    for token in tokens:
        for piece in token.tool_calls:
            pieces.setdefault(piece.index, []).append(piece)
    return tuple(
        ToolCallDelta(
            index,
            next((piece.id for piece in own if piece.id), ""),
            "".join(piece.name for piece in own),
            "".join(piece.arguments for piece in own),
        )
        for index, own in sorted(pieces.items())
    )
