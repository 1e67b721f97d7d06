"""The messages between the server and a model's worker process.

Commands travel to the worker, events come back. Each is a frozen dataclass told apart by ``type``;
``frames`` turns them into bytes and checks them on arrival.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from backend.chat.constraint import Constraint
from backend.engine.embed_messages import (
    Embed,
    Embedded,
    EmbedFailed,
    EmbedRefused,
    EmbedTooLong,
)
from backend.engine.sampling import Sampling as Sampling
from backend.engine.sampling import TokenInfo
from backend.engine.vocabulary_messages import Detokenize, Detokenized, Tokenize, Tokenized
from backend.options import Options

FinishReason = Literal["stop", "length", "error"]


@dataclass(frozen=True, slots=True)
class Load:
    """The first command: which model to load, and how.

    Attributes:
        path: The GGUF file.
        ctx: KV cells shared by all requests, in tokens.
        parallel: Requests decoded at the same time.
        threads: CPU threads for a decode.
        gpu_layers: Layers to put on a GPU; -1 for all.
        options: All other choices.
    """

    path: str
    ctx: int
    parallel: int
    threads: int
    gpu_layers: int
    options: Options = field(default_factory=Options)
    type: Literal["load"] = "load"


@dataclass(frozen=True, slots=True)
class Submit:
    """Generate text after a prompt.

    Attributes:
        id: Chosen by the server, never used twice in one life of a worker.
        prompt: The rendered chat, in which special tokens are recognised; or its tokens, all of
            which are in the vocabulary.
        sampling: How tokens are chosen.
        max_tokens: Most tokens to generate; None for as many as the context holds.
        stop: Texts that end the generation and are not part of it.
        reuse: Whether cached work may be used although it can change the last bits of the logits;
            None leaves the choice to the engine.
        constraint: What the answer has to look like.
        logprobs: How many of the likeliest tokens to tell for each token, 0 to 20; None tells
            nothing of the tokens.
        ignore_eos: Whether the answer goes on where the model says that it is over.
        specials: Whether control tokens show in the text, and to the constraint, as they are
            written in a template; otherwise they are nothing, and forbidden by a constraint.
    """

    id: int
    prompt: str | tuple[int, ...]
    sampling: Sampling
    max_tokens: int | None
    stop: tuple[str, ...]
    reuse: bool | None = None
    constraint: Constraint | None = None
    logprobs: int | None = None
    ignore_eos: bool = False
    specials: bool = False
    type: Literal["submit"] = "submit"


@dataclass(frozen=True, slots=True)
class Cancel:
    """Forget a request; nothing more is sent for it. Unknown ids are ignored."""

    id: int
    type: Literal["cancel"] = "cancel"


Command = Load | Submit | Cancel | Embed | Tokenize | Detokenize


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of the model file has been read, from 0 to 1."""

    fraction: float
    type: Literal["progress"] = "progress"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model is ready.

    Attributes:
        ctx: Most tokens (prompt and answer) one request may have.
        cells: KV cells shared by all requests.
        template: The file's chat template, in Jinja; None when it has none.
        bos: Text of the token that begins a sequence, "" when there is none.
        eos: Text of the token that ends a sequence, "" when there is none.
        fingerprint: Changes when the model or the library does.
        chat: Whether it continues text; if not, it only makes vectors.
        width: Numbers in a vector.
        vocabulary: Number of tokens that there are.
        parameters: Number of weights.
        trained: Tokens of context that the model was trained for.
    """

    ctx: int
    cells: int
    template: str | None
    bos: str
    eos: str
    fingerprint: str
    chat: bool = True
    width: int = 0
    vocabulary: int = 0
    parameters: int = 0
    trained: int = 0
    type: Literal["loaded"] = "loaded"


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The model cannot be loaded, in words for a person; the worker exits."""

    reason: str
    type: Literal["load_failed"] = "load_failed"


@dataclass(frozen=True, slots=True)
class Note:
    """Something for the server's log."""

    text: str
    type: Literal["note"] = "note"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request fits and waits its turn."""

    id: int
    prompt_tokens: int
    type: Literal["accepted"] = "accepted"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A request's prompt does not fit: ``prompt_tokens`` leaves no room within ``ctx``.

    With ``more`` they were not counted to the end.
    """

    id: int
    prompt_tokens: int
    ctx: int
    more: bool = False
    type: Literal["rejected"] = "rejected"


@dataclass(frozen=True, slots=True)
class Refused:
    """A request cannot be taken: the field at fault, and why, in words for a person."""

    id: int
    field: str
    reason: str
    type: Literal["refused"] = "refused"


@dataclass(frozen=True, slots=True)
class Output:
    """What one step added to one request.

    Attributes:
        id: The request.
        text: New text; may be empty.
        generated: Tokens generated so far, the end-of-text token included.
        cached: Prompt tokens that were not computed again.
        finish: Why it ended; None while it goes on. "error": the engine could not go on with it.
        stop: The stop string that ended it.
        tokens: The tokens since the last output, where they were asked for.
    """

    id: int
    text: str
    generated: int
    cached: int
    finish: FinishReason | None = None
    stop: str | None = None
    tokens: tuple[TokenInfo, ...] = ()


@dataclass(slots=True)
class Stats:
    """Counters of a worker's life, and what it is doing now; its engine counts on in one object.

    Attributes:
        active: Requests that hold a sequence.
        queued: Requests that wait for one.
        steps: Decodes done.
        generated: Tokens generated.
        prefilled: Prompt tokens computed.
        reused: Prompt tokens taken from a cache instead.
        widest: Most requests served by one decode.
        preempted: Times a request had to give up its cells for a while.
        longest_wait: Most decodes that a request waited for its turn.
        prompt_seconds: Time spent on prompts. A decode's time is divided by tokens.
        answer_seconds: Time spent on answers.
    """

    active: int = 0
    queued: int = 0
    steps: int = 0
    generated: int = 0
    prefilled: int = 0
    reused: int = 0
    widest: int = 0
    preempted: int = 0
    longest_wait: int = 0
    prompt_seconds: float = 0.0
    answer_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """All that one step produced, and the counters after it."""

    outputs: tuple[Output, ...]
    stats: Stats
    type: Literal["step"] = "step"


Event = (
    Progress
    | Loaded
    | LoadFailed
    | Note
    | Accepted
    | Rejected
    | Refused
    | Step
    | Embedded
    | EmbedFailed
    | EmbedTooLong
    | EmbedRefused
    | Tokenized
    | Detokenized
)
