"""What can be known of a grammar before it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from backend.chat.gbnf_nodes import Byte, Choice, Node, Repeat, Rule
from backend.chat.gbnf_nodes import Sequence as Row


def left_recursive(rules: Iterable[Rule]) -> Rule | None:
    """A rule that can come back to itself before anything is written; None if there is none."""
    rules = list(rules)
    empty = nullable(rules)
    first = {rule: list(_beginnings(rule.body, empty)) for rule in rules}
    return _in_a_loop(rules, lambda rule: first[rule])


def nullable(rules: Sequence[Rule]) -> set[Rule]:
    """The rules that can be nothing at all."""
    return _least(rules, lambda node, known: _holds(node, known, byte=False, skipped=True))


def endless(rules: Sequence[Rule]) -> list[Rule]:
    """The rules of which no text has an end."""
    ending = _least(rules, lambda node, known: _holds(node, known, byte=True, skipped=True))
    return [rule for rule in rules if rule not in ending]


def _least(rules: Sequence[Rule], holds: Callable[[Node, set[Rule]], bool]) -> set[Rule]:
    """The smallest set of rules for which something holds, given for which others it does."""
    users: dict[Rule, list[Rule]] = {}
    for rule in rules:
        for used in set(_uses(rule.body)):
            users.setdefault(used, []).append(rule)
    known: set[Rule] = set()
    ahead = list(rules)
    while ahead:
        rule = ahead.pop()
        if rule not in known and holds(rule.body, known):
            known.add(rule)
            ahead += users.get(rule, [])
    return known


def _holds(node: Node, known: set[Rule], *, byte: bool, skipped: bool) -> bool:
    """Whether something holds of a whole node, if it does of bytes and of the known rules."""

    def each(node: Node) -> bool:
        match node:
            case Byte():
                return byte
            case Rule():
                return node in known
            case Row(items):
                return all(each(item) for item in items)
            case Choice(options):
                return any(each(option) for option in options)
            case Repeat(item, least, _):
                return (skipped and least == 0) or each(item)

    return each(node)


def _uses(node: Node) -> Iterator[Rule]:
    match node:
        case Rule():
            yield node
        case Row(items) | Choice(items):
            for item in items:
                yield from _uses(item)
        case Repeat(item, _, _):
            yield from _uses(item)
        case Byte():
            pass


def _beginnings(node: Node, empty: set[Rule]) -> Iterator[Rule]:
    """The rules with which a node can begin."""
    match node:
        case Rule():
            yield node
        case Row(items):
            for item in items:
                yield from _beginnings(item, empty)
                if not _holds(item, empty, byte=False, skipped=True):
                    return
        case Choice(options):
            for option in options:
                yield from _beginnings(option, empty)
        case Repeat(item, _, most):
            if most != 0:
                yield from _beginnings(item, empty)
        case Byte():
            pass


def _in_a_loop(rules: Sequence[Rule], after: Callable[[Rule], list[Rule]]) -> Rule | None:
    """A rule that is reached from itself.

    Without recursion, since a grammar can be a long chain.
    """
    done: set[Rule] = set()
    for start in rules:
        path: list[tuple[Rule, Iterator[Rule]]] = [(start, iter(after(start)))]
        on_path = {start}
        while path and start not in done:
            rule, rest = path[-1]
            following = next(rest, None)
            if following is None:
                path.pop()
                on_path.discard(rule)
                done.add(rule)
            elif following in on_path:
                return following
            elif following not in done:
                path.append((following, iter(after(following))))
                on_path.add(following)
    return None
