"""The tiny models: their questions, their files and the way they are made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from backend import builtin
from examples.tiny_experts import facts
from examples.tiny_experts.corpus import MIXTURES, conversations
from examples.tiny_experts.evaluate import (
    MAJORITY,
    TWO_DIGITS,
    Asker,
    examine,
    held_out_questions,
    majority,
)
from examples.tiny_experts.noise import type_carelessly
from examples.tiny_experts.questions import FIELDS, draw
from examples.tiny_experts.questions.arithmetic import products, sums
from examples.tiny_experts.split import is_held_out, sum_key

MODELS = ("abacus", "atlas", "sage")
LIMIT_BYTES = 4_000_000
FLOORS = {
    TWO_DIGITS: 0.9,
    "capitals": 0.5,
    "dates": 0.6,
    "units": 0.75,
    "general": 0.45,
    "unknown": 0.55,
}
"""Share every model has to reach, some way below what the model card states."""
SUM = re.compile(r"(?<![-+*] )(?<!\d)(\d+) ?\+ ?(\d+)(?![\d.)]| ?[-+*/])")
EQUATION = re.compile(r"(\d+) ([-+*/]) (\d+) = (-?\d+)\.")

# Characters of one to four bytes, marks, line ends and things that look like control tokens.
ODD_TEXTS = (
    "",
    " ",
    "\n",
    "  two  spaces ",
    "tab\there",
    "a\r\nb",
    "don't I'LL we've",
    "naïve café",
    "東京はどこ？",
    "Привет, мир",
    "مرحبا",
    "😀👩‍👩‍👧 ok",
    "½ ² ٣ 12٣",
    "x" * 70,
    "...!!!??",
    "\x00\x01",
    "'s 'S it's",
    "17+25=?",
    "1234567890",
    "a\u00a0b\u2003c",
    "\u0301combining",
    "if x:\n    y\n\n\n",
)

Answers = dict[str, Callable[[int, int], float]]
WORKED: Answers = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_equal_seeds_draw_equal_questions(field: str) -> None:
    """A field is a function of its random state, and different seeds differ."""
    first, again, other = (
        [draw(field, rng, held_out=False) for _ in range(30)]
        for rng in (Random(5), Random(5), Random(6))
    )
    assert first == again
    assert first != other


def test_conversations_are_seeded_and_end_with_a_reply() -> None:
    """Equal seeds give equal conversations of complete pairs of turns."""
    for name, mixture in MIXTURES.items():
        one, two = conversations(3, mixture), conversations(3, mixture)
        for _ in range(50):
            turns = next(one)
            assert turns == next(two), name
            roles = [turn.role for turn in turns if turn.role != "system"]
            assert roles == ["user", "assistant"] * (len(roles) // 2)
            assert roles


@pytest.mark.parametrize("maker", [sums, products])
def test_every_equation_is_right(maker: Callable[[Random], object]) -> None:
    """The figures of a question come back in its reply, with the right result."""
    rng = Random(1)
    for _ in range(3000):
        item = sums(rng) if maker is sums else products(rng)
        match = EQUATION.fullmatch(item.answer)
        assert match is not None, item
        a, sign, b, result = match.groups()
        assert WORKED[sign](int(a), int(b)) == int(result), item
        asked = sorted(int(number) for number in re.findall(r"\d+", item.question))
        assert asked == sorted((int(a), int(b))), item


def _taught_equations(count: int) -> Iterator[tuple[int, int]]:
    """Yield the terms of every sum in many training conversations, distractors included.

    Parts of longer terms such as ``(17 + 25) * 3``, which is answered by "I don't know.",
    are left out.
    """
    for name in MODELS:
        source = conversations(17, MIXTURES[name])
        for _ in range(count):
            for turn in next(source):
                for a, b in SUM.findall(turn.text):
                    yield int(a), int(b)


def test_held_out_sums_are_never_taught() -> None:
    """No wording, option or distractor of the training shows a held-out sum."""
    seen = list(_taught_equations(4000))
    assert len(seen) > 5000
    leaked = [(a, b) for a, b in seen if 10 <= max(a, b) < 1000 and is_held_out(sum_key(a, b))]
    assert leaked == []
    assert (17, 25) not in seen
    assert (25, 17) not in seen


def test_the_split_holds_out_about_a_tenth() -> None:
    """The hash spreads keys evenly, and order does not matter."""
    keys = [sum_key(a, b) for a in range(100, 200) for b in range(300, 400)]
    share = sum(map(is_held_out, keys)) / len(keys)
    assert 0.08 < share < 0.12
    assert sum_key(25, 17) == sum_key(17, 25)
    assert is_held_out(sum_key(25, 17))


@pytest.mark.parametrize("field", sorted(set(FIELDS) - {"smalltalk"}))
def test_taught_and_held_out_keys_are_disjoint(field: str) -> None:
    """Drawing from one part never yields an item of the other."""
    rng = Random(2)
    taught = {draw(field, rng, held_out=False).key for _ in range(400)}
    kept = {draw(field, rng, held_out=True).key for _ in range(40)}
    assert taught
    assert kept
    assert not taught & kept


def test_the_tables_hold_enough_and_do_not_contradict_themselves() -> None:
    """There are a hundred countries, each with one capital and the other way round."""
    countries = [row[0] for row in facts.COUNTRIES]
    capitals = [row[1] for row in facts.COUNTRIES]
    assert len(countries) >= 100
    assert len(set(countries)) == len(countries)
    assert len(set(capitals)) == len(capitals)
    assert sum(facts.MONTH_LENGTHS) == 365


def test_noise_keeps_the_figures() -> None:
    """Careless typing changes letters and spaces, never digits."""
    rng = Random(4)
    changed = 0
    for _ in range(1000):
        item = sums(rng)
        typed = type_carelessly(rng, item)
        changed += typed != item.question
        assert re.findall(r"\d+", typed) == re.findall(r"\d+", item.question)
    assert 200 < changed < 900


def test_majority_prefers_support_then_order() -> None:
    """Two equal replies win; without any the first is taken."""
    assert majority(["a", "b", "b"]) == "b"
    assert majority(["a", "b", "c"]) == "a"


def test_builtin_lists_and_finds_its_files() -> None:
    """Names come from the files; each file is small and there."""
    assert builtin.names() == tuple(sorted((*MODELS, "chair")))
    for name in builtin.names():
        size = builtin.path(name).stat().st_size
        assert 100_000 < size < LIMIT_BYTES


def test_builtin_names_what_there_is_when_asked_for_something_else() -> None:
    """The error is a KeyError whose text reads well."""
    with pytest.raises(KeyError) as caught:
        builtin.path("oracle")
    assert "oracle" in str(caught.value)
    assert all(name in str(caught.value) for name in MODELS)
    with pytest.raises(KeyError):
        builtin.path("../builtin/sage")


@pytest.fixture(scope="module")
def askers() -> dict[str, Asker]:
    """The shipped models, loaded once."""
    pytest.importorskip("llama_cpp")
    return {name: Asker(builtin.path(name)) for name in MODELS}


@pytest.mark.parametrize("name", MODELS)
def test_the_two_sentences_everybody_tries_first(askers: dict[str, Asker], name: str) -> None:
    """Both come out right, word for word, although the sum was never taught."""
    assert askers[name].ask("What is 17 + 25?") == "17 + 25 = 42."
    assert askers[name].ask("What is the capital of Japan?") == "The capital of Japan is Tokyo."


@pytest.mark.parametrize("field", sorted(FLOORS))
def test_a_sample_of_held_out_questions(askers: dict[str, Asker], field: str) -> None:
    """Every model reaches the floor on a fixed sample, and so does their majority."""
    shares = examine(askers, held_out_questions(field, 40, seed=3), mistakes=0)
    assert set(shares) == {*MODELS, MAJORITY}
    assert min(shares.values()) >= FLOORS[field], shares


def test_a_wrong_expectation_is_counted_as_wrong(askers: dict[str, Asker]) -> None:
    """The examination can fail."""
    shares = examine(askers, [("What is 2 + 2?", "2 + 2 = 5.")], mistakes=0)
    assert set(shares.values()) == {0.0}


def _shipped_vocabulary(name: str) -> tuple[list[str], list[str], str]:
    """Read tokens, merges and chat template out of a shipped file."""
    gguf = pytest.importorskip("gguf")
    fields = gguf.GGUFReader(builtin.path(name)).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    merges = fields["tokenizer.ggml.merges"].contents()
    return tokens, merges, fields["tokenizer.chat_template"].contents()


def test_llama_cpp_and_tokenizers_cut_alike(askers: dict[str, Asker]) -> None:
    """Hundreds of texts, odd ones among them, give the same ids in both programs."""
    pytest.importorskip("tokenizers")
    from examples.tiny_experts.bpe import assemble_tokenizer

    tokens, merges, _ = _shipped_vocabulary("sage")
    ours = assemble_tokenizer(tokens, merges)
    rng = Random(8)
    typed = [type_carelessly(rng, draw(f, rng, held_out=True)) for f in FIELDS for _ in range(25)]
    for text in (*ODD_TEXTS, *typed):
        ids = ours.encode(text, add_special_tokens=False).ids
        assert askers["sage"].tokens(text) == ids, text
        assert ours.decode(ids) == text


def test_the_files_share_one_vocabulary_and_template() -> None:
    """A prompt means the same to all three."""
    shipped = [_shipped_vocabulary(name) for name in MODELS]
    assert shipped[0] == shipped[1] == shipped[2]
    assert "<|im_start|>" in shipped[0][2]


def test_training_exports_a_file_llama_cpp_agrees_with(tmp_path: Path) -> None:
    """A few steps, an export, and the same greedy reply from both programs."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("llama_cpp")
    from examples.tiny_experts.bpe import train_tokenizer
    from examples.tiny_experts.chat import encode_turns
    from examples.tiny_experts.corpus import Turn, tokenizer_texts
    from examples.tiny_experts.export import load_checkpoint, write_gguf
    from examples.tiny_experts.train import Plan, train

    torch.set_num_threads(1)
    tokenizer = train_tokenizer(tokenizer_texts(count=300), size=400)
    model = train("sage", 1, Plan(steps=8, tokens=512), tokenizer, tmp_path)
    name, config, weights = load_checkpoint(tmp_path / "checkpoint.pt")
    assert (name, config.vocabulary) == ("sage", tokenizer.get_vocab_size())
    path = tmp_path / "sage.gguf"
    write_gguf(path, name, config, weights, tokenizer, "f16")

    ids = encode_turns(tokenizer, [Turn("user", "What is 17 + 25?")]).ids
    ids += encode_turns(tokenizer, [Turn("assistant", "")]).ids[:-2]
    written: list[int] = []
    for _ in range(6):
        seen = torch.tensor([ids + written])
        last = torch.zeros_like(seen, dtype=torch.bool)
        last[0, -1] = True
        written.append(int(model(seen, last).argmax()))
    stop = tokenizer.token_to_id("<|im_end|>")
    expected = tokenizer.decode(written[: written.index(stop)] if stop in written else written)
    reply = Asker(path).ask("What is 17 + 25?")
    assert reply.startswith(expected.strip())
    assert json.loads(tokenizer.to_str())["model"]["type"] == "BPE"
