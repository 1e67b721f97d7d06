"""The bodies and answers of ``/tokenize``, ``/detokenize`` and ``/apply-template``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from backend.schema.sampling import Body

_MOST_CHARACTERS = 1_000_000
_MOST_TOKENS = 250_000
_MOST_TOKEN = (1 << 31) - 1

Token = Annotated[int, Field(ge=0, le=_MOST_TOKEN)]


class TokenizeRequest(Body):
    """A text to turn into tokens.

    ``add_special`` puts the token that begins a sequence first, ``parse_special`` recognises
    special tokens in the text, ``with_pieces`` also tells what each token stands for.
    """

    content: Annotated[str, Field(max_length=_MOST_CHARACTERS)]
    model: str | None = None
    add_special: bool = False
    parse_special: bool = True
    with_pieces: bool = False


class TokenPiece(BaseModel):
    """A token and its text; its bytes as numbers, where they are no whole characters."""

    id: int
    piece: str | list[int]


class Tokens(BaseModel):
    """The tokens of a text."""

    tokens: list[int] | list[TokenPiece]


class DetokenizeRequest(Body):
    """Tokens to turn into text, special ones written out."""

    tokens: Annotated[list[Token], Field(max_length=_MOST_TOKENS)]
    model: str | None = None


class DetokenizedText(BaseModel):
    """The text of tokens; bytes that are no UTF-8 become U+FFFD."""

    content: str


class AppliedTemplate(BaseModel):
    """What the model would be given to continue."""

    prompt: str
