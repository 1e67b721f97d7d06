"""Train one of the three models on generated data.

Examples:
    python -m examples.tiny_experts.train --name abacus --minutes 25 --out runs/abacus
    python -m examples.tiny_experts.train --name sage --steps 3000 --seed 5 --out runs/sage
    python -m examples.tiny_experts.train --name sage --minutes 9 --start runs/base \\
        --begin 0.45 --out runs/sage
"""

from __future__ import annotations

import argparse
import copy
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import torch
from tokenizers import Tokenizer
from torch.nn import functional as F

from examples.tiny_experts.batches import (
    Batch,
    collate,
    conversation_batches,
    equation_batch,
)
from examples.tiny_experts.bpe import load_tokenizer, train_tokenizer
from examples.tiny_experts.chat import encode_turns
from examples.tiny_experts.corpus import (
    EQUATION_SHARES,
    MIXTURES,
    NAMES,
    Turn,
    conversation,
    conversations,
    lone_question,
    tokenizer_texts,
)
from examples.tiny_experts.model import TinyLlama, parameter_count
from examples.tiny_experts.noise import type_carelessly
from examples.tiny_experts.optimizer import Optimizer
from examples.tiny_experts.primer import ALL_UNTIL
from examples.tiny_experts.questions import FIELDS, draw
from examples.tiny_experts.shape import ModelConfig

SEEDS = {"abacus": 11, "atlas": 22, "sage": 33}
"""Seed of each shipped model."""

LONE_UNTIL = 0.75
"""Share of the training up to which questions come one by one.

Like mixed lengths of numbers, earlier turns make it harder to find what to look
at; what is learnt without them carries over quickly.
"""

_LATE_LONE_SHARE = 0.4
_WARM_UP_STEPS = 60
_LONGEST_MEAN = 0.995
_REPORT_EVERY_SECONDS = 90.0


@dataclass(frozen=True)
class Plan:
    """How long and how hard to train.

    Attributes:
        steps: Upper bound of optimizer steps; 0 for none.
        minutes: Upper bound of wall-clock time; 0 for none.
        tokens: Tokens per batch.
        matrix_rate: Peak learning rate of the matrices.
        other_rate: Peak learning rate of embedding and norms.
        begin: Progress to begin at, for a model that does not start from nothing.
    """

    steps: int = 0
    minutes: float = 0.0
    tokens: int = 2048
    matrix_rate: float = 0.02
    other_rate: float = 0.003
    begin: float = 0.0

    def progress(self, step: int, seconds: float) -> float:
        """Tell how much of the plan is done.

        Args:
            step: Steps taken.
            seconds: Time spent.

        Returns:
            A share of 0..1; whichever bound is nearer counts.
        """
        by_steps = step / self.steps if self.steps else 0.0
        by_time = seconds / (60 * self.minutes) if self.minutes else 0.0
        return min(1.0, self.begin + (1 - self.begin) * max(by_steps, by_time))


def rate_factor(step: int, progress: float) -> float:
    """Warm up, hold for a while, then fall along a cosine.

    Args:
        step: Steps taken.
        progress: Share of the plan that is done, 0..1.

    Returns:
        Learning rate relative to its peak.
    """
    warm = min(1.0, (step + 1) / _WARM_UP_STEPS)
    late = max(0.0, (progress - 0.3) / 0.7)
    return warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * late)))


def examination(tokenizer: Tokenizer, count: int = 50, seed: int = 99) -> dict[str, Batch]:
    """Draw held-out questions of every field.

    Args:
        tokenizer: The shared tokenizer.
        count: Questions per field.
        seed: Source of randomness.

    Returns:
        One batch per field.
    """
    exams = {}
    for field in FIELDS:
        rng = Random(seed)
        items = [draw(field, rng, held_out=True) for _ in range(count)]
        asked = [Turn("user", type_carelessly(rng, item)) for item in items]
        replies = [Turn("assistant", item.answer) for item in items]
        talks = zip(asked, replies, strict=True)
        exams[field] = collate([encode_turns(tokenizer, talk) for talk in talks])
    return exams


@torch.no_grad()
def share_right(model: TinyLlama, exam: Batch) -> float:
    """Count replies the model would give without a fault.

    If the likeliest token is the right one at every position of the true reply,
    greedy decoding writes exactly that reply, so no decoding loop is needed.

    Args:
        model: The model.
        exam: Held-out questions with their replies.

    Returns:
        Share of fault-free replies, 0..1.
    """
    hits = torch.ones_like(exam.keep)
    hits[exam.keep] = model(exam.ids, exam.keep).argmax(-1) == exam.targets
    return float(hits.all(dim=1).float().mean())


def save_checkpoint(model: TinyLlama, name: str, step: int, folder: Path) -> None:
    """Write weights and shape so that ``export`` can read them.

    Args:
        model: The model.
        name: Name of the model.
        step: Steps taken.
        folder: Where ``checkpoint.pt`` goes.
    """
    state = {
        "config": asdict(model.config),
        "weights": model.state_dict(),
        "name": name,
        "step": step,
    }
    part = folder / "checkpoint.part"
    torch.save(state, part)
    part.replace(folder / "checkpoint.pt")


@torch.no_grad()
def follow(mean: TinyLlama, model: TinyLlama, step: int) -> None:
    """Move the running mean of the weights; early on it forgets faster.

    Args:
        mean: What is moved.
        model: The model in training.
        step: Steps taken.
    """
    decay = min(_LONGEST_MEAN, (step + 1) / (step + 10))
    for slow, fast in zip(mean.parameters(), model.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)


def _batch_source(
    name: str, seed: int, tokens: int, tokenizer: Tokenizer, context: int
) -> Callable[[float], Batch]:
    """Make the function that draws a batch for a given progress of the training."""
    rng = Random(seed)
    talks = (conversations(seed, MIXTURES[name], make) for make in (lone_question, conversation))
    lone, full = (conversation_batches(tokenizer, talk, seed, tokens, context) for talk in talks)

    def draw_batch(progress: float) -> Batch:
        if progress < ALL_UNTIL or rng.random() < EQUATION_SHARES[name]:
            return equation_batch(tokenizer, rng, progress, tokens)
        alone = progress < LONE_UNTIL or rng.random() < _LATE_LONE_SHARE
        return next(lone if alone else full)

    return draw_batch


def _load_weights(model: TinyLlama, folder: Path) -> None:
    """Continue from the checkpoint of another run."""
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    model.load_state_dict(state["weights"])


def train(
    name: str, seed: int, plan: Plan, tokenizer: Tokenizer, out: Path, start: Path | None = None
) -> TinyLlama:
    """Train a model, saving as it goes.

    Args:
        name: A key of ``MIXTURES``.
        seed: Seed of the weights and of the data.
        plan: How long and how hard to train.
        tokenizer: The shared tokenizer.
        out: Folder for checkpoints.
        start: Folder of a run to continue from; without one the weights are random.

    Returns:
        The running mean of the weights, which is what gets exported.
    """
    torch.manual_seed(seed)
    model = TinyLlama(ModelConfig(vocabulary=tokenizer.get_vocab_size()))
    if start:
        _load_weights(model, start)
    mean = copy.deepcopy(model)
    optimizer = Optimizer(model, plan.matrix_rate, plan.other_rate)
    draw_batch = _batch_source(name, seed, plan.tokens, tokenizer, model.config.context)
    exams = examination(tokenizer)
    print(f"{name}: {parameter_count(model):,} parameters", flush=True)
    begun = reported = time.monotonic()
    step, progress = 0, plan.begin
    while progress < 1.0:
        batch = draw_batch(progress)
        loss = F.cross_entropy(model(batch.ids, batch.keep), batch.targets)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step(rate_factor(step, progress))
        follow(mean, model, step)
        step += 1
        now = time.monotonic()
        progress = plan.progress(step, now - begun)
        if now - reported > _REPORT_EVERY_SECONDS or progress >= 1.0:
            reported = now
            save_checkpoint(mean, name, step, out)
            right = {field: share_right(mean, exam) for field, exam in exams.items()}
            shown = " ".join(f"{field} {share:.0%}" for field, share in right.items())
            print(f"{progress:4.0%} step {step} loss {loss.item():.4f} | {shown}", flush=True)
    return mean


def _arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Train one of the tiny models.",
        epilog=(__doc__ or "").partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--name", choices=NAMES, required=True, help="which model to train")
    parser.add_argument("--seed", type=int, help="seed of weights and data (default: by name)")
    parser.add_argument("--steps", type=int, default=0, help="stop after this many steps")
    parser.add_argument("--minutes", type=float, default=0.0, help="stop after this time")
    parser.add_argument("--threads", type=int, default=1, help="processor threads (default: 1)")
    parser.add_argument("--start", type=Path, help="folder of a run to continue from")
    parser.add_argument("--begin", type=float, default=0.0, help="progress to begin at, 0 to 1")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    arguments = parser.parse_args()
    if not arguments.steps and not arguments.minutes:
        parser.error("give --steps, --minutes or both")
    return arguments


def main() -> None:
    """Train from the command line."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "tokenizer.json"
    if arguments.start:
        shutil.copy(arguments.start / "tokenizer.json", path)
    elif not path.exists():
        train_tokenizer(tokenizer_texts()).save(str(path))
    seed = SEEDS[arguments.name] if arguments.seed is None else arguments.seed
    plan = Plan(steps=arguments.steps, minutes=arguments.minutes, begin=arguments.begin)
    train(arguments.name, seed, plan, load_tokenizer(path), arguments.out, arguments.start)


if __name__ == "__main__":
    main()
