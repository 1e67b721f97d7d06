"""The example of retrieval: what is cut, found, shown, quoted and cited, with real models."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import council
from backend import builtin
from backend.chat.gbnf import check_gbnf
from council.assemble import assemble_panel
from council.testing import raw_server, whole_reply
from examples.retrieval.ask import ask
from examples.retrieval.citations import check, is_quote, sentences
from examples.retrieval.command import HERE, PANEL
from examples.retrieval.index import index
from examples.retrieval.passages import LONGEST, Passage, cut, read_folder
from examples.retrieval.prompt import UNKNOWN, messages, quoting
from examples.retrieval.store import Store, StoreError
from tests.backend.encoder_model import write_encoder
from tests.support.documents import run_documented

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
DOCUMENTS = HERE / "documents"
README = (HERE / "README.md").read_text()
COMMANDS = "".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)).splitlines()

TOKYO = Passage("a.md", 1, "Japan", "The capital of Japan is Tokyo. It is large.")
PARIS = Passage("b.md", 7, "France", "The capital of France is Paris.")

ASKED = {
    "What's Japan's capital?": "What is the capital of Japan?",
    "capital of japan": "What is the capital of Japan?",
    "what is kenya's capital": "What is the capital of Kenya?",
    "Which continent is Peru in?": "On which continent is Peru?",
    "How many minutes does an hour have?": "How many minutes are in an hour?",
    "what day follows monday": "Which day comes after Monday?",
    "opposite of hot": "What is the opposite of hot?",
    "colour of snow": "What colour is snow?",
}
"""Other wordings, and the heading meant."""


def run(module: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"examples.retrieval.{module}", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "error::ResourceWarning"},
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store made by the command."""
    made = tmp_path_factory.mktemp("store")
    done = run("index", "--store", made)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"20 passages in {made}, embedded by builtin:sage\n"
    return made


def panel_file(folder: Path, **changes: object) -> Path:
    """The example's panel with other parts."""
    path = folder / "panel.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(PANEL.read_text()), **changes}))
    return path


# What is cut


def test_passages_know_their_place() -> None:
    fenced = "```\n# no heading\n```"
    text = f"Before.\n\n# One\nfirst\nline\n## Two ##\n\n{fenced}\n\nlast [12] \u2028 word\n"
    assert list(cut(text, "x/y.md")) == [
        Passage("x/y.md", 1, "x/y", "Before."),
        Passage("x/y.md", 4, "One", "first line"),
        Passage("x/y.md", 8, "Two", "``` # no heading ``` last word"),
    ]


def test_a_long_section_is_cut_between_paragraphs() -> None:
    half, long = "word " * (LONGEST // 10), "word " * LONGEST
    parts = list(cut(f"# A\n\n{half}\n\n{half}\n\n{half}\n\n{long}\n", "a.md"))
    assert [(part.line, part.heading) for part in parts] == [(3, "A"), (7, "A"), (9, "A")]
    assert len(parts[0].text) <= LONGEST
    assert parts[2].text == long.strip()


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"bad\.md is no UTF-8 text"):
        read_folder(tmp_path)


# What is cited


@pytest.mark.parametrize(
    ("answer", "text", "cited", "dropped"),
    [
        ("Tokyo. [1]", "Tokyo. [1]", [1], ()),
        ("Paris [2], Tokyo [1], Paris [2]", "Paris [2], Tokyo [1], Paris [2]", [2, 1], ()),
        ("Tokyo [1, 2].", "Tokyo [1, 2].", [1, 2], ()),
        ("Tokyo [1, 7]. Oslo [0][3].", "Tokyo [1]. Oslo.", [1], (7, 0, 3)),
        ("It is Rome. [999999]", "It is Rome.", [], (999999,)),
        ("I don't know.", "I don't know.", [], ()),
    ],
)
def test_only_what_was_shown_is_cited(
    answer: str, text: str, cited: list[int], dropped: tuple[int, ...]
) -> None:
    checked = check(answer, [TOKYO, PARIS])
    assert checked.text == text
    assert [citation.number for citation in checked.citations] == cited
    assert checked.dropped == dropped


def test_a_quote_is_told_from_other_words() -> None:
    checked = check("The capital of japan is TOKYO [1]. Paris is in France. [2]", [TOKYO, PARIS])
    assert [citation.is_quote for citation in checked.citations] == [True, False]
    assert not is_quote("", TOKYO)
    assert not is_quote("the cap", TOKYO)


def test_every_answer_of_the_grammar_is_a_quote() -> None:
    odd = replace(PARIS, text='He said: "C:\\new" {is} \u201cß\u201d \x01 \U0001f5fc! No?')
    grammar = quoting([TOKYO, odd])
    check_gbnf(grammar)
    answers = [json.loads(answer) for answer in grammar.removeprefix("root ::= ").split(" | ")]
    assert answers.pop() == UNKNOWN
    assert len(answers) == len(sentences(TOKYO)) + len(sentences(odd)) == 4
    for answer in answers:
        checked = check(answer, [TOKYO, odd])
        assert [citation.is_quote for citation in checked.citations] == [True], answer
        assert checked.text == answer


def test_passages_are_numbered_apart_from_the_question() -> None:
    system, user = messages("Which?", [TOKYO, PARIS])
    assert f"\n[1] {TOKYO.text}\n[2] {PARIS.text}" in system["content"]
    assert user == {"role": "user", "content": "Which?"}


# What is found


async def test_other_wordings_find_their_passage(folder: Path) -> None:
    store = Store.open(folder)
    async with council.open_council(PANEL) as panel:
        assert panel.embedder is not None
        vectors = (await panel.embedder.embed(list(ASKED))).vectors
    found = [[one.passage.heading for one in store.nearest(vector, 3)] for vector in vectors]
    for heading, headings in zip(ASKED.values(), found, strict=True):
        assert heading in headings
    first = sum(h == hs[0] for h, hs in zip(ASKED.values(), found, strict=True))
    assert first >= len(ASKED) - 2


async def test_an_encoder_model_from_a_file_finds_the_same_words(tmp_path: Path) -> None:
    model = write_encoder(tmp_path / "encoder.gguf")
    panel = panel_file(tmp_path, embedder={"model": str(model)})
    passages = read_folder(DOCUMENTS)
    store = await index(passages, panel, "heading")
    store.save(tmp_path / "store")
    wanted = next(one for one in passages if one.heading == "What is the capital of Peru?")
    answered = await ask(wanted.heading, Store.open(tmp_path / "store"), panel, count=2)
    assert answered.found[0].passage == wanted
    assert answered.found[0].closeness == pytest.approx(1.0, abs=1e-3)
    assert answered.found[1].closeness < answered.found[0].closeness
    assert [citation.passage for citation in answered.checked.citations] == [wanted]
    with pytest.raises(council.CouncilError, match=r"at most \d+.*input\[0\] is countries\.md:5"):
        await index([replace(passages[0], text="word " * 99)], panel, "all")


# What is answered


def test_the_documented_commands_run(folder: Path, tmp_path: Path) -> None:
    first, *questions = COMMANDS
    assert first == "python -m examples.retrieval.index"
    shown = [run_documented(f"{line} --store {folder}", tmp_path).stdout for line in questions]
    (printed,) = re.findall(r"```text\n(Found:.*?)```", README, re.DOTALL)
    assert "The capital of Japan is Tokyo. [1]\n  [1] countries.md:5, word for word" in shown[0]
    assert "The day after Monday is Tuesday. [1]\n  [1] time.md:5, word for word" in shown[1]
    assert without_last_digits(printed) == without_last_digits(shown[0])


def without_last_digits(report: str) -> str:
    """A report without what the processor has a say in: how close things are, who erred."""
    return re.sub(r" 0\.\d\d|Experts:\n.*(?=^Answer)", "", report, flags=re.DOTALL | re.MULTILINE)


def test_the_documented_panel_is_read(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "my-panel.yaml").write_text(text)
    (tmp_path / "models").mkdir()
    for model in re.findall(r"models/\w+\.gguf", text):
        (tmp_path / model).symlink_to(builtin.path("sage"))
    _, parts = assemble_panel(tmp_path / "my-panel.yaml")
    assert parts.embedder is not None


def test_what_is_in_no_document_is_not_known(folder: Path) -> None:
    done = run("ask", "What is the meaning of life?", "--store", folder)
    assert done.returncode == 0, done.stderr
    assert "Answer (complete): I don't know.\n  no passage is cited" in done.stdout


async def test_numbers_never_shown_are_dropped_and_said(folder: Path, tmp_path: Path) -> None:
    async with raw_server(whole_reply("It is Tokyo [1], says [7].")) as server:
        experts = [{"id": id, "model": "m", "endpoint": server.url} for id in ("ada", "bob")]
        panel = panel_file(tmp_path, experts=experts)
        free = await ask("What's Japan's capital?", Store.open(folder), panel, free=True)
        assert all("grammar" not in request.json for request in server.requests)
        await ask("What's Japan's capital?", Store.open(folder), panel)
    assert free.checked.text == "It is Tokyo [1], says."
    assert free.checked.dropped == (7,)
    (citation,) = free.checked.citations
    assert (citation.passage.place, citation.is_quote) == ("countries.md:5", False)
    bodies = [request.json for request in server.requests]
    assert "[1] The capital of Japan is Tokyo." in bodies[0]["messages"][0]["content"]
    assert all("Tokyo" in body["grammar"] for body in bodies[2:])
    assert len(bodies) == 4


# What goes wrong


def test_mistakes_are_said_in_a_line(folder: Path, tmp_path: Path) -> None:
    other = panel_file(tmp_path, embedder={"model": "builtin:atlas"})
    bare = tmp_path / "bare.yaml"
    bare.write_text("experts: [{model: 'builtin:sage'}]\n")
    mistakes: list[tuple[tuple[str | Path, ...], str]] = [
        (("ask", "Why?", "--store", tmp_path), "there is no store in"),
        (("ask", "Why?", "--store", folder, "--panel", other), "was made by builtin:sage and"),
        (("ask", "Why?", "--store", folder, "--panel", bare), "has no `embedder`"),
        (("ask", "Why?", "--store", folder, "--count", "0"), "--count has to be at least 1"),
        (("index", tmp_path, "--store", tmp_path / "s"), "no text in *.md files"),
        (("index", "--store", tmp_path / "s", "--panel", tmp_path / "no.yaml"), "no.yaml"),
    ]
    for (module, *arguments), said in mistakes:
        done = run(str(module), *arguments)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert said in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("damage", ["cut", "foreign", "passages"])
def test_a_damaged_store_is_not_used(tmp_path: Path, damage: str) -> None:
    Store.of("m", [TOKYO, PARIS], [(1.0, 0.0), (0.0, 1.0)]).save(tmp_path)
    assert Store.open(tmp_path).nearest((0.1, 0.9), 5)[0].passage == PARIS
    vectors, passages = tmp_path / "vectors.usearch", tmp_path / "passages.json"
    if damage == "cut":
        vectors.write_bytes(vectors.read_bytes()[:-9])
    elif damage == "foreign":
        Store.of("m", [TOKYO, PARIS], [(1.0, 0.0), (0.5, 1.0)]).save(tmp_path / "other")
        vectors.write_bytes((tmp_path / "other" / "vectors.usearch").read_bytes())
    else:
        passages.write_text(passages.read_text()[:-9])
    with pytest.raises(StoreError, match=r"(belong together|cannot be read).*make it with"):
        Store.open(tmp_path)


def test_a_vector_of_another_length_is_refused() -> None:
    store = Store.of("m", [TOKYO], [(1.0, 0.0)])
    with pytest.raises(StoreError, match="have 2 numbers and the question's has 3"):
        store.nearest((1.0, 0.0, 0.0), 1)


@pytest.mark.parametrize("module", ["index", "ask"])
def test_help_has_examples(module: str) -> None:
    done = run(module, "--help")
    assert done.returncode == 0
    assert f"python -m examples.retrieval.{module}" in done.stdout.partition("examples:")[2]
