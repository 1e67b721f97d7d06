"""The messages about a model's vocabulary; ``messages`` has the others, and the unions of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Tokenize:
    """Tell the tokens of a text.

    Attributes:
        id: From the same numbers as those of ``Submit``.
        text: What to read.
        add_special: Whether the token that begins a sequence goes first, where the model has one.
        parse_special: Whether special tokens in the text are recognised.
        pieces: Whether what each token stands for is wanted too.
    """

    id: int
    text: str
    add_special: bool = True
    parse_special: bool = True
    pieces: bool = False
    type: Literal["tokenize"] = "tokenize"


@dataclass(frozen=True, slots=True)
class Tokenized:
    """The tokens of a text.

    Attributes:
        id: The request.
        tokens: In their order.
        pieces: The bytes of each, as the characters of these numbers; none where not wanted.
    """

    id: int
    tokens: tuple[int, ...]
    pieces: tuple[str, ...] = ()
    type: Literal["tokenized"] = "tokenized"


@dataclass(frozen=True, slots=True)
class Detokenize:
    """Tell the text of tokens, all of which are in the vocabulary; special ones are written out."""

    id: int
    tokens: tuple[int, ...]
    type: Literal["detokenize"] = "detokenize"


@dataclass(frozen=True, slots=True)
class Detokenized:
    """The text of tokens; bytes that are no UTF-8 become U+FFFD."""

    id: int
    text: str
    type: Literal["detokenized"] = "detokenized"
