"""``POST /v1/completions``: texts continued as they are, without a chat template."""

from __future__ import annotations

from collections.abc import Sequence

from quart import Blueprint, Response

from backend.api.answers import Answering, Ask, WholeChoice, start
from backend.api.body import parse_body
from backend.api.chunks import Head
from backend.api.completion_events import TextChunks
from backend.api.logprobs import text_logprobs
from backend.api.plans import constraint
from backend.api.prompts import refuse_two_forms, refuse_unsupported, sampling, stops
from backend.api.renaming import renamed
from backend.api.replies import json_reply, stream_reply
from backend.api.streams import events
from backend.api.tokens import text_of
from backend.api.usage import usage
from backend.chat.wanted import Wanted
from backend.errors import InvalidRequest
from backend.registry import Model, Registry
from backend.schema.text_completion import (
    CompletionRequest,
    Prompt,
    TextChoice,
    TextCompletion,
)

_MAX_TOKENS = 16
"""OpenAI's own default; without one, a model that never ends would write on and on."""


def routes(registry: Registry) -> Blueprint:
    """The routes of this family."""
    blueprint = Blueprint("completions", __name__)

    @blueprint.post("/v1/completions")
    async def complete() -> Response:
        request = await parse_body(CompletionRequest)
        model = registry.find(request.model)
        asks = to_asks(request)
        echoes = await _echoes(model, request)
        with renamed({"messages": "prompt"}):
            answering = await start(model, *asks)
        head = Head.of(answering, "cmpl")
        if not request.stream:
            return json_reply(await _whole(answering, head, echoes), sparse=True)
        options = request.stream_options
        with_usage = bool(options and options.include_usage)
        chunks = TextChunks(answering, head, echoes, with_usage=with_usage)
        return stream_reply(events(answering, chunks))

    return blueprint


def to_asks(request: CompletionRequest) -> list[Ask]:
    """What a request wants, for each of its prompts.

    Raises:
        InvalidRequest: It asks for something not supported.
    """
    refuse_unsupported(request)
    refuse_two_forms(request)
    _refuse_more(request)
    form = constraint(request.grammar, request.json_schema)
    return [
        Ask(
            wanted=Wanted(messages=()),
            sampling=sampling(request),
            max_tokens=request.max_tokens or _MAX_TOKENS,
            stop=stops(request),
            n=request.n or 1,
            reuse=request.cache_prompt,
            logprobs=request.logprobs,
            raw_prompt=prompt,
            constraint=form,
            raw_form_field="grammar" if request.grammar else "json_schema",
            ignore_eos=bool(request.ignore_eos),
        )
        for prompt in request.prompt
    ]


def _refuse_more(request: CompletionRequest) -> None:
    problem = None
    if request.suffix:
        problem = ("suffix", "is not supported: the model goes on at the end of the prompt only")
    if request.best_of not in (None, request.n or 1):
        problem = ("best_of", "is not supported, unless it is n: ask for n choices and choose")
    if request.echo and request.logprobs is not None:
        problem = ("logprobs", "are known of the answer only, so they cannot go with echo")
    if problem is not None:
        param, what = problem
        raise InvalidRequest(f"{param} {what}.", param=param, code="unsupported_parameter")


async def _echoes(model: Model, request: CompletionRequest) -> list[str]:
    """What each choice begins with: its prompt, where that is wanted back."""
    echoes = [await _written(model, prompt) if request.echo else "" for prompt in request.prompt]
    return [echo for echo in echoes for _ in range(request.n or 1)]


async def _written(model: Model, prompt: Prompt) -> str:
    return prompt if isinstance(prompt, str) else await text_of(model, prompt, "prompt")


async def _whole(answering: Answering, head: Head, echoes: Sequence[str]) -> TextCompletion:
    choices = await answering.whole()
    return TextCompletion(
        **head.fields("text_completion"),
        choices=[_choice(at, *said) for at, said in enumerate(zip(echoes, choices, strict=True))],
        usage=usage(answering),
    )


def _choice(index: int, echo: str, whole: WholeChoice) -> TextChoice:
    return TextChoice(
        text=echo + whole.content,
        index=index,
        logprobs=text_logprobs(whole.tokens) if whole.tokens else None,
        finish_reason="length" if whole.finish == "length" else "stop",
    )
