"""Grammars as clients send them: read whole, or refused with the place of the mistake."""

from __future__ import annotations

import random

import pytest

from backend.chat.gbnf import LONGEST, GrammarError, check_gbnf, read_gbnf
from backend.chat.matcher import Matcher, TooAmbiguousError

SEEDS = [
    'root ::= "a" b* ("c" | [d-f]){2,3}\nb ::= [^"\\n] "x"? # a comment\n',
    'root ::= (\n "yes" |\n "no")+\n\n',
    'root ::= obj\nobj ::= "{" (pair ("," pair)*)? "}"\n'
    'pair ::= "\\"" [a-z]{1,3} "\\":" (obj | num)\n'
    "num ::= [0-9]+\n",
    'root ::= "(" root ")" | "é" | .',
    'root ::= "\\x41\\u00e9\\U0001F600\\t\\\\\\"" [\\]\\-a^]',
]


def accepts(grammar: str, text: str) -> bool:
    matcher = Matcher(read_gbnf(grammar))
    state = matcher.follow(matcher.start, text.encode())
    return state is not None and state.complete


@pytest.mark.parametrize("grammar", SEEDS)
def test_what_is_written_well_is_read(grammar: str) -> None:
    check_gbnf(grammar)
    check_gbnf(grammar.replace("\n", "\r\n"))


@pytest.mark.parametrize(
    ("grammar", "text", "accepted"),
    [
        (SEEDS[0], "aéxcd", True),
        (SEEDS[0], "ac", False),
        (SEEDS[1], "yesnoyes", True),
        (SEEDS[2], '{"ab":{},"c":12}', True),
        (SEEDS[2], '{"abcd":1}', False),
        (SEEDS[3], "((é))", True),
        (SEEDS[3], "((é)", False),
        (SEEDS[4], 'Aé😀\t\\"-', True),
        (SEEDS[4], 'Aé😀\t\\"^', True),
        ('root ::= "a"{3}', "aa", False),
        ('root ::= "a"{2,}', "aaaa", True),
        ('root ::= "a"{0,2}', "aaa", False),
        ("root ::= ", "", True),
        ('root ::= a | "b"\na ::= "x" |', "", True),
    ],
)
def test_it_means_what_it_says(grammar: str, text: str, accepted: bool) -> None:
    assert accepts(grammar, text) is accepted


@pytest.mark.parametrize(
    ("grammar", "line", "column", "told"),
    [
        ("", 1, 1, "no rule 'root'"),
        ('a ::= "x"', 1, 1, "no rule 'root'"),
        ("root", 1, 5, "'::='"),
        ("root ::= a", 1, 10, "no rule 'a'"),
        ('root ::= "a"\n  ?', 2, 3, "a rule's name"),
        ('root ::= "abc', 1, 10, "not closed"),
        ('root ::= "a" [a-', 1, 14, "not closed"),
        ('root ::= ("a"', 1, 14, "')'"),
        ('root ::= "a")', 1, 13, "end of the rule"),
        ("root ::= [z-a]", 1, 11, "ends before it begins"),
        ("root ::= []", 1, 10, "no character"),
        ("root ::= [^\\x00-\\U0010FFFF]", 1, 10, "no character"),
        ('root ::= "\\q"', 1, 11, "escape"),
        ('root ::= "\\uD800"', 1, 11, "U+D800"),
        ('root ::= "\\U00110000"', 1, 11, "U+110000"),
        ("root ::= *", 1, 10, "nothing before '*'"),
        ('root ::= "a"{3,2}', 1, 13, "smaller"),
        ('root ::= "a"{,2}', 1, 14, "a number"),
        ('root ::= "a"{99999999999999999999999}', 1, 14, "no more than"),
        ('root ::= "a"++', 1, 14, "parentheses"),
        ("root ::= <tool>", 1, 10, "tokens"),
        ("root ::= " + "(" * 100 + '"a"' + ")" * 100, 1, 70, "parentheses"),
        ('root ::= "a"\nroot ::= "b"', 2, 1, "second time"),
        ('root ::= "a\0"', 1, 12, "U+0000"),
        ("root ::= root", 1, 1, "begin with itself"),
        ('root ::= "x" a\na ::= b? "y"?\nb ::= a "c"', 2, 1, "begin with itself"),
        ('root ::= ("a"? b)*\nb ::= root "b"', 2, 1, "begin with itself"),
        ("root ::= é", 1, 10, "end of the rule"),
    ],
)
def test_a_mistake_has_a_place(grammar: str, line: int, column: int, told: str) -> None:
    with pytest.raises(GrammarError) as caught:
        check_gbnf(grammar)
    assert (caught.value.line, caught.value.column) == (line, column), caught.value
    assert told in str(caught.value)


def test_a_grammar_that_is_too_long_is_not_read() -> None:
    with pytest.raises(GrammarError, match="longer than"):
        check_gbnf('root ::= "a"' + " " * LONGEST)


def test_a_long_chain_of_rules_is_no_deep_recursion() -> None:
    chain = "\n".join(f"r{number} ::= r{number + 1} r{number + 1}" for number in range(4000))
    check_gbnf(f'root ::= r0\n{chain}\nr4000 ::= "a"?')
    with pytest.raises(GrammarError, match="begin with itself"):
        check_gbnf(f'root ::= r0\n{chain}\nr4000 ::= "a"? r7')


def mutated(chance: random.Random) -> str:
    """A grammar with some of it left out, doubled, or put elsewhere."""
    text = chance.choice(SEEDS)
    for _ in range(chance.randint(1, 2)):
        begin = chance.randrange(len(text) + 1)
        end = min(len(text), begin + chance.randint(0, 4))
        alphabet = ['"', "root", "{2}", *"[]()*|\\b-^é\n"]
        text = text[:begin] + chance.choice(["", *alphabet, text[begin:end] * 2]) + text[end:]
    return text


def test_whatever_is_taken_can_be_followed() -> None:
    """Thousands of broken grammars: refused, or of use; never anything else."""
    chance = random.Random(6)
    taken = 0
    for _ in range(4000):
        try:
            matcher = Matcher(read_gbnf(mutated(chance)))
        except GrammarError:
            continue
        taken += 1
        state = matcher.start
        for _ in range(20):
            following = [matcher.follow(state, char.encode()) for char in 'a{}"cxé\n()yesno:1']
            alive = [found for found in following if found is not None]
            if not alive:
                break
            state = chance.choice(alive)
    assert taken > 400


def test_a_grammar_that_is_read_in_too_many_ways_is_given_up() -> None:
    matcher = Matcher(read_gbnf('root ::= ((("a"?){0,1000}){0,1000}){0,1000}'))
    with pytest.raises(TooAmbiguousError):
        matcher.follow(matcher.start, b"a" * 100)


def test_what_ends_with_itself_needs_no_deeper_stack() -> None:
    """A hundred thousand bytes, within the work that one token may make."""
    matcher = Matcher(read_gbnf('root ::= "a" root | "b"'))
    state = matcher.follow(matcher.start, b"a" * 100_000 + b"b")
    assert state is not None
    assert state.finished
    assert len(state.frames) == 1


def test_states_that_nobody_is_in_are_forgotten() -> None:
    matcher = Matcher(read_gbnf('root ::= "a"{90000}'))
    state = matcher.start
    for _ in range(45):
        matcher.budget = 1_000_000
        following = matcher.follow(state, b"a" * 1000)
        assert following is not None
        state = following
    assert len(matcher._states) <= 20_000
    assert matcher.follow(state, b"b") is None
