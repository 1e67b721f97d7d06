"""From messages and tools to a prompt, a grammar and a reader; from raw text to an answer.

prepared = prepare(template, Wanted(messages, tools))
# … a model continues prepared.prompt under prepared.constraint …
answer = parse(text, prepared.reader())
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from backend.chat.abilities import Abilities, abilities
from backend.chat.call_rules import Book, either
from backend.chat.constraint import Constraint
from backend.chat.described import as_text, with_tools
from backend.chat.formats.base import Format, Thinking
from backend.chat.formats.harmony import THINKING, Harmony
from backend.chat.gbnf import GrammarError, check_gbnf
from backend.chat.history import Message, Shape, one_call_each, plain, shaped, with_ids
from backend.chat.json_schema import SchemaError
from backend.chat.reader import Call, Parsed, Reader, parse
from backend.chat.template import ChatTemplate, TemplateError
from backend.chat.tools import Tool, callable_tools, offered
from backend.chat.wanted import NamedTool, ToolError, Wanted

__all__ = [
    "Call",
    "NamedTool",
    "Parsed",
    "Prepared",
    "Reader",
    "TemplateError",
    "ToolError",
    "Wanted",
    "parse",
    "prepare",
    "thinks",
]

_PAIRS = (
    ("<think>", "</think>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("<thinking>", "</thinking>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
)
_OWN = ("messages", "tools", "add_generation_prompt", "bos_token", "eos_token")


@dataclass(frozen=True)
class Prepared:
    """What an engine needs to know.

    Attributes:
        prompt: The text to continue.
        constraint: What the answer has to look like.
        reader: Makes a reader for one choice; None when all that is written is the answer.
        stops: Further texts that end the answer.
        specials: Whether the reader and the constraint's triggers need control tokens as text.
    """

    prompt: str
    constraint: Constraint | None
    reader: Callable[[], Reader] | None
    stops: tuple[str, ...] = ()
    specials: bool = False


def prepare(template: ChatTemplate, wanted: Wanted) -> Prepared:
    """What an engine needs to answer.

    Raises:
        TemplateError: The template refuses these messages.
        ToolError: A field cannot be done; it is named.
    """
    _check(wanted)
    able = abilities(template)
    tools = offered(wanted)
    try:
        prompt = _prompt(template, able, wanted, tools)
    except RecursionError as error:
        raise TemplateError("something in the messages or tools is nested too deep") from error
    prompt, thinking = _thinking(template, able.form, prompt, wanted)
    prompt, thinking = _continued(able.form, prompt, thinking, wanted)
    usable = callable_tools(tools, wanted)
    constraint = _constraint(able.form, usable, wanted, thinking)
    if not (usable or thinking or able.form.always):
        return Prepared(prompt, constraint, None)
    sure = constraint is not None and wanted.gbnf is None
    only_calls = bool(usable) and wanted.tool_choice != "auto"
    reader = functools.partial(
        Reader, able.form, usable, thinking, sure=sure, only_calls=only_calls
    )
    return Prepared(prompt, constraint, reader, specials=True)


def thinks(template: ChatTemplate) -> bool:
    """Whether the template knows of thoughts that come before an answer."""
    if template.uses("enable_thinking") or isinstance(abilities(template).form, Harmony):
        return True
    return any(opening in template.source for opening, _ in _PAIRS)


def _check(wanted: Wanted) -> None:
    for name in wanted.template_arguments:
        if name in _OWN:
            raise ToolError("template_arguments", f"{name!r} cannot be set: it is the server's")
    if wanted.gbnf is None:
        return
    if wanted.schema is not None:
        raise ToolError("gbnf", "a grammar and a schema cannot both hold")
    if wanted.tools and wanted.tool_choice != "none":
        raise ToolError("gbnf", "a grammar leaves no room for calls of tools")
    try:
        check_gbnf(wanted.gbnf)
    except GrammarError as error:
        raise ToolError("gbnf", str(error)) from error


def _prompt(template: ChatTemplate, able: Abilities, wanted: Wanted, tools: Sequence[Tool]) -> str:
    """The rendered conversation, without an assistant's text at its end.

    The shape that the template is known to take comes first, then what else might do; calls as
    plain text are the last resort.
    """
    messages = plain(wanted.messages, able.form.reasoning_key)
    if _prefill(wanted) is not None:
        del messages[-1]
    if not able.calls:
        messages = as_text(messages)
    if tools and not able.tools:
        messages = with_tools(messages, tools, able.form)
    if able.form.id_size is not None:
        messages = with_ids(messages, able.form.id_size)
    shown = [tool.shown for tool in tools] if able.tools else []
    problem: TemplateError | None = None
    for candidate in _candidates(messages, able):
        try:
            return template.render(candidate, shown, _arguments(wanted))
        except TemplateError as error:
            problem = problem or error
    assert problem is not None
    raise problem


def _candidates(messages: list[Message], able: Abilities) -> Iterator[list[Message]]:
    single = one_call_each(messages)
    yield shaped(single if able.form.single else messages, able.shape)
    if not any("tool_calls" in message for message in messages):
        return
    for each in (messages, single):
        for shape in _others(able.shape):
            yield shaped(each, shape)
    wordless = [{**m, "content": ""} if "tool_calls" in m else m for m in messages]
    yield shaped(wordless, able.shape)
    yield shaped(as_text(messages), able.shape)


def _others(shape: Shape) -> Iterator[Shape]:
    yield shape
    yield replace(shape, objects=not shape.objects)
    yield replace(shape, empty=None if shape.empty == "" else "")


def _arguments(wanted: Wanted) -> Mapping[str, Any]:
    if wanted.thinking is None:
        return wanted.template_arguments
    switches = {"enable_thinking": wanted.thinking, "thinking": wanted.thinking}
    return {**switches, **wanted.template_arguments}


def _prefill(wanted: Wanted) -> str | None:
    """The text that the answer is to go on with; None when the answer begins anew."""
    last = wanted.messages[-1] if wanted.messages else {}
    if last.get("role") != "assistant" or last.get("tool_calls"):
        return None
    text: str = plain([last], "reasoning_content")[0]["content"]
    return text


def _thinking(
    template: ChatTemplate, form: Format, prompt: str, wanted: Wanted
) -> tuple[str, Thinking | None]:
    """How the answer's thoughts are marked; None where there will be none.

    A template that opens them whatever it is told gets them closed again, if nobody wants them.
    """
    if isinstance(form, Harmony):
        return prompt, None if wanted.thinking is False else THINKING
    for opening, closing in _PAIRS:
        if opening not in template.source and closing not in template.source:
            continue
        end = prompt.rstrip()
        if end.endswith(closing):
            return prompt, None
        begun = end.endswith(opening)
        if wanted.thinking is False:
            return prompt + (f"\n{closing}\n\n" if begun else ""), None
        return prompt, Thinking(opening, closing, begun)
    return prompt, None


def _continued(
    form: Format, prompt: str, thinking: Thinking | None, wanted: Wanted
) -> tuple[str, Thinking | None]:
    text = _prefill(wanted)
    if not text:
        return prompt, thinking
    prompt = form.continued(prompt, text, thinking)
    if thinking and text.rfind(thinking.open) > text.rfind(thinking.close):
        return prompt, replace(thinking, begun=True)
    return prompt, None


def _constraint(
    form: Format, tools: Sequence[Tool], wanted: Wanted, thinking: Thinking | None
) -> Constraint | None:
    """The grammar of the answer, from its beginning or from a call's first characters on."""
    if wanted.gbnf is not None:
        return Constraint(wanted.gbnf)
    if not tools and wanted.schema is None:
        return None
    book = Book()
    # Who names a function wants one call of it; a small model would go on to more until it is cut.
    parallel = wanted.parallel and not isinstance(wanted.tool_choice, NamedTool)
    options = [form.calls(book, tools, parallel=parallel)] if tools else []
    forced = tools and wanted.tool_choice != "auto"
    if wanted.schema is not None and not forced:
        options.append(_answer(form, book, wanted.schema))
    elif not forced:
        return Constraint(book.text(options[0]), form.triggers_of(tools))
    before = f"{form.thoughts(book, thinking)} " if thinking else ""
    return Constraint(book.text(before + either(options)))


def _answer(form: Format, book: Book, wanted: Mapping[str, Any] | Literal[True]) -> str:
    """The body of a rule for an answer of the wanted form."""
    schema = {"type": "object"} if wanted is True else wanted
    try:
        return form.answer(book.schema(schema, "answer"))
    except SchemaError as error:
        raise ToolError("schema", str(error)) from error
