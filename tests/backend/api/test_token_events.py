"""The event of a token is written by hand, and says what the schema says."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.api.answers import Answering, Ask
from backend.api.chat_events import ChatChunks
from backend.api.chunks import Head
from backend.api.completion_events import TextChunks
from backend.api.plans import Plan
from backend.chat.wanted import Wanted
from backend.engine.generation import Generation
from backend.engine.inflight import Job
from backend.engine.sampling import Sampling
from backend.schema.completion import Delta
from backend.schema.text_completion import TextChoice

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_ODD = '"\\/\n\t\x00\x1f\x7f\u2028</script>é😀'
_PLAN = Plan((Job("", Sampling(), None, ()),), None)
pytestmark = pytest.mark.anyio


def answering() -> Answering:
    """One choice, of which nothing is written."""
    begun = Generation(1, lambda _: None)
    return Answering("model", "fp", [Ask(Wanted(()), Sampling())], [_PLAN], [[begun]])


@given(_TEXT, _TEXT, st.integers(0, 100))
@example(_ODD, 'org/"odd"\\name', 3)
async def test_a_token_has_the_event_that_the_schema_gives(
    text: str, model: str, choice: int
) -> None:
    head = Head("chatcmpl-1", 1_700_000_000, model, "fp_1")
    chunks = ChatChunks(answering(), head, with_usage=False)
    assert chunks.text(choice, text) == chunks.change(choice, Delta(content=text))
    expected = chunks.change(choice, Delta(reasoning_content=text))
    assert chunks.text(choice, text, "reasoning_content") == expected


@given(_TEXT, _TEXT, st.integers(0, 100))
@example(_ODD, 'org/"odd"\\name', 3)
async def test_so_has_a_token_of_a_text_completion(text: str, model: str, index: int) -> None:
    head = Head("cmpl-1", 1_700_000_000, model, "fp_1")
    chunks = TextChunks(answering(), head, [], with_usage=False)
    choice = TextChoice(text=text, index=index, logprobs=None, finish_reason=None)
    assert chunks.text(index, text) == chunks.event(choice)
