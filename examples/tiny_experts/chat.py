"""The chat format: from turns to token ids, the same at training and in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from examples.tiny_experts.bpe import TURN_END, TURN_START, control_id, encode_plain
from examples.tiny_experts.corpus import Turn

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""ChatML as a Jinja template; it is stored in the GGUF files."""


@dataclass(frozen=True)
class Encoded:
    """A conversation as tokens.

    Attributes:
        ids: Token ids, shape (length,).
        learn: For each token, whether the model has to predict it.
    """

    ids: list[int]
    learn: list[bool]


def encode_turns(tokenizer: Tokenizer, turns: Sequence[Turn]) -> Encoded:
    """Encode a conversation; only replies and their ends are to be learnt.

    Args:
        tokenizer: The shared tokenizer.
        turns: The conversation.

    Returns:
        Ids and learning mask of equal length.
    """
    start, end = control_id(tokenizer, TURN_START), control_id(tokenizer, TURN_END)
    newline = encode_plain(tokenizer, "\n")
    ids: list[int] = []
    learn: list[bool] = []
    for turn in turns:
        head = [start, *encode_plain(tokenizer, f"{turn.role}\n")]
        body = [*encode_plain(tokenizer, turn.text), end]
        ids += head + body + newline
        mine = turn.role == "assistant"
        learn += [False] * len(head) + [mine] * len(body) + [False] * len(newline)
    return Encoded(ids, learn)
