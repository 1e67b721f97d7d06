"""Reading what an expert was asked, and answering by what stands there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from council.agents.scripted import ScriptedAgent
from council.messages import ChatRequest

_BLOCK = re.compile(r'^<answer number="(\d+)">\n(.*?)\n</answer>$', re.DOTALL | re.MULTILINE)
_OWN = re.compile(r"^<own_answer>\n(.*?)\n</own_answer>$", re.DOTALL | re.MULTILINE)


def prompt_of(request: ChatRequest) -> str:
    """The text of the request's last turn."""
    return request.messages[-1].text


def shown(request: ChatRequest) -> dict[int, str]:
    """The answers that a request shows, by their numbers."""
    return {int(number): text for number, text in _BLOCK.findall(prompt_of(request))}


def own_shown(request: ChatRequest) -> str | None:
    """The recipient's own answer as a request shows it."""
    found = _OWN.findall(prompt_of(request))
    return found[0] if found else None


def prompts(panel: Iterable[ScriptedAgent]) -> list[list[str]]:
    """Everything that was sent to each agent."""
    return [
        ["\n".join(message.text for message in request.messages) for request in agent.requests]
        for agent in panel
    ]


def ranks(*best_first: str) -> Callable[[ChatRequest], str]:
    """A reviewer that ranks answers by which of these words they begin with."""

    def script(request: ChatRequest) -> str:
        return "FINAL RANKING: " + " > ".join(map(str, _order(request, best_first)))

    return script


def plays(answers: Sequence[str], seat: int, request: ChatRequest) -> str:
    """What an expert says that can play every part there is in council's own strategies.

    It answers, ranks, judges, scores and writes, and prefers answers that stand earlier in the
    list. To what it does not know it gives its answer.

    Args:
        answers: What the experts answer, by their seats.
        seat: The expert's.
        request: What it is asked.
    """
    prompt = prompt_of(request)
    order = _order(request, answers)
    if "FINAL RANKING: X" in prompt:
        return "FINAL RANKING: " + " > ".join(map(str, order))
    if "BEST: X" in prompt:
        return f"For a reason.\nBEST: {order[0]}"
    if "SCORES: X" in prompt:
        return "SCORES: " + ", ".join(f"{number}={9 - place}" for place, number in enumerate(order))
    if own_shown(request) is None and order and "You have not answered yet." not in prompt:
        return "Written from " + " and ".join(sorted(shown(request).values()))
    return answers[seat]


def _order(request: ChatRequest, best_first: Sequence[str]) -> list[int]:
    """The numbers of the answers shown, best first."""
    answers = shown(request)
    return sorted(answers, key=lambda number: _place(answers[number], best_first))


def _place(text: str, words: Sequence[str]) -> int:
    return next((i for i, word in enumerate(words) if text.startswith(word)), len(words))
