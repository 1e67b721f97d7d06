"""The floor: what llama.cpp needs for the same work, without a server; a process of its own.

It knows all prompts in advance. What they have in common at the beginning is computed once and
shared, the rest of them is computed in full batches, then all answers grow together, a token of
each in every decode. Prompts that have nothing in common get buffers of their own: in one buffer,
each of them would have to look past the others' cells, which only short ones can afford.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, takewhile
from typing import Any

import llama_cpp as lib

from backend.chat.template import ChatTemplate
from benchmarks.backend_bench.cell import Answer, Outcome, summary
from benchmarks.backend_bench.prompts import Conversation

_BATCH = 512
# As the requests to servers have it.
_TOP_K, _TOP_P, _MIN_P, _TEMPERATURE = 40, 0.95, 0.05, 0.8

# A shorter common beginning, of the chat template say, is not worth one buffer for all.
_WORTH_SHARING = 64

Entry = tuple[int, int, int, bool]
"""A token, its position, its sequence, and whether its logits are wanted."""


@dataclass(frozen=True, slots=True)
class Work:
    """What to compute, and how."""

    path: str
    prompts: list[Conversation]
    tokens: int
    threads: int


class Vocabulary:
    """A model, without a context yet."""

    def __init__(self, path: str) -> None:
        self._log = lib.llama_log_callback(lambda *_: None)
        lib.llama_log_set(self._log, None)
        lib.llama_backend_init()
        self.model = lib.llama_model_load_from_file(path.encode(), lib.llama_model_default_params())
        self._vocab = lib.llama_model_get_vocab(self.model)

    def tokens(self, conversation: Conversation) -> list[int]:
        """A prompt as the model's template has it."""
        source = lib.llama_model_chat_template(self.model, None)
        template = ChatTemplate(source.decode() if source else None)
        raw = template.render(conversation).encode()
        buffer = (lib.llama_token * (len(raw) + 8))()
        special = lib.llama_vocab_get_add_bos(self._vocab)
        count = lib.llama_tokenize(self._vocab, raw, len(raw), buffer, len(buffer), special, True)
        return list(buffer[:count])


class Engine:
    """A context, by llama.cpp's own functions.

    Args:
        model: The loaded model.
        threads: CPU threads.
        sequences: How many answers there will be.
        each: Tokens of the longest prompt and its answer.
        unified: Whether all of them have one buffer, in which beginnings can be shared.
    """

    def __init__(self, model: Any, threads: int, sequences: int, each: int, unified: bool) -> None:
        params = lib.llama_context_default_params()
        params.n_ctx = sequences * -(-each // 256) * 256
        params.n_seq_max = sequences
        params.n_batch = params.n_ubatch = _BATCH
        params.n_threads = params.n_threads_batch = threads
        params.kv_unified = unified
        self._context = lib.llama_init_from_model(model, params)
        self._memory = lib.llama_get_memory(self._context)
        self._batch = lib.llama_batch_init(_BATCH, 0, 1)

    def decode(self, entries: Sequence[Entry]) -> None:
        """Computes up to a batch of tokens.

        Raises:
            RuntimeError: They do not fit.
        """
        batch = self._batch
        for at, (token, position, seq, wanted) in enumerate(entries):
            batch.token[at], batch.pos[at] = token, position
            batch.n_seq_id[at], batch.logits[at] = 1, wanted
            batch.seq_id[at][0] = seq
        batch.n_tokens = len(entries)
        if code := lib.llama_decode(self._context, batch):
            raise RuntimeError(f"llama_decode returned {code}")

    def share(self, length: int, sequences: range) -> None:
        """Gives the beginning of sequence 0 to others."""
        for seq in sequences:
            lib.llama_memory_seq_cp(self._memory, 0, seq, 0, length)

    def clear(self) -> None:
        """Forgets everything."""
        lib.llama_memory_clear(self._memory, True)

    def sampler(self) -> Any:
        """A chain as servers use it; never freed, this process is short."""
        chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        for link in (
            lib.llama_sampler_init_top_k(_TOP_K),
            lib.llama_sampler_init_top_p(_TOP_P, 1),
            lib.llama_sampler_init_min_p(_MIN_P, 1),
            lib.llama_sampler_init_temp(_TEMPERATURE),
            lib.llama_sampler_init_dist(1),
        ):
            lib.llama_sampler_chain_add(chain, link)
        return chain

    def sample(self, sampler: Any, row: int) -> int:
        """The next token, from the logits of a row of the last batch."""
        token: int = lib.llama_sampler_sample(sampler, self._context, row)
        return token


class Run:
    """All answers to some prompts, and when their tokens came."""

    def __init__(
        self, engine: Engine, prompts: Sequence[list[int]], shared: int, unified: bool
    ) -> None:
        self._engine = engine
        self._unified = unified
        self._prompts = prompts
        self._shared = shared
        self._samplers = [engine.sampler() for _ in prompts]
        self._last = [0] * len(prompts)
        self.times: list[list[float]] = [[] for _ in prompts]

    def answer(self, tokens: int) -> None:
        """Computes all answers, this many tokens each."""
        self._start = time.perf_counter()
        for batch in _batches(self._entries(0, 0, self._shared)):
            self._engine.decode(batch)
        if self._shared:
            self._engine.share(self._shared, range(1, len(self._prompts)))
        for batch in self._endings():
            self._step(batch)
        for number in range(tokens - 1):
            self._step(
                [
                    (token, len(prompt) + number, seq, True)
                    for seq, (prompt, token) in enumerate(
                        zip(self._prompts, self._last, strict=True)
                    )
                ]
            )

    def _entries(self, seq: int, start: int, stop: int) -> list[Entry]:
        prompt = self._prompts[seq]
        return [(prompt[at], at, seq, at == len(prompt) - 1) for at in range(start, stop)]

    def _endings(self) -> Iterator[Sequence[Entry]]:
        """What is not shared: in full batches, and none of two buffers."""
        endings = [
            self._entries(seq, self._shared, len(prompt))
            for seq, prompt in enumerate(self._prompts)
        ]
        if self._unified:
            return _batches(list(chain.from_iterable(endings)))
        return chain.from_iterable(map(_batches, endings))

    def _step(self, batch: Sequence[Entry]) -> None:
        self._engine.decode(batch)
        for row, (_, _, seq, wanted) in enumerate(batch):
            if wanted:
                self._last[seq] = self._engine.sample(self._samplers[seq], row)
                self.times[seq].append(time.perf_counter() - self._start)


def _common_length(prompts: Sequence[Sequence[int]]) -> int:
    columns = zip(*prompts, strict=False)
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def _batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    for start in range(0, len(entries), _BATCH):
        yield entries[start : start + _BATCH]


def measure(work: Work) -> Outcome:
    """Warms up with some tokens, then does the work."""
    vocabulary = Vocabulary(work.path)
    prompts = [vocabulary.tokens(prompt) for prompt in work.prompts]
    longest = max(map(len, prompts)) + work.tokens
    # The last token of each prompt is computed for itself: its logits are needed.
    shared = min(_common_length(prompts), min(map(len, prompts)) - 1)
    if len(prompts) == 1 or shared < _WORTH_SHARING:
        shared = 0
    unified = shared > 0 or sum(map(len, prompts)) <= _BATCH
    engine = Engine(vocabulary.model, work.threads, len(prompts), longest, unified)
    Run(engine, [prompts[0][:4]], 0, unified).answer(2)
    engine.clear()
    run = Run(engine, prompts, shared, unified)
    cpu = _cpu_seconds()
    run.answer(work.tokens)
    cpu = _cpu_seconds() - cpu
    answers = [
        Answer(times, len(prompt), shared if seq else 0, len(times))
        for seq, (times, prompt) in enumerate(zip(run.times, prompts, strict=True))
    ]
    end = max(times[-1] for times in run.times)
    return replace(summary(answers, work.tokens, end), cpu=cpu)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Takes the work as JSON on standard input, gives the outcome as a line of JSON."""
    work = Work(**json.load(sys.stdin))
    print(json.dumps(asdict(measure(work))), flush=True)


if __name__ == "__main__":
    main()
