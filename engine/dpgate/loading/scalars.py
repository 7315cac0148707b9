"""Plain YAML scalars by the YAML 1.2 core schema, numbers as exact values from their text.

Stricter than the core schema where a reader could be misled: infinities, NaN, octal and
hexadecimal numbers and leading zeros are refused instead of guessed at. `yes`, `no`, `on`, `off`
and dates are text. Anything quoted is text and never comes here.
"""

from __future__ import annotations

import re
from decimal import Decimal

Scalar = str | int | Decimal | bool | None

MAX_DIGITS = 40
"""Digits of a number, leading and trailing zeros included."""
MAX_EXPONENT = 60
"""Largest power of ten that may be written, up or down."""

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER = re.compile(r"[-+]?(?P<digits>[0-9]+(\.[0-9]*)?|\.[0-9]+)([eE](?P<power>[-+]?[0-9]+))?")
_OTHER_BASE = re.compile(r"[-+]?0[xXoObB][0-9a-fA-F_]+")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class ScalarError(ValueError):
    """A plain scalar that is refused: what is wrong, and the fix."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


def resolve(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar.

    Returns:
        None, a bool, an int, a Decimal (anything written with a point or an exponent), or the
        text itself.

    Raises:
        ScalarError: a number that is not finite, too long, or ambiguous.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    shown = text if len(text) <= 30 else f"{text[:27]}…"
    if _NOT_FINITE.fullmatch(text):
        raise ScalarError(f"{shown} is not a finite number", "write a finite decimal number")
    if _OTHER_BASE.fullmatch(text):
        raise ScalarError(f"{shown} is not a decimal number", "write it in decimal, or quote it")
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    digits, power = match["digits"], match["power"]
    if re.match(r"0[0-9]", digits):
        raise ScalarError(
            f"{shown} starts with a zero, so it could be octal, decimal or text",
            "drop the zero, or put quotes around text",
        )
    # Before any conversion: the cost of one grows with the digits and the exponent.
    too_far = power is not None and (len(power) > 4 or abs(int(power)) > MAX_EXPONENT)
    if len(digits) > MAX_DIGITS or too_far:
        raise ScalarError(
            f"{shown} is longer or further from 1 than any number that dpgate reads",
            f"use at most {MAX_DIGITS} digits and exponents up to {MAX_EXPONENT}, or quote text",
        )
    return int(text) if power is None and "." not in digits else Decimal(text)
