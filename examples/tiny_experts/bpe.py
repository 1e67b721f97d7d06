"""The byte-level tokenizer shared by the three models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

END_OF_TEXT = "<|endoftext|>"
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"
SPECIALS = (END_OF_TEXT, TURN_START, TURN_END)
"""Control tokens; their ids are their positions here."""

VOCABULARY_SIZE = 2560
"""Entries, control tokens and the 256 bytes included."""

PRE_TOKENIZER = "qwen2"
"""Name under which llama.cpp knows ``SPLIT_PATTERN``."""

SPLIT_PATTERN = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
    r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Where text is cut before merging: every digit stands alone."""


def _equip(tokenizer: Tokenizer) -> Tokenizer:
    """Give a tokenizer the cutting of text and its inverse."""
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT_PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def assemble_tokenizer(tokens: Sequence[str], merges: Sequence[str]) -> Tokenizer:
    """Rebuild a tokenizer from what a GGUF file holds.

    Args:
        tokens: The vocabulary in the order of the ids.
        merges: Pairs of tokens, a space between them.

    Returns:
        The tokenizer, without its control tokens: it encodes plain text.
    """
    vocabulary = {token: index for index, token in enumerate(tokens)}
    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    return _equip(Tokenizer(models.BPE(vocab=vocabulary, merges=pairs)))


def train_tokenizer(texts: Iterable[str], size: int = VOCABULARY_SIZE) -> Tokenizer:
    """Learn the merges from a corpus.

    Args:
        texts: Training texts, without control tokens.
        size: Entries of the vocabulary.

    Returns:
        The tokenizer; every byte has an entry, so any text can be encoded.
    """
    tokenizer = _equip(Tokenizer(models.BPE()))
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIALS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a tokenizer saved by ``Tokenizer.save``.

    Args:
        path: The JSON file.

    Returns:
        The tokenizer.
    """
    return Tokenizer.from_file(str(path))


def encode_plain(tokenizer: Tokenizer, text: str) -> list[int]:
    """Encode text that may not contain control tokens.

    Args:
        tokenizer: The tokenizer.
        text: A user's, system's or assistant's words.

    Returns:
        Token ids.
    """
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return ids


def control_id(tokenizer: Tokenizer, token: str) -> int:
    """Look up a control token.

    Args:
        tokenizer: The tokenizer.
        token: One of ``SPECIALS``.

    Returns:
        Its id.

    Raises:
        ValueError: If the tokenizer does not have it.
    """
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ValueError(f"the tokenizer has no {token}")
    return found
