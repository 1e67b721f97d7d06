"""What a wrong value is told: what was expected there, and what was found instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from pydantic_core import ErrorDetails

_PATTERNS = {r"^[\w.\-]+$": "letters, digits, `_`, `.` and `-` alone"}

# What pydantic calls a complaint, and what was expected where it is raised.
_EXPECTED: dict[str, str | Callable[[Mapping[str, Any]], str]] = {
    "bool_type": "true or false",
    "dict_type": "a mapping (key: value)",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "invalid_key": "keys that are text",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "list_type": "a list",
    "literal_error": "one of {expected}",
    "mapping_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "string_pattern_mismatch": lambda context: _PATTERNS.get(
        context["pattern"], f"text of the form {context['pattern']}"
    ),
    "string_too_short": "text that is not empty",
    "string_type": "text",
    "too_short": "at least {min_length} entry",
}

# What may be written shorter than it is read.
_FORMS = {
    ("endpoint", "list_type"): "text or a list",
    ("stop", "list_type"): "text or a list",
    ("strategy", "model_type"): "a strategy's name or a mapping",
    ("synthesizer", "list_type"): "an expert's id, a mapping or a list",
}

# Bounds stand at numbers, which are no secrets; any other value may be one in the wrong place.
_SHOWN = {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number"}

_QUOTES = ": write it in quotes"
_NUMBERS = {"int_type", "float_type"}


def complaint(details: Sequence[ErrorDetails], key: str = "") -> str:
    """One sentence on a wrong value.

    Args:
        details: What pydantic says of it: several entries where it may be of several types, and
            is of none of them.
        key: What it is called, for keys that may be written in more than one form.
    """
    for detail in details:
        if detail["type"] == "value_error":  # words of our own
            return detail["msg"].removeprefix("Value error, ")
    forms = dict.fromkeys(
        _FORMS.get((key, detail["type"])) or _expected(detail) for detail in details
    )
    return f"expected {' or '.join(forms)}, found {_found(details[0])}{_advice(details)}"


def _expected(detail: ErrorDetails) -> str:
    form = _EXPECTED.get(detail["type"], "another value")
    context = detail.get("ctx", {})
    return form.format(**context) if isinstance(form, str) else form(context)


def _found(detail: ErrorDetails) -> str:
    value = detail["input"]
    if detail["type"] in _SHOWN:
        return str(value)
    for kind, name in _KINDS:
        if isinstance(value, kind):
            empty = f"{'an ' * name.startswith('a ')}empty {name.split()[-1]}"
            return empty if value in ("", [], {}) else name
    return f"a {type(value).__name__}"


# In this order: a truth value is a number to Python, and text a sequence.
_KINDS: tuple[tuple[type, str], ...] = (
    (type(None), "nothing"),
    (bool, "true or false"),
    (int, "a number"),
    (float, "a decimal number"),
    (date, "a date"),
    (str, "text"),
    (Mapping, "a mapping"),
    (Sequence, "a list"),
)


def _advice(details: Sequence[ErrorDetails]) -> str:
    """The way out where YAML took a value for something else than was meant."""
    kinds, value = {detail["type"] for detail in details}, details[0]["input"]
    if value is None:
        return ": write a value, or leave the key out"
    if "string_type" in kinds and isinstance(value, bool):
        return f", as YAML reads yes, no, on and off{_QUOTES}"
    if "string_type" in kinds and isinstance(value, int | float | date):
        return _QUOTES
    if kinds & _NUMBERS and isinstance(value, str) and _is_number(value):
        if "e" in value.lower():
            return ": YAML wants a power of ten with a point and a sign (1.0e+3), without quotes"
        return ": a number stands without quotes, and a variable is always text"
    return ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
