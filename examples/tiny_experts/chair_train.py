"""Train the chair: one of the experts, grown by a layer, learns to read others' answers.

Examples:
    python -m examples.tiny_experts.chair_train --corpus runs/chair/corpus.jsonl \\
        --start runs/atlas --minutes 50 --out runs/chair
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from examples.tiny_experts.batches import Batch, collate, conversation_batches, equation_batch
from examples.tiny_experts.bpe import encode_plain, load_tokenizer
from examples.tiny_experts.chat import encode_turns
from examples.tiny_experts.corpus import MIXTURES, Turn, conversation, conversations, lone_question
from examples.tiny_experts.model import TinyLlama, parameter_count
from examples.tiny_experts.optimizer import Optimizer
from examples.tiny_experts.shape import ModelConfig
from examples.tiny_experts.train import (
    Plan,
    examination,
    follow,
    rate_factor,
    save_checkpoint,
    share_right,
)

NAME = "chair"
LAYERS = 5

DRILL = "drill"
"""The task whose lines are drills."""

VERDICTS = ("right", "wrong", "unsure")
"""What the chair says of each answer; see `chair_tasks`, which needs council to be installed."""

_VERDICT_WEIGHT = 5.0
_EXAM_LINES = 600
_CORPUS_SHARE = 0.82
_EQUATION_SHARE = 0.03
_REPORT_EVERY_SECONDS = 120.0


def drill_share(progress: float) -> float:
    """Tell how many of the tasks are drills.

    Args:
        progress: Share of the plan that is done, 0..1.
    """
    return 0.75 if progress < 0.15 else 0.3 if progress < 0.5 else 0.1


def verdict_weights(tokenizer: Tokenizer) -> Tensor:
    """Weigh verdicts more than the words around them, which are learnt within minutes.

    Args:
        tokenizer: The chair's tokenizer.

    Returns:
        A weight for each entry of the vocabulary.
    """
    weights = torch.ones(tokenizer.get_vocab_size())
    for verdict in VERDICTS:
        weights[encode_plain(tokenizer, f" {verdict}")] = _VERDICT_WEIGHT
    return weights


def grow(start: Path, tokenizer: Tokenizer, layers: int) -> TinyLlama:
    """Make a larger model that replies as a smaller one did.

    Args:
        start: Folder of the smaller one's run.
        tokenizer: The tokenizer whose first entries are the smaller one's.
        layers: How many layers to have; those on top begin by changing nothing.

    Returns:
        The model; entries the smaller one lacks have random vectors.
    """
    state = torch.load(start / "checkpoint.pt", weights_only=True)
    config = replace(
        ModelConfig(**state["config"]), vocabulary=tokenizer.get_vocab_size(), layers=layers
    )
    model, weights = TinyLlama(config), state["weights"]
    known = weights.pop("embedding.weight")
    model.load_state_dict(weights, strict=False)
    with torch.no_grad():
        model.embedding.weight.normal_(std=float(known.std()))
        model.embedding.weight[: len(known)] = known
    return model


def read_corpus(path: Path) -> list[tuple[str, list[Turn]]]:
    """Read what `chair_corpus` wrote.

    Args:
        path: A file of lines of JSON.

    Returns:
        Tasks and their conversations.
    """
    lines = map(json.loads, path.read_text("utf-8").splitlines())
    return [(line["task"], [Turn(*turn) for turn in line["turns"]]) for line in lines]


def exams_by_task(
    tokenizer: Tokenizer, lines: list[tuple[str, list[Turn]]], context: int
) -> dict[str, Batch]:
    """Sort conversations by their task.

    Args:
        tokenizer: The chair's tokenizer.
        lines: Tasks and conversations.
        context: Conversations longer than this many tokens are left out.

    Returns:
        One batch per task.
    """
    rows = defaultdict(list)
    for task, turns in lines:
        if task == DRILL:
            continue
        encoded = encode_turns(tokenizer, turns)
        if len(encoded.ids) <= context:
            rows[task].append(encoded)
    return {task: collate(found) for task, found in rows.items()}


def _without_end(lines: list[tuple[str, list[Turn]]], seed: int) -> Iterator[list[Turn]]:
    """Pass through the corpus again and again, each time in another order."""
    rng = Random(seed)
    while True:
        yield from (turns for _, turns in rng.sample(lines, len(lines)))


def _batch_source(
    lines: list[tuple[str, list[Turn]]], seed: int, tokens: int, tokenizer: Tokenizer, context: int
) -> Callable[[float], Batch]:
    """Make the function that draws a batch: tasks, and the experts' own lessons beside them."""
    rng = Random(seed)
    lessons = [
        conversations(seed, MIXTURES["sage"], make) for make in (lone_question, conversation)
    ]
    drills = [line for line in lines if line[0] == DRILL]
    tasks = [line for line in lines if line[0] != DRILL]
    pools = [_without_end(pool, seed) for pool in (drills or tasks, tasks)]
    drilled, read, lone, full = (
        conversation_batches(tokenizer, source, seed, tokens, context)
        for source in (*pools, *lessons)
    )

    def draw_batch(progress: float) -> Batch:
        chance = rng.random()
        if chance < _CORPUS_SHARE:
            return next(drilled if rng.random() < drill_share(progress) else read)
        if chance < _CORPUS_SHARE + _EQUATION_SHARE:
            return equation_batch(tokenizer, rng, 1.0, tokens)
        return next(lone if rng.random() < 0.6 else full)

    return draw_batch


def train(
    model: TinyLlama,
    tokenizer: Tokenizer,
    lines: list[tuple[str, list[Turn]]],
    plan: Plan,
    seed: int,
    out: Path,
) -> TinyLlama:
    """Train the chair, saving as it goes.

    Args:
        model: The model to begin with.
        tokenizer: Its tokenizer.
        lines: Tasks and conversations; the first ones are kept for examining.
        plan: How long and how hard to train.
        seed: Seed of the order.
        out: Folder for checkpoints.

    Returns:
        The running mean of the weights, which is what gets exported.
    """
    context = model.config.context
    exams = exams_by_task(tokenizer, lines[:_EXAM_LINES], context)
    exams |= examination(tokenizer)
    weights = verdict_weights(tokenizer)
    mean, optimizer = copy.deepcopy(model), Optimizer(model, plan.matrix_rate, plan.other_rate)
    draw_batch = _batch_source(lines[_EXAM_LINES:], seed, plan.tokens, tokenizer, context)
    print(f"{NAME}: {parameter_count(model):,} parameters", flush=True)
    begun = reported = time.monotonic()
    step, progress = 0, plan.begin
    while progress < 1.0:
        batch = draw_batch(progress)
        loss = F.cross_entropy(model(batch.ids, batch.keep), batch.targets, weights)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step(rate_factor(step, progress))
        follow(mean, model, step)
        step += 1
        now = time.monotonic()
        progress = plan.progress(step, now - begun)
        if now - reported > _REPORT_EVERY_SECONDS or progress >= 1.0:
            reported = now
            save_checkpoint(mean, NAME, step, out)
            shown = " ".join(
                f"{name} {share_right(mean, exam):.0%}" for name, exam in exams.items()
            )
            print(f"{progress:4.0%} step {step} loss {loss.item():.4f} | {shown}", flush=True)
    return mean


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(
        description="Train the chair.",
        epilog=(__doc__ or "").partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--corpus", type=Path, required=True, help="written by chair_corpus")
    parser.add_argument("--start", type=Path, required=True, help="folder of a run to grow")
    parser.add_argument("--layers", type=int, default=LAYERS, help=f"layers (default: {LAYERS})")
    parser.add_argument("--seed", type=int, default=44, help="seed (default: 44)")
    parser.add_argument("--steps", type=int, default=0, help="stop after this many steps")
    parser.add_argument("--minutes", type=float, default=0.0, help="stop after this time")
    parser.add_argument("--begin", type=float, default=0.0, help="progress to begin at, 0 to 1")
    parser.add_argument("--rate", type=float, default=0.012, help="peak rate (default: 0.012)")
    parser.add_argument("--threads", type=int, default=1, help="processor threads (default: 1)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    given = parser.parse_args()
    if not given.steps and not given.minutes:
        parser.error("give --steps, --minutes or both")
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    # Written beside the corpus: the prompts' texts are council's, which need not be installed here.
    tokenizer = load_tokenizer(given.corpus.with_name("tokenizer.json"))
    given.out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(given.out / "tokenizer.json"))
    plan = Plan(given.steps, given.minutes, 2048, given.rate, given.rate / 5, given.begin)
    model = grow(given.start, tokenizer, given.layers)
    train(model, tokenizer, read_corpus(given.corpus), plan, given.seed, given.out)


if __name__ == "__main__":
    main()
