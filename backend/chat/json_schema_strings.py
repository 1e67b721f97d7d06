"""Grammars of JSON strings: any, of a length, of a pattern, of a format."""

from __future__ import annotations

import json
from collections.abc import Iterable

from backend.chat.gbnf_nodes import Ranges, inverted, united
from backend.chat.regular import Pattern, read_pattern

# Surrogates are only written raw, as the characters they stand for: so one escape is one character.
_UNICODE = '"u" ([0-9a-cA-CeEfF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2})'
CHARACTER = rf'[^"\\\x00-\x1F] | "\\" (["\\/bfnrt] | {_UNICODE})'
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}
_PLAIN = inverted([(0, 0x1F), (0x22, 0x22), (0x5C, 0x5C)])
"""Characters that stand in a JSON string as they are."""

_LONGEST_NAMES = 4_000
"""Characters of all names that another name is told from."""

_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LABEL = "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?"
_HOST = rf"({_LABEL}\.){{1,4}}[a-z]{{2,12}}"
_DATE = (
    "([12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
    "|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    "|([12][0-9](0[48]|[2468][048]|[13579][26])|1200|1600|2000|2400|2800)-02-29)"
)
_TIME = (
    r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
    "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
_CLOCK = "(T([0-9]{1,4}H([0-9]{1,2}M([0-9]{1,2}S)?)?|[0-9]{1,4}M([0-9]{1,2}S)?|[0-9]{1,6}S))"
FORMATS = {
    "date": _DATE,
    "time": _TIME,
    "date-time": f"{_DATE}T{_TIME}",
    "duration": f"P([0-9]{{1,4}}D{_CLOCK}?|{_CLOCK}|[0-9]{{1,4}}W)",
    "uuid": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "email": rf"[A-Za-z0-9]([A-Za-z0-9_+-]|\.[A-Za-z0-9]){{0,40}}@{_HOST}",
    "hostname": _HOST,
    "ipv4": rf"({_BYTE}\.){{3}}{_BYTE}",
    "ipv6": "([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}",
    "uri": rf"https?://{_HOST}(/[A-Za-z0-9._~-]{{1,60}}){{0,8}}/?(\?[A-Za-z0-9=&._-]{{1,120}})?",
}
"""The formats that can be written, as patterns of a whole string; some write only usual forms."""


def quoted(text: str) -> str:
    """A literal of GBNF for this text.

    Raises:
        ValueError: It has half of a character.
    """
    if any(0xD800 <= ord(char) <= 0xDFFF for char in text):
        raise ValueError("a text in it has half of a character (U+D800 to U+DFFF)")
    escaped = "".join(_in_literal(char) for char in text)
    return f'"{escaped}"'


def _in_literal(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if " " <= char <= "~" else _code(ord(char))


def _code(number: int) -> str:
    return f"\\x{number:02X}" if number < 0x100 else f"\\U{number:08X}"


def written(value: object) -> str:
    """A literal of GBNF for a value's JSON."""
    return quoted(json.dumps(value, ensure_ascii=False, allow_nan=False))


def of_pattern(pattern: str) -> str:
    """A grammar of the JSON strings in which a regular expression is found.

    Raises:
        ValueError: Something in it cannot be enforced; the text says what.
    """
    return f'"\\"" ({_gbnf(read_pattern(pattern))}) "\\""'


def of_format(name: str) -> str:
    """A grammar of the JSON strings of one of ``FORMATS``."""
    return of_pattern(f"^({FORMATS[name]})$")


def _gbnf(pattern: Pattern) -> str:
    match pattern.kind:
        case "set":
            return _of_characters(pattern.ranges)
        case "row":
            return " ".join(f"({_gbnf(part)})" for part in pattern.parts) or '""'
        case "choice":
            return " | ".join(_gbnf(part) for part in pattern.parts)
        case _:
            most = "" if pattern.most is None else pattern.most
            return f"({_gbnf(pattern.parts[0])}){{{pattern.least},{most}}}"


def _of_characters(ranges: Ranges) -> str:
    """One character of these, as it is written in JSON."""
    options = []
    if plain := _common(ranges, _PLAIN):
        options.append(characters(plain))
    for low, high in _common(ranges, inverted(_PLAIN)):
        options += [quoted(_escape(chr(at))) for at in range(low, high + 1)]
    return " | ".join(options)


def _escape(char: str) -> str:
    return _ESCAPED.get(char, f"\\u{ord(char):04x}")


def _common(first: Iterable[tuple[int, int]], second: Ranges) -> Ranges:
    pairs = [
        (max(low, least), min(high, most))
        for low, high in first
        for least, most in second
        if max(low, least) <= min(high, most)
    ]
    return united(pairs)


def characters(ranges: Ranges) -> str:
    """A class of GBNF."""
    spans = [_code(low) + (f"-{_code(high)}" if high > low else "") for low, high in ranges]
    return f"[{''.join(spans)}]"


def other_keys(names: Iterable[str], character: str) -> list[tuple[str, str]]:
    """Rules for the JSON strings that are none of these: what each is called, and its text.

    The first is the whole string. A string is only written with escapes where it cannot be one of
    the names any more.

    Args:
        names: The strings that it is not.
        character: The name of the rule for one character of a string.

    Raises:
        ValueError: The names are too long.
    """
    known = set(names)
    if sum(map(len, known)) > _LONGEST_NAMES:
        raise ValueError("its properties have too long names to have further ones beside them")
    children: dict[str, set[str]] = {"": set()}
    for name in known:
        for at, char in enumerate(name):
            children.setdefault(name[:at], set()).add(char)
        children.setdefault(name, set())
    prefixes = sorted(children)
    numbers = {prefix: f"k{number}" for number, prefix in enumerate(prefixes)}
    rules = [("key", f'"\\"" {{{numbers[""]}}}')]
    for prefix in prefixes:
        following = sorted(children[prefix])
        taken = [(ord(char), ord(char)) for char in following]
        free = _common(inverted(taken), _PLAIN)
        options = [] if prefix in known else ['"\\""']
        options.append(f'{characters(free)} {character}* "\\""')
        options += [
            f"{quoted(json.dumps(char, ensure_ascii=False)[1:-1])} {{{numbers[prefix + char]}}}"
            for char in following
        ]
        rules.append((numbers[prefix], " | ".join(options)))
    return rules
