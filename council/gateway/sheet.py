"""A run as one HTML file: it needs nothing else, loads nothing and runs nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from importlib.resources import files

from council.gateway import run_facts
from council.gateway.markup import escape, to_html
from council.gateway.run_facts import About
from council.replies import Reply
from council.result import Position, Ranking, Result, Round, Votes

_STYLE = files("council.gateway").joinpath("sheet.css").read_text("utf-8")
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
"""What the file lets browsers do: nothing but its own style."""


def as_html(result: Result, about: About) -> str:
    """A run as a file: question, answer, how it came about, and what each expert said.

    Args:
        result: What the run came to.
        about: What else is known of it.
    """
    title = escape(" ".join(result.question.split())[:100])
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n"
    )
    return f"{head}<body>\n<main>\n{''.join(_parts(result, about))}</main>\n</body>\n</html>\n"


def _parts(result: Result, about: About) -> Iterator[str]:
    yield f'<h1 dir="auto">{escape(result.question)}</h1>\n'
    yield _facts(result, about)
    if told := run_facts.remarks(result):
        yield f'<ul class="remarks">{_items(told)}</ul>\n'
    yield f'<section class="answer" dir="auto" aria-label="Answer">\n{_answer(result)}</section>\n'
    if result.votes is not None:
        yield _votes(result.votes)
    if result.ranking is not None:
        yield _ranking(result.ranking)
    if result.rounds:
        yield f"<h2>Rounds</h2>\n{''.join(map(_round, result.rounds))}"
    if result.dissent:
        yield "<h2>Dissent</h2>\n"
        for lost in result.dissent:
            yield _details(f"{lost.position} ({lost.who})", to_html(lost.text))
    yield f"<h2>Experts</h2>\n{''.join(map(_reply, result.experts))}"
    if others := run_facts.others(result):
        yield f"<h2>Rankings, judgements and writing</h2>\n{''.join(map(_reply, others))}"


def _facts(result: Result, about: About) -> str:
    rows = [
        f"<div><dt>{name}</dt>"
        f'<dd class="{escape(value) if name == "status" else ""}">{escape(value)}</dd></div>'
        for name, value in run_facts.facts(result, about).items()
    ]
    return f"<dl>{''.join(rows)}</dl>\n"


def _answer(result: Result) -> str:
    return "<p>There is no answer.</p>\n" if result.answer is None else to_html(result.answer)


def _votes(votes: Votes) -> str:
    total = sum(position.weight for position in votes.positions) or 1.0
    bars = [_bar(each, each.weight / total, each.value == votes.winner) for each in votes.positions]
    notes = " ".join(run_facts.vote_notes(votes))
    return (
        f'<h2>Votes</h2>\n<ul class="votes">{"".join(bars)}</ul>\n'
        f'<p class="muted">{escape(notes)}</p>\n'
    )


def _bar(position: Position, share: float, won: bool) -> str:
    # An attribute of SVG: the file's policy allows no style but that of its head.
    bar = f'<rect width="{100 * share:.1f}" height="4"/>'
    return (
        f'<li class="{"won" if won else "lost"}">'
        f"<div><bdi>{escape(position.value)}</bdi>{' (won)' if won else ''}: {share:.0%}</div>"
        f'<svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">{bar}</svg>'
        f'<div class="muted">{escape(", ".join(position.experts))}</div></li>\n'
    )


def _ranking(ranking: Ranking) -> str:
    rows = [
        f"<tr><td>{each.place}.</td><th>{escape(each.expert)}</th>"
        f"<td>{'not ranked' if each.score is None else f'{each.score:.2f}'}</td>"
        f"<td>{each.ballots}</td></tr>\n"
        for each in ranking.answers
    ]
    head = "<tr><th>Place</th><th>Answer</th><th>Beats</th><th>Ballots</th></tr>"
    return f"<h2>Ranking</h2>\n<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>\n"


def _round(held: Round) -> str:
    notes = f"<ul>{_items(run_facts.round_notes(held))}</ul>\n"
    # Those of round 0 stand among the experts.
    replies = "".join(map(_reply, held.replies)) if held.number else ""
    return f"<h3>{escape(run_facts.round_title(held))}</h3>\n{notes}{replies}"


def _reply(reply: Reply) -> str:
    error = f'<p class="problem">{escape(reply.error.message)}</p>\n' if reply.error else ""
    return _details(run_facts.reply_title(reply), to_html(reply.text) + error)


def _details(title: str, inner: str) -> str:
    body = f'<div dir="auto">{inner}</div>'
    return f"<details><summary>{escape(title)}</summary>{body}</details>\n"


def _items(lines: Iterable[str]) -> str:
    return "".join(f"<li>{escape(line)}</li>" for line in lines)
