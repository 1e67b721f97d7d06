"""llama.cpp: the only module that imports it, loaded only in worker processes.

Misuse of this library kills the process, so everything is checked in Python before a native call.
A context belongs to the thread that drives it; a model's vocabulary may be used from any thread.
"""

from __future__ import annotations

import ctypes
import enum
import hashlib
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import llama_cpp as lib

from backend.engine.messages import Load, Sampling
from backend.engine.plan import Chunk, Copy, Edit, Limits

_BATCH = 512
_BUSY_BATCH = 128
_LOG_ERROR = 4
_RANDOM_SEED = 0xFFFFFFFF  # llama.cpp draws a seed of its own when it is given this one


_LOG_CALLBACKS: list[Any] = []


class LlamaError(Exception):
    """llama.cpp refused; the text is for a person."""


class Outcome(enum.Enum):
    """What became of a decode."""

    DONE = 0
    NO_ROOM = 1
    ABORTED = 2


class NativeLog:
    """Silences llama.cpp and keeps its last errors, to explain a failure."""

    def __init__(self) -> None:
        """Takes over the log of the whole process."""
        self._errors: deque[str] = deque(maxlen=20)
        callback = lib.llama_log_callback(self._note)
        # llama.cpp keeps the pointer until another one is set, however long this object lives.
        _LOG_CALLBACKS.append(callback)
        lib.llama_log_set(callback, ctypes.c_void_p(0))

    def _note(self, level: int, text: bytes, _data: object) -> None:
        if level == _LOG_ERROR:
            self._errors.append(text.decode("utf-8", "replace").strip())

    def clear(self) -> None:
        """Forgets what was told so far: something else begins."""
        self._errors.clear()

    def reason(self, fallback: str) -> str:
        """The first error, without the name of the C++ function: later ones only repeat it."""
        if not self._errors:
            return fallback
        return self._errors[0].split(": ", 1)[-1].removeprefix("error loading model: ")


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
        params.progress_callback = callback
        log.clear()
        lib.llama_backend_init()
        model = lib.llama_model_load_from_file(load.path.encode(), params)
        if not model:
            raise LlamaError(log.reason("llama.cpp cannot load it"))
        vocab = lib.llama_model_get_vocab(model)
        if not vocab or lib.llama_model_has_encoder(model):
            raise LlamaError("it is not a model that continues text (it has an encoder)")
        self.handle, self._vocab = model, vocab
        self.size = lib.llama_vocab_n_tokens(vocab)
        self.trained_ctx = lib.llama_model_n_ctx_train(model)
        self.can_cut = not (lib.llama_model_is_recurrent(model) or lib.llama_model_is_hybrid(model))
        self._bos = lib.llama_vocab_bos(vocab) if lib.llama_vocab_get_add_bos(vocab) else -1

    def tokenize(self, text: str) -> list[int]:
        """The tokens of a rendered chat, with exactly one beginning-of-text where the model has it.

        Raises:
            LlamaError: The text is too long to count.
        """
        raw = text.encode("utf-8", "replace")
        most = len(raw) + 8
        buffer = (lib.llama_token * most)()
        count = lib.llama_tokenize(self._vocab, raw, len(raw), buffer, most, False, True)
        if count < 0:
            raise LlamaError(f"cannot tokenize {len(raw)} bytes")
        tokens = list(buffer[:count])
        if self._bos >= 0 and tokens[:1] != [self._bos]:
            tokens.insert(0, self._bos)
        return tokens

    def piece(self, token: int) -> bytes:
        """The bytes of a token; none for control tokens."""
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            written = lib.llama_token_to_piece(self._vocab, token, buffer, size, 0, False)
            if written >= 0:
                return buffer.raw[:written]
            size = -written

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
    def template(self) -> str | None:
        """The chat template in the file."""
        found = lib.llama_model_chat_template(self.handle, None)
        return found.decode("utf-8", "replace") if found else None

    @property
    def fingerprint(self) -> str:
        """Changes with the library, the architecture and the size of the model."""
        text = ctypes.create_string_buffer(256)
        lib.llama_model_desc(self.handle, text, len(text))
        counts = (lib.llama_model_n_params(self.handle), lib.llama_model_size(self.handle))
        facts = f"{lib.__version__} {text.value!r} {counts} {self.size} {self.trained_ctx}"
        return "fp_" + hashlib.sha256(facts.encode()).hexdigest()[:10]


class AbortSwitch:
    """Stops a decode from another thread.

    llama.cpp asks a C function between two nodes of its graph. A Python one would take the GIL
    hundreds of times in each step; libc's ``strlen`` on a buffer that is "" or "x" gives the same
    answer for nothing.
    """

    def __init__(self, context: Any) -> None:
        """Connects the switch to a context."""
        self._flag = ctypes.create_string_buffer(2)
        strlen = ctypes.cast(ctypes.CDLL(None).strlen, lib.ggml_abort_callback)
        data = ctypes.cast(self._flag, ctypes.c_void_p)
        lib.llama_set_abort_callback(context, strlen, data)
        self._strlen = strlen

    def set(self, on: bool) -> None:
        """On: the decode that runs, and each one after it, ends at once."""
        self._flag[0] = b"x" if on else b"\0"


class Context:
    """A KV cache on a model, and decoding into it."""

    def __init__(self, model: Model, load: Load, log: NativeLog) -> None:
        """Allocates the cache.

        Raises:
            LlamaError: Not enough memory, or the architecture is not supported.
        """
        self._model = model
        log.clear()
        unified = True
        context = self._create(load, unified)
        if not context:
            # Some architectures cannot share one buffer among sequences.
            unified = False
            context = self._create(load, unified)
        if not context:
            raise LlamaError(
                log.reason(f"no context of {load.ctx} tokens") + "; try a smaller --ctx"
            )
        memory = lib.llama_get_memory(context)
        if not memory:
            raise LlamaError("it is not a model that continues text (it has no memory)")
        self._context, self._memory = context, memory
        self.abort = AbortSwitch(context)
        each = load.ctx if unified else lib.llama_n_ctx_seq(context)
        self.request_limit = min(each, model.trained_ctx or each)
        self.limits = Limits(
            cells=load.ctx if unified else each * load.parallel,
            sequences=load.parallel,
            batch=lib.llama_n_batch(context),
            busy_batch=max(_BUSY_BATCH, load.parallel),
            share=unified and model.can_cut,
        )
        self._batch = lib.llama_batch_init(self.limits.batch, 0, 1)

    def _create(self, load: Load, unified: bool) -> Any:
        params = lib.llama_context_default_params()
        params.n_ctx = load.ctx
        params.n_batch = params.n_ubatch = max(_BATCH, load.parallel)
        params.n_seq_max = load.parallel
        params.n_outputs_max = load.parallel  # one sampled token for each sequence
        params.n_threads = params.n_threads_batch = load.threads
        params.kv_unified = unified
        return lib.llama_init_from_model(self._model.handle, params)

    def apply(self, edit: Edit) -> bool:
        """Changes the cache; False when it cannot cut a sequence in part, as some cannot."""
        if isinstance(edit, Copy):
            lib.llama_memory_seq_cp(self._memory, edit.source, edit.target, 0, edit.length)
            return True
        return bool(lib.llama_memory_seq_rm(self._memory, edit.seq, edit.length, -1))

    def decode(self, chunks: Sequence[Chunk]) -> Outcome:
        """Computes the chunks in one batch.

        Raises:
            LlamaError: Anything but success, no room or an abort; the context is not to be trusted.
            ValueError: The chunks do not fit a batch, which would kill the process.
        """
        total = sum(len(chunk.tokens) for chunk in chunks)
        if not 0 < total <= self.limits.batch:
            raise ValueError(f"{total} tokens do not fit a batch of {self.limits.batch}")
        self._fill(chunks)
        code = lib.llama_decode(self._context, self._batch)
        if code not in (0, 1, 2):
            raise LlamaError(f"llama_decode returned {code}")
        return Outcome(code)

    def _fill(self, chunks: Sequence[Chunk]) -> None:
        batch = self._batch
        at = 0
        for chunk in chunks:
            for position, token in enumerate(chunk.tokens, chunk.start):
                batch.token[at] = token
                batch.pos[at] = position
                batch.n_seq_id[at] = 1
                batch.seq_id[at][0] = chunk.seq
                batch.logits[at] = 0
                at += 1
            batch.logits[at - 1] = chunk.sample
        batch.n_tokens = at

    def sampler(self, sampling: Sampling) -> Sampler:
        """A sampler for one request; to be closed."""
        return Sampler(self._context, self._model.size, self.request_limit, sampling)


class Sampler:
    """Chooses one request's tokens; knows which ones it chose before."""

    def __init__(self, context: Any, vocabulary: int, window: int, sampling: Sampling) -> None:
        """Builds the chain: penalties, top k, top p, min p, temperature, draw.

        Args:
            context: The native context whose logits are sampled.
            vocabulary: Number of tokens of the model.
            window: How many tokens back the penalties look.
            sampling: The request's choices, already validated.
        """
        self._context = context
        self._chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        if sampling.repeat_penalty != 1 or sampling.frequency_penalty or sampling.presence_penalty:
            self._add(
                lib.llama_sampler_init_penalties(
                    vocabulary,
                    window,
                    sampling.repeat_penalty,
                    sampling.frequency_penalty,
                    sampling.presence_penalty,
                )
            )
        if sampling.temperature == 0:
            self._add(lib.llama_sampler_init_greedy())
            return
        self._add(lib.llama_sampler_init_top_k(sampling.top_k))
        self._add(lib.llama_sampler_init_top_p(sampling.top_p, 1))
        self._add(lib.llama_sampler_init_min_p(sampling.min_p, 1))
        self._add(lib.llama_sampler_init_temp(sampling.temperature))
        seed = secrets.randbits(31) if sampling.seed is None else sampling.seed
        self._add(lib.llama_sampler_init_dist(seed % _RANDOM_SEED))

    def _add(self, link: Any) -> None:
        lib.llama_sampler_chain_add(self._chain, link)

    def sample(self, row: int) -> int:
        """The next token, from the logits at this position of the last batch; remembers it."""
        token: int = lib.llama_sampler_sample(self._chain, self._context, row)
        return token

    def close(self) -> None:
        """Frees the chain and its links; once."""
        chain, self._chain = self._chain, None
        if chain is not None:
            lib.llama_sampler_free(chain)
