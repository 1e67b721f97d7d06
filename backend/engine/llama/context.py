"""A KV cache on a model, and decoding into it."""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Sequence
from typing import Any

import llama_cpp as lib

from backend.engine.llama.log import LlamaError, NativeLog
from backend.engine.llama.model import Model
from backend.engine.llama.params import batch_sizes, context_params, uses_gpu
from backend.engine.llama.sampler import Sampler
from backend.engine.messages import Load, Sampling
from backend.engine.plan import Chunk, Copy, Edit, Limits

_BUSY_BATCH = {False: 256, True: 512}
"""Prompt tokens in a step that answers wait for, without and with a GPU."""
_WHOLE = 256
"""llama.cpp rounds the part of the context that a sequence has for itself to multiples of it."""


class Outcome(enum.Enum):
    """What became of a decode."""

    DONE = 0
    NO_ROOM = 1
    ABORTED = 2


class NoMemoryError(LlamaError):
    """The model remembers nothing of what it read: it makes vectors and writes no text."""


def _part(load: Load) -> int:
    """Tokens of each sequence where they have buffers of their own."""
    return load.ctx // load.parallel // _WHOLE * _WHOLE


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
            NoMemoryError: The model writes no text.
            LlamaError: Not enough memory, or the architecture is not supported.
        """
        self._model = model
        context, unified = self._open(load, log)
        memory = lib.llama_get_memory(context)
        if not memory:
            lib.llama_free(context)
            raise NoMemoryError("it is not a model that continues text (it has no memory)")
        self._context, self._memory = context, memory
        self.abort = AbortSwitch(context)
        each = load.ctx if unified else lib.llama_n_ctx_seq(context)
        self.request_limit = min(each, model.longest or each)
        self.limits = Limits(
            cells=load.ctx if unified else each * load.parallel,
            sequences=load.parallel,
            batch=lib.llama_n_batch(context),
            busy_batch=max(_BUSY_BATCH[uses_gpu(load)], load.parallel),
            share=model.can_cut,
            divided=not unified,
        )
        self._batch = lib.llama_batch_init(self.limits.batch, 0, 1)

    def _open(self, load: Load, log: NativeLog) -> tuple[Any, bool]:
        """The native context, and whether all sequences share one buffer.

        Raises:
            LlamaError: It cannot be made.
        """
        log.clear()
        for unified in self._buffers(load):
            if context := self._create(load, unified):
                return context, unified
        raise LlamaError(log.reason(f"no context of {load.ctx} tokens"))

    def _buffers(self, load: Load) -> tuple[bool, ...]:
        """Whether sequences share a buffer, in the order in which it is tried.

        A buffer for each is the faster one, since none looks past the others' cells. In one for all
        a sequence can be longer than an equal part, but some architectures cannot have it.
        """
        chosen = load.options.unified
        if chosen != "auto":
            return (chosen == "on",)
        return (False, True) if 0 < self._model.longest <= _part(load) else (True, False)

    def _create(self, load: Load, unified: bool) -> Any:
        params = context_params(load)
        # By itself llama.cpp rounds the parts up, to more cells than were asked for.
        params.n_ctx = load.ctx if unified else _part(load) * load.parallel or load.ctx
        params.n_batch, params.n_ubatch = batch_sizes(load)
        params.n_seq_max = load.parallel
        params.n_outputs_max = load.parallel  # one sampled token for each sequence
        params.kv_unified = unified
        return self._model.adapters.context(params)

    def apply(self, edit: Edit) -> bool:
        """Changes the cache; False when it cannot cut a sequence in part, as some cannot."""
        if isinstance(edit, Copy):
            return self._copy(edit)
        return bool(lib.llama_memory_seq_rm(self._memory, edit.seq, edit.length, -1))

    def _copy(self, edit: Copy) -> bool:
        if not self.limits.divided:
            lib.llama_memory_seq_cp(self._memory, edit.source, edit.target, 0, edit.length)
            return True
        # Between buffers llama.cpp copies only all of a sequence's room, used or not, and aborts
        # when it is asked for a part.
        state = self.snapshot(edit.source)
        if not self.restore(edit.target, state, self.stored(edit.source)):
            return False
        return bool(lib.llama_memory_seq_rm(self._memory, edit.target, edit.length, -1))

    def stored(self, seq: int) -> int:
        """How many tokens a sequence holds."""
        last: int = lib.llama_memory_seq_pos_max(self._memory, seq)
        return last + 1

    def snapshot(self, seq: int) -> bytes:
        """What the cache holds for a sequence, to be given to ``restore``."""
        size = lib.llama_state_seq_get_size(self._context, seq)
        buffer = (ctypes.c_uint8 * size)()
        written = lib.llama_state_seq_get_data(self._context, buffer, size, seq)
        return bytes(memoryview(buffer)[:written])

    def restore(self, seq: int, state: bytes, length: int) -> bool:
        """Fills an empty sequence; False, and it stays empty, where the state does not fit.

        The state has to come from ``snapshot``, on a model that was loaded alike: anything else may
        kill the process.
        """
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        read = lib.llama_state_seq_set_data(self._context, buffer, len(state), seq)
        if read == len(state) and self.stored(seq) == length:
            return True
        lib.llama_memory_seq_rm(self._memory, seq, 0, -1)
        return False

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
        return Sampler(self._context, self._model, self.request_limit, sampling)
