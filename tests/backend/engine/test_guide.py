"""Which tokens a grammar allows: found quickly, and the same as by looking at each."""

from __future__ import annotations

import random

import pytest

from backend.chat.constraint import Constraint
from backend.chat.gbnf import GrammarError, read_gbnf
from backend.chat.json_schema import to_gbnf
from backend.chat.matcher import Matcher, State
from backend.engine.grammars import Grammars
from backend.engine.guide import Guide, Vocabulary

END = 0
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 9}, "n": {"type": "integer"}},
    "required": ["name", "n"],
}


def pieces(chance: random.Random) -> list[bytes]:
    """A vocabulary with an end, a control token, all bytes, and tokens that end anywhere."""
    words = ['{"', '"name', '":', '", "', "é日"[:1], "12", "}", "日", 'x","n', "true", "{}", "\n  "]
    longer = [word.encode()[: chance.randint(1, 9)] for word in words * 4]
    drawn = [bytes(chance.choices(b'a1"{},:\xc3\xe6\xff', k=3)) for _ in range(300)]
    return [b"", b"", *(bytes([byte]) for byte in range(256)), *longer, *drawn]


def allowed_one_by_one(matcher: Matcher, state: State, known: list[bytes]) -> list[int]:
    return [
        token
        for token, piece in enumerate(known)
        if piece and matcher.follow(state, piece) is not None
    ]


def test_all_allowed_tokens_are_listed() -> None:
    chance = random.Random(1)
    known = pieces(chance)
    vocabulary = Vocabulary(known, [END])
    matcher = Matcher(read_gbnf(to_gbnf(SCHEMA)))
    state = matcher.start
    for _ in range(60):
        expected = allowed_one_by_one(matcher, state, known)
        matcher.budget = 1_000_000
        assert sorted(vocabulary.allowed(matcher, state) or []) == expected
        if not expected:
            break
        following = matcher.follow(state, known[chance.choice(expected)])
        assert following is not None
        state = following


def test_where_nearly_all_are_allowed_they_are_not_listed() -> None:
    known = [b"", *(f"{number}".encode() for number in range(5000))]
    vocabulary = Vocabulary(known, [END])
    matcher = Matcher(read_gbnf("root ::= [0-9]*"))
    assert vocabulary.allowed(matcher, matcher.start) is None
    guide = Guide(vocabulary, matcher, ())
    assert guide.choices(lambda: range(5000, 0, -1), 3) == [5000, 4999, 4998]


def guide_of(grammar: str, *triggers: str, known: list[bytes]) -> Guide:
    grammars = Grammars(lambda _: known, lambda: [END])
    return grammars.guide(Constraint(grammar, triggers), False)


def accept(guide: Guide, known: list[bytes], *texts: bytes) -> None:
    for text in texts:
        token = known.index(text)
        assert guide.allows(token), text
        guide.accept(token)


def test_a_grammar_that_waits_allows_all_but_a_wrong_beginning() -> None:
    known = [b"", b"hello <", b"ca", b"ll", b"ll>1", b"ll>x", b"1", b"x", b"<call>2<call>"]
    grammar = 'root ::= "<call>" [0-9]{2}'
    guide = guide_of(grammar, "<call>", known=known)
    assert guide.may_end
    accept(guide, known, b"x", b"hello <", b"ca")
    assert guide.may_end
    # The trigger would be complete in the middle of each: the rest has to fit the grammar.
    assert guide.allows(known.index(b"ll>1"))
    assert not guide.allows(known.index(b"ll>x"))
    assert not guide.allows(known.index(b"<call>2<call>"))
    accept(guide, known, b"ll>1")
    assert not guide.may_end
    assert not guide.allows(known.index(b"x"))
    assert not guide.done
    accept(guide, known, b"1")
    assert guide.done


def test_the_first_trigger_counts_and_the_longest_of_those() -> None:
    known = [b"", b"a<b", b"{", b"<b{"]
    grammar = 'root ::= "a<b{" "1" | "<b{" "2" | "{" "3"'
    guide = guide_of(grammar, "{", "<b{", "a<b{", known=known)
    accept(guide, known, b"a<b", b"{")
    assert guide._matcher.follow(guide._state or guide._matcher.start, b"1") is not None
    assert guide._matcher.follow(guide._state or guide._matcher.start, b"3") is None


def test_tokens_without_bytes_are_only_allowed_while_it_waits() -> None:
    known = [b"", b"", b"<", b"x"]
    guide = guide_of('root ::= "<" [a-z]', "<", known=known)
    assert guide.allows(1)
    accept(guide, known, b"<")
    assert not guide.allows(1)


@pytest.mark.parametrize("trigger", ["", "b", "aX"])
def test_a_trigger_has_to_begin_a_text_of_the_grammar(trigger: str) -> None:
    with pytest.raises(GrammarError, match="no text that begins"):
        guide_of('root ::= "a" [b-c]*', trigger, known=[b""])


def test_a_grammar_is_read_once_and_its_vocabulary_when_there_is_one() -> None:
    read = []

    def known(special: bool) -> list[bytes]:
        read.append(special)
        return [b"", b"a"]

    grammars = Grammars(known, lambda: [END])
    assert read == []
    first, second = (grammars.guide(Constraint('root ::= "a"'), False) for _ in range(2))
    assert first._matcher is second._matcher
    for number in range(8):
        grammars.guide(Constraint(f'root ::= "a{number}"'), True)
    assert grammars.guide(Constraint('root ::= "a"'), False)._matcher is not first._matcher
    assert read == [False, True]
