"""A reply's tokens in as few as hold it."""

from __future__ import annotations

from collections.abc import Sequence

from council.messages import ChatToken, FinishReason, ToolCallDelta, Usage, set_aside


def gathered(tokens: Sequence[ChatToken]) -> tuple[ChatToken, ...]:
    """One token for each answer of the reply, in their order; notices are left out.

    Whoever takes these instead of all the tokens has the same reply at the end: texts joined,
    pieces of a tool call joined, the last usage reported. Before them stand the notices of tools
    that were run, which are a part of the reply. A reply without tokens is an empty one.
    """
    by_choice: dict[int, list[ChatToken]] = {}
    uses: list[ChatToken] = []
    usage: Usage | None = None
    for token in tokens:
        usage = token.usage or usage
        own = by_choice.setdefault(token.choice, [])
        if token.notice is not None and token.notice.tool is not None:
            # With the count so far, which tells what each request used.
            uses.append(ChatToken(usage=usage, notice=token.notice))
            if token.notice.tool.result is None:
                own[:] = [_before_a_tool(own)]
        own.append(token)
    if not by_choice:
        return (ChatToken(),)
    first = min(by_choice)
    return (
        *uses,
        *(
            _one(choice, own, usage if choice == first else None)
            for choice, own in sorted(by_choice.items())
        ),
    )


def _before_a_tool(tokens: Sequence[ChatToken]) -> ChatToken:
    reasoning = "".join(token.reasoning for token in tokens)
    text = "".join(token.text for token in tokens)
    refusal = "".join(token.refusal for token in tokens)
    return ChatToken(reasoning=set_aside(reasoning, text), refusal=refusal)


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
