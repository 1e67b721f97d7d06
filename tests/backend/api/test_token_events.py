"""The event of a token is written by hand, and says what the schema says."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from backend.api.chat import Head, _chunk, _text_event
from backend.schema.completion import Delta

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(_TEXT, _TEXT, st.integers(0, 100))
@example('"\\/\n\t\x00\x1f\x7f\u2028</script>é😀', 'org/"odd"\\name', 3)
def test_a_token_has_the_event_that_the_schema_gives(text: str, model: str, choice: int) -> None:
    head = Head("chatcmpl-1", 1_700_000_000, model, "fp_1")
    assert _text_event(head, choice, text) == _chunk(head, choice, Delta(content=text))
