"""A model's weights and vocabulary."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable
from functools import cached_property

import llama_cpp as lib

from backend.engine.llama.adapters import Adapters
from backend.engine.llama.log import LlamaError, NativeLog
from backend.engine.llama.pieces import LONGEST, pieces
from backend.engine.messages import Load

_LOAD_MODES = {
    (False, False): lib.LLAMA_LOAD_MODE_NONE,
    (True, False): lib.LLAMA_LOAD_MODE_MMAP,
    (False, True): lib.LLAMA_LOAD_MODE_MLOCK,
    (True, True): lib.LLAMA_LOAD_MODE_MMAP_MLOCK,
}
"""By whether the file is mapped, and whether it is locked."""
_TOO_MANY = -(1 << 31)
"""What llama.cpp says when it cannot count the tokens."""

LIBRARY = f"llama-cpp-python {lib.__version__}"


class Model:
    """The weights and the vocabulary."""

    def __init__(self, load: Load, log: NativeLog, progress: Callable[[float], None]) -> None:
        """Reads the file; ``progress`` is called with 0 to 1.

        Raises:
            LlamaError: llama.cpp cannot read it, or it is no model that writes text.
        """

        def report(fraction: float, _data: object) -> bool:
            progress(fraction)
            return True

        callback = lib.llama_progress_callback(report)
        params = lib.llama_model_default_params()
        params.n_gpu_layers = load.gpu_layers
        params.load_mode = _LOAD_MODES[load.options.mmap, load.options.mlock]
        params.progress_callback = callback
        log.clear()
        lib.llama_backend_init()
        model = lib.llama_model_load_from_file(load.path.encode(), params)
        if not model:
            raise LlamaError(log.reason("llama.cpp cannot load it"))
        vocab = lib.llama_model_get_vocab(model)
        if not vocab or lib.llama_vocab_type(vocab) == lib.LLAMA_VOCAB_TYPE_NONE:
            raise LlamaError("it has no vocabulary, so it can read no text")
        if lib.llama_model_has_encoder(model) and lib.llama_model_has_decoder(model):
            raise LlamaError("models with both an encoder and a decoder are not supported")
        self.handle, self._vocab = model, vocab
        self.size = lib.llama_vocab_n_tokens(vocab)
        self.longest = int(lib.llama_model_n_ctx_train(model) * max(1.0, load.options.rope_scale))
        self.width = lib.llama_model_n_embd_out(model)
        self.can_cut = not (lib.llama_model_is_recurrent(model) or lib.llama_model_is_hybrid(model))
        self._paired = lib.llama_vocab_type(vocab) == lib.LLAMA_VOCAB_TYPE_BPE
        self._bos = lib.llama_vocab_bos(vocab) if lib.llama_vocab_get_add_bos(vocab) else -1
        self.adapters = Adapters(model, load.options.loras, log)

    def tokenize(
        self,
        text: str,
        enough: int | None = None,
        *,
        framed: bool = True,
        parse_special: bool = True,
    ) -> list[int]:
        """The tokens of a rendered chat, with exactly one beginning-of-text where the model has it.

        Args:
            text: The chat.
            enough: A count from which on the rest need not be looked at.
            framed: Whether the beginning-of-text is added.
            parse_special: Whether special tokens in it are recognised.

        Raises:
            LlamaError: The text is too long to count.
        """
        tokens = self._tokens(text, parse_special=parse_special, enough=enough)
        if framed and self._bos >= 0 and tokens[:1] != [self._bos]:
            tokens.insert(0, self._bos)
        return tokens

    def tokenize_text(self, text: str) -> list[int]:
        """The tokens of a text to embed, framed as the model expects; none in it is special.

        Raises:
            LlamaError: The text is too long to count.
        """
        if not self._paired or len(text) <= LONGEST:
            return self._native(text, add_special=True, parse_special=False)
        ends = lib.llama_vocab_get_add_eos(self._vocab)
        tokens = self._tokens(text, parse_special=False)
        tokens[:0] = [self._bos] if self._bos >= 0 else []
        return [*tokens, lib.llama_vocab_eos(self._vocab)] if ends else tokens

    def _tokens(self, text: str, *, parse_special: bool, enough: int | None = None) -> list[int]:
        tokens: list[int] = []
        # Only byte-pair tokenizers need to be given parts; others put a space before each.
        for part in pieces(text) if self._paired else (text,):
            tokens += self._native(part, add_special=False, parse_special=parse_special)
            if enough is not None and len(tokens) >= enough:
                break
        return tokens

    def _native(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        raw = text.encode("utf-8", "replace")
        most = len(raw) + 8
        while True:
            buffer = (lib.llama_token * most)()
            count = lib.llama_tokenize(
                self._vocab, raw, len(raw), buffer, most, add_special, parse_special
            )
            if count >= 0:
                return list(buffer[:count])
            if count == _TOO_MANY:
                raise LlamaError(f"cannot tokenize {len(raw)} bytes")
            # More tokens than bytes: a space can be three, and some characters are spelled out.
            most = -count

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes of a token; none for control tokens, unless ``special`` ones are wanted."""
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            written = lib.llama_token_to_piece(self._vocab, token, buffer, size, 0, special)
            if written >= 0:
                return buffer.raw[:written]
            size = -written

    def pieces(self, special: bool) -> list[bytes]:
        """The bytes of all tokens, as of ``piece``."""
        return [self.piece(token, special=special) for token in range(self.size)]

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """The tokens with which the model says that it is done."""
        return tuple(token for token in range(self.size) if self.ends_text(token))

    def ends_text(self, token: int) -> bool:
        """Whether the model says with this token that it is done."""
        return bool(lib.llama_vocab_is_eog(self._vocab, token))

    def special_text(self, token: int) -> str:
        """How a special token is written in a template; "" when the model has none."""
        if token < 0:
            return ""
        text: bytes = lib.llama_vocab_get_text(self._vocab, token)
        return text.decode("utf-8", "replace")

    @property
    def bos(self) -> str:
        """Text of the token that begins a sequence."""
        return self.special_text(lib.llama_vocab_bos(self._vocab))

    @property
    def eos(self) -> str:
        """Text of the token that ends a sequence."""
        return self.special_text(lib.llama_vocab_eos(self._vocab))

    @property
    def chats(self) -> bool:
        """Whether it may continue text; one that reads text from both ends only makes vectors."""
        causal = self.fact("attention.causal") != "false"
        return causal and bool(lib.llama_model_has_decoder(self.handle))

    def fact(self, key: str) -> str | None:
        """A value of the file's header, of those that belong to its architecture."""
        architecture = self._meta("general.architecture")
        return None if architecture is None else self._meta(f"{architecture}.{key}")

    def _meta(self, key: str) -> str | None:
        text = ctypes.create_string_buffer(256)
        size = lib.llama_model_meta_val_str(self.handle, key.encode(), text, len(text))
        return None if size < 0 else text.value.decode("utf-8", "replace")

    @property
    def template(self) -> str | None:
        """The chat template in the file."""
        found = lib.llama_model_chat_template(self.handle, None)
        return found.decode("utf-8", "replace") if found else None

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return int(lib.llama_model_n_params(self.handle))

    @property
    def trained(self) -> int:
        """Tokens of context it was trained for."""
        return int(lib.llama_model_n_ctx_train(self.handle))

    @property
    def fingerprint(self) -> str:
        """Changes with the library, the architecture and the size of the model."""
        text = ctypes.create_string_buffer(256)
        lib.llama_model_desc(self.handle, text, len(text))
        counts = (lib.llama_model_n_params(self.handle), lib.llama_model_size(self.handle))
        facts = f"{lib.__version__} {text.value!r} {counts} {self.size} {self.longest}"
        facts += str(self.adapters.specs)
        return "fp_" + hashlib.sha256(facts.encode()).hexdigest()[:10]
