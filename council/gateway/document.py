"""A run as Markdown, to be pasted where others read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from council.gateway import run_facts
from council.gateway.markup import clean
from council.gateway.run_facts import About
from council.replies import Reply
from council.result import Ranking, Result, Votes


def as_markdown(result: Result, about: About) -> str:
    """A run as a document: question, answer, how it came about, and what each expert said.

    Args:
        result: What the run came to.
        about: What else is known of it.
    """
    parts = (part.strip() for part in _parts(result, about))
    return clean("\n\n".join(part for part in parts if part) + "\n")


def _parts(result: Result, about: About) -> Iterator[str]:
    yield f"# {' '.join(result.question.split())[:100]}"
    yield _bullets(f"{name}: {value}" for name, value in run_facts.facts(result, about).items())
    if told := run_facts.remarks(result):
        yield f"## Remarks\n\n{_bullets(told)}"
    yield f"## Question\n\n{result.question}"
    yield f"## Answer\n\n{'There is no answer.' if result.answer is None else result.answer}"
    if result.votes is not None:
        yield _votes(result.votes)
    if result.ranking is not None:
        yield _ranking(result.ranking)
    for held in result.rounds:
        title = run_facts.round_title(held)
        yield f"## {title}\n\n{_bullets(run_facts.round_notes(held))}"
        if held.number:
            yield from map(_reply, held.replies)
    for lost in result.dissent:
        yield f"## Dissent: {lost.position} ({lost.who})\n\n{lost.text}"
    yield from map(_reply, (*result.experts, *run_facts.others(result)))


def _votes(votes: Votes) -> str:
    positions = [f"{run_facts.taken(each)} (weight {each.weight:g})" for each in votes.positions]
    return f"## Votes\n\n{_bullets([*positions, *run_facts.vote_notes(votes)])}"


def _ranking(ranking: Ranking) -> str:
    places = [
        f"{each.place}. {each.expert}"
        + (" (not ranked)" if each.score is None else f" ({each.score:.2f})")
        for each in ranking.answers
    ]
    return "## Ranking\n\n" + "  \n".join(places)


def _reply(reply: Reply) -> str:
    error = f"*{reply.error.message}*" if reply.error else ""
    return f"## {run_facts.reply_title(reply)}\n\n{reply.text}\n\n{error}"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
