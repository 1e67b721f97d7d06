"""Cutting long texts for llama.cpp's tokenizers.

Some of them match patterns with a function that calls itself for each character, so that a word of
some ten thousand digits exhausts the stack and ends the process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST = 8192
"""Characters; a quarter of what a stack of 8 MiB was seen to bear."""
_SEAM = re.compile(r"(?<=\S)(?= \S)|(?<=\n)(?=\S)")
"""Where a token ends with any tokenizer: before the space of a word, and at the start of a line."""


def pieces(text: str, longest: int = LONGEST) -> Iterator[str]:
    """Parts of a text that have the same tokens apart as together.

    Only where there is no such place, in one word without end, is a part cut off anywhere.
    """
    start = 0
    while len(text) - start > longest:
        end = start + longest
        # From the middle on: an earlier place would do as well, but many parts are slow.
        for seam in _SEAM.finditer(text, start + longest // 2, start + longest):
            end = seam.start()
        yield text[start:end]
        start = end
    yield text[start:]
