"""Every chat template that comes with llama.cpp, where its source is at hand.

``LLAMA_CPP_SOURCE=/path/to/unpacked/sdist`` names a folder; templates are looked for below it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from backend.chat.gbnf import check_gbnf
from backend.chat.layer import NamedTool, Wanted, prepare
from backend.chat.template import ChatTemplate
from tests.backend.chat.test_formats import TOOLS

SOURCE = os.environ.get("LLAMA_CPP_SOURCE")
TEMPLATES = sorted(Path(SOURCE).rglob("models/templates/*.jinja")) if SOURCE else []
CALLS = [
    {"id": "call_1234567890", "type": "function", "function": {"name": "weather", "arguments": a}}
    for a in ('{"city": "Oslo", "days": 2}',)
]
MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Good morning."},
    {"role": "assistant", "content": "Hello there."},
    {"role": "user", "content": "How warm is it?"},
    {"role": "assistant", "content": "", "tool_calls": CALLS},
    {"role": "tool", "tool_call_id": "call_1234567890", "content": "21 degrees"},
    {"role": "assistant", "content": "It is warm."},
    {"role": "user", "content": "Thanks a lot."},
]
WORDS = [
    *("Be brief.", "Good morning.", "Hello there.", "How warm is it?", "Oslo", "21 degrees"),
    *("It is warm.", "Thanks a lot.", "Does weather.", "clock"),
]


def test_there_are_templates() -> None:
    if SOURCE is None:
        pytest.skip("LLAMA_CPP_SOURCE is not set")
    assert len(TEMPLATES) >= 60


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.stem)
def test_all_of_a_conversation_is_rendered(file: Path) -> None:
    template = ChatTemplate(file.read_text(), "<s>", "</s>")
    prompt = prepare(template, Wanted(MESSAGES, TOOLS)).prompt
    assert [word for word in WORDS if word not in prompt] == []


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.stem)
def test_a_beginning_of_the_answer_is_its_end(file: Path) -> None:
    template = ChatTemplate(file.read_text(), "<s>", "</s>")
    begun = [*MESSAGES, {"role": "assistant", "content": "You are"}]
    assert prepare(template, Wanted(begun, TOOLS)).prompt.endswith("You are")


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.stem)
def test_grammars_can_be_used(file: Path) -> None:
    template = ChatTemplate(file.read_text(), "<s>", "</s>")
    for choice in ("auto", "required", NamedTool("weather")):
        for schema in (None, True):
            wanted = Wanted(MESSAGES, TOOLS, choice, schema=schema)
            constraint = prepare(template, wanted).constraint
            assert constraint is not None
            check_gbnf(constraint.gbnf)
