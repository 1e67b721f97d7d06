"""What llama.cpp's own grammars say, asked in a process of its own: they may end it.

Reads lines of JSON, ``[grammar, [text, …]]``, and answers each with a line: null where llama.cpp
does not take the grammar, or for each text how many of its bytes are accepted and whether it may
end there.
"""

from __future__ import annotations

import ctypes
import json
import math
import sys

import llama_cpp as lib

from backend.engine.llama import Model, NativeLog
from backend.engine.messages import Load


class Judge:
    """Grammars over a vocabulary whose first 256 tokens are the bytes."""

    def __init__(self, path: str) -> None:
        self._log = NativeLog()
        self._model = Model(Load(path, 64, 1, 1, 0), self._log, lambda _: None)
        self._vocab = lib.llama_model_get_vocab(self._model.handle)

    def judge(self, grammar: str, texts: list[str]) -> list[tuple[int, bool]] | None:
        native = lib.llama_sampler_init_grammar(self._vocab, grammar.encode(), b"root")
        if not native:
            return None
        found = [self._follow(lib.llama_sampler_clone(native), text.encode()) for text in texts]
        lib.llama_sampler_free(native)
        return found

    def _follow(self, native: object, text: bytes) -> tuple[int, bool]:
        accepted = 0
        for byte in text:
            if not self._allows(native, byte):
                break
            lib.llama_sampler_accept(native, byte)
            accepted += 1
        ends = self._allows(native, self._model.ends[0])
        lib.llama_sampler_free(native)
        return accepted, ends

    def _allows(self, native: object, token: int) -> bool:
        data = (lib.llama_token_data * 1)(lib.llama_token_data(token, 0.0, 0.0))
        array = lib.llama_token_data_array(data, 1, -1, False)
        lib.llama_sampler_apply(native, ctypes.byref(array))
        return not math.isinf(data[0].logit)


if __name__ == "__main__":
    judge = Judge(sys.argv[1])
    for line in sys.stdin:
        sys.stdout.write(json.dumps(judge.judge(*json.loads(line))) + "\n")
