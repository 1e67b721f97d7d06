"""Numbers in answers, however they are written, as one normal form."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction

# Everything that can belong to one number, so that no part of it is taken for another one.
_NUMBER = (
    r"(?<![\w.,/^])[-+−]?(?:[$€£]\s?)?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?(?:\s?/\s?\d+)?(?:\^\d+)?"
)
_BOXED = re.compile(r"\\boxed\{([^{}]*)\}")
_MARKED = re.compile(rf"(?:####|\banswer\b\s*(?:is|:|=)|=)\W{{0,6}}?({_NUMBER})", re.IGNORECASE)
ANY_NUMBER = re.compile(_NUMBER)

_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_LARGEST_EXPONENT = 300


def find_number(text: str) -> str | None:
    """The number that a text comes to: boxed, marked by `answer is` or `=`, else the last one.

    None where there is none, and where the deciding one cannot be read with certainty.
    """
    boxed = _BOXED.findall(text)
    if boxed:
        whole = ANY_NUMBER.fullmatch(boxed[-1].strip())
        return normal_form(whole.group()) if whole else None
    found = _MARKED.findall(text) or ANY_NUMBER.findall(text)
    return normal_form(found[-1]) if found else None


def marked_number(text: str) -> bool:
    """Whether a text says which number is its answer."""
    return bool(_BOXED.search(text) or _MARKED.search(text))


def last_number(text: str) -> re.Match[str] | None:
    """The last number of a text."""
    found = list(ANY_NUMBER.finditer(text))
    return found[-1] if found else None


def normal_form(text: str) -> str | None:
    """A number's normal form: `1,200.50` is `1200.5`, `2/4` is `1/2`; None for what is ambiguous.

    A comma that parts no thousands may be a decimal comma or a list; a power is not computed.
    """
    plain = re.sub(r"[$€£\s]", "", text.replace("−", "-")).rstrip(",")
    if "^" in plain:
        return None
    if "," in plain:
        if not _THOUSANDS.fullmatch(plain.lstrip("+-")):
            return None
        plain = plain.replace(",", "")
    try:
        if "/" in plain:
            return str(Fraction(plain))
        return _decimal(Decimal(plain))
    except (InvalidOperation, ValueError, ZeroDivisionError):
        return None


def _decimal(value: Decimal) -> str | None:
    if value.adjusted() > _LARGEST_EXPONENT:
        return None
    plain = format(value, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "+0") else plain.lstrip("+")
