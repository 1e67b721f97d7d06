"""How a model is to be loaded: choices that the command line and the worker share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backend.errors import UsageError

Switch = Literal["auto", "on", "off"]
CacheType = Literal["f32", "f16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"]
RopeScaling = Literal["auto", "none", "linear", "yarn"]
Pooling = Literal["auto", "mean", "cls", "last"]

_PLAIN_TYPES = ("f32", "f16")


@dataclass(frozen=True, slots=True)
class Lora:
    """An adapter to add to the weights, and how much of it."""

    path: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen for a model besides its size; the defaults suit most.

    Attributes:
        threads_batch: CPU threads for a decode of several tokens; 0 for as many as for one.
        batch: Most tokens in one decode; 0 for what suits the processor or GPU.
        ubatch: Most tokens that are computed at once; 0 for as many as a batch has.
        flash_attention: Attention without a matrix of scores; "auto" where the backend can.
        cache_type_k: How keys are stored.
        cache_type_v: How values are stored; a quantized type needs flash attention.
        unified: One buffer for all sequences, or one for each, in which a request has no more than
            its part; "auto" for one each where a part is as long as the model was trained for.
        mmap: Whether the file is mapped instead of read.
        mlock: Whether the weights are kept from being swapped out.
        rope_scaling: How positions beyond the trained ones are reached; "auto" as the file says.
        rope_scale: By how much the context is stretched; 0 as the file says.
        rope_base: Base frequency of the positions; 0 as the file says.
        yarn_ctx: Tokens the model was trained for, for YaRN; 0 as the file says.
        loras: Adapters, all used at once.
        pooling: How one vector is made of those of a text's tokens; "auto" as the file says, and
            else their mean.
        cache_dir: Folder for long beginnings of prompts, so that they outlive the process; "" for
            none.
        cache_max: Most bytes in it, of all models together.
    """

    threads_batch: int = 0
    batch: int = 0
    ubatch: int = 0
    flash_attention: Switch = "auto"
    cache_type_k: CacheType = "f16"
    cache_type_v: CacheType = "f16"
    unified: Switch = "auto"
    mmap: bool = True
    mlock: bool = False
    rope_scaling: RopeScaling = "auto"
    rope_scale: float = 0.0
    rope_base: float = 0.0
    yarn_ctx: int = 0
    loras: tuple[Lora, ...] = ()
    pooling: Pooling = "auto"
    cache_dir: str = ""
    cache_max: int = 4 << 30

    def check(self, parallel: int) -> Options:
        """Returns the options, which have to fit each other.

        Args:
            parallel: Requests decoded at the same time.

        Raises:
            UsageError: They do not; the text names those at odds.
        """
        if 0 < self.batch < parallel:
            raise UsageError(
                f"--batch must be at least --parallel, {parallel}, not {self.batch}: a step has a"
                " token of each request"
            )
        if 0 < self.batch < self.ubatch:
            raise UsageError(f"--ubatch {self.ubatch} must not exceed --batch {self.batch}")
        if self.flash_attention == "off" and self.cache_type_v not in _PLAIN_TYPES:
            raise UsageError(
                f"--cache-type-v {self.cache_type_v} needs flash attention: leave out"
                " --flash-attention off"
            )
        if self.rope_scaling == "none" and self.rope_scale:
            raise UsageError("--rope-scale says how far to scale, --rope-scaling none not to")
        return self
