"""What an answer has to look like, as the engine takes it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Constraint:
    """A grammar for what the model writes.

    Attributes:
        gbnf: The grammar in llama.cpp's GBNF; its root rule is called ``root``.
        triggers: Literal strings. With some, the grammar holds from the first place where the text
            written so far ends with one of them, which is the beginning of what the grammar has to
            match. Without, from the first token on.
    """

    gbnf: str
    triggers: tuple[str, ...] = ()
