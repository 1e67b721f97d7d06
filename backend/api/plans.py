"""From what is asked to the jobs of the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from backend.api.reasoning import refuse_unheard
from backend.chat.constraint import Constraint
from backend.chat.gbnf import GrammarError, check_gbnf
from backend.chat.json_schema import SchemaError, to_gbnf
from backend.chat.layer import Prepared, Reader, prepare
from backend.chat.template import TemplateError
from backend.chat.wanted import ToolError, Wanted
from backend.engine.inflight import Job
from backend.engine.messages import Loaded
from backend.engine.sampling import Sampling
from backend.errors import InvalidRequest
from backend.registry import chat_template

_FIELDS = {"gbnf": "grammar", "template_arguments": "chat_template_kwargs"}
"""What the chat layer's fields are called in requests."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a route wants of a model, whatever the request looked like.

    Attributes:
        wanted: The conversation, its tools and the form of the answer.
        sampling: How tokens are chosen.
        max_tokens: Most tokens of each choice; None for as many as the context holds.
        stop: Texts that end the answer and are not part of it.
        n: Choices.
        reuse: As in ``messages.Submit``.
        logprobs: How many of the likeliest tokens go with each; None for no logprobs at all.
        raw_prompt: A text or tokens to continue instead of ``wanted``.
        constraint: What the answer to a raw prompt has to look like.
        raw_form_field: Where that stands in the request, for errors.
        ignore_eos: Whether the answer goes on where the model would end it.
        schema_field: Where ``wanted.schema`` stands in the request, for errors.
        exact: Whether the model has to know all that its template is told.
    """

    wanted: Wanted
    sampling: Sampling
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    reuse: bool | None = None
    logprobs: int | None = None
    raw_prompt: str | Sequence[int] | None = None
    constraint: Constraint | None = None
    raw_form_field: str = "grammar"
    ignore_eos: bool = False
    schema_field: str = "json_schema"
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What the engine is to do for an ask.

    Attributes:
        jobs: One for each choice.
        reader: Makes what tells content, reasoning and calls apart; None when all is content.
        form_field: Where the jobs' grammar comes from in the request, for errors.
    """

    jobs: tuple[Job, ...]
    reader: Callable[[], Reader] | None
    form_field: str = "grammar"


def plan(ask: Ask, card: Loaded) -> Plan:
    """What a model is to do; a seed is counted on from the first choice.

    Raises:
        InvalidRequest: The model cannot do it; names the field.
    """
    check_chats(card)
    check_tokens([token for token, _ in ask.sampling.logit_bias], card, "logit_bias")
    if ask.raw_prompt is None:
        found = prepared(card, ask.wanted, ask.schema_field, exact=ask.exact)
        job = _job(ask, whole(found.prompt), found.constraint)
        job = replace(job, stop=(*ask.stop, *found.stops), specials=found.specials)
        return Plan(_choices(job, ask.n), found.reader, form_field(ask))
    prompt = ask.raw_prompt
    if not isinstance(prompt, str):
        check_tokens(prompt, card, "prompt")
    job = _job(ask, whole(prompt) if isinstance(prompt, str) else tuple(prompt), ask.constraint)
    return Plan(_choices(job, ask.n), None, form_field(ask))


def form_field(ask: Ask) -> str:
    """Which field says what the answer has to look like."""
    if ask.raw_prompt is not None:
        return ask.raw_form_field
    if ask.wanted.gbnf is not None:
        return "grammar"
    # Where both hold, it is the tools: a schema that is too large by itself was refused before.
    called = ask.wanted.tools and ask.wanted.tool_choice != "none"
    return "tools" if called else ask.schema_field


@contextmanager
def naming(form_field: str) -> Iterator[None]:
    """Lets the engine's refusal of a grammar name the field that the grammar was made of.

    Raises:
        InvalidRequest: That refusal.
    """
    try:
        yield
    except InvalidRequest as error:
        if error.param != "grammar" or form_field == "grammar":
            raise
        reason = error.message.removeprefix("grammar: ")
        message = f"{form_field}: the grammar made of it cannot be used: {reason}"
        raise InvalidRequest(message, param=form_field) from error


def prepared(
    card: Loaded, wanted: Wanted, schema_field: str = "json_schema", *, exact: bool = False
) -> Prepared:
    """The prompt of a conversation, and how its answer is held and read; ``Ask`` says the rest.

    Raises:
        InvalidRequest: The template refuses it, or something in it cannot be done.
    """
    with _refusing(schema_field):
        template = chat_template(card)
        if exact:
            refuse_unheard(template, wanted)
        return prepare(template, wanted)


def constraint(gbnf: str | None, schema: Mapping[str, Any] | None) -> Constraint | None:
    """The form of a text that has no template around it.

    Raises:
        InvalidRequest: It cannot be held to.
    """
    with _refusing("json_schema"):
        if gbnf:
            check_gbnf(gbnf)
            return Constraint(gbnf)
        return None if schema is None else Constraint(to_gbnf(schema))


@contextmanager
def _refusing(schema_field: str) -> Iterator[None]:
    """Turns what the chat layer refuses into errors that name the field."""
    try:
        yield
    except TemplateError as error:
        raise InvalidRequest(f"messages: {error}.", param="messages") from error
    except ToolError as error:
        names = {**_FIELDS, "schema": schema_field}
        field = names.get(error.field, error.field)
        raise InvalidRequest(f"{field}: {error.problem}.", param=field) from error
    except SchemaError as error:
        raise InvalidRequest(f"{schema_field}: {error}.", param=schema_field) from error
    except GrammarError as error:
        raise InvalidRequest(f"grammar: {error}.", param="grammar") from error


def _job(ask: Ask, prompt: str | tuple[int, ...], held_to: Constraint | None) -> Job:
    return Job(
        prompt,
        ask.sampling,
        ask.max_tokens,
        ask.stop,
        ask.reuse,
        constraint=held_to,
        logprobs=ask.logprobs,
        ignore_eos=ask.ignore_eos,
    )


def _choices(job: Job, count: int) -> tuple[Job, ...]:
    seed = job.sampling.seed
    seeds = [None if seed is None else seed + choice for choice in range(count)]
    return tuple(replace(job, sampling=replace(job.sampling, seed=seed)) for seed in seeds)


def check_chats(card: Loaded) -> None:
    """Refuses a model that writes no text.

    Raises:
        InvalidRequest: It is one.
    """
    if not card.chat:
        raise InvalidRequest(
            "This model writes no text, it only makes vectors: use POST /v1/embeddings.",
            param="model",
            code="unsupported_model",
        )


def check_tokens(tokens: Sequence[int], card: Loaded, param: str) -> None:
    """Refuses numbers that are no tokens of a model, which its library would not survive.

    Raises:
        InvalidRequest: There is one; names the field.
    """
    for token in tokens:
        if not 0 <= token < card.vocabulary:
            raise InvalidRequest(
                f"{param}: '{token}' is no token; they go from 0 to {card.vocabulary - 1}.",
                param=param,
            )


def whole(prompt: str) -> str:
    """A prompt without halves of characters, which a call's arguments can hold as ``\\ud800``."""
    return prompt.encode("utf-8", "replace").decode()
