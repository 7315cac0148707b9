"""Plain words for what a model expects and for what a document holds."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from dpgate.loading.scalars import ScalarError, resolve
from dpgate.loading.yaml import Path, Value

PATTERNS = {
    r"^[a-z0-9][a-z0-9._-]{0,62}$": "a name (lower-case letters, digits and . _ -, at most 63)",
    r"^[a-z0-9][a-z0-9._-]{0,62}/[a-z0-9][a-z0-9._-]{0,62}$": "one release as dataset/release",
    r"^[A-Za-z_][A-Za-z0-9_]{0,62}$": "a column name (letters, digits and _, at most 63)",
    r"^sha256:[0-9a-f]{64}$": "a digest (sha256: and 64 hexadecimal digits)",
    r"^(add-remove|replace-one)$": "add-remove or replace-one",
    r"^[A-Za-z_][A-Za-z0-9_]{0,62} (>=|<=) [A-Za-z_][A-Za-z0-9_]{0,62}$": "an order, such as a >= b or a <= b",
    r"^[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}$": "a time zone such as UTC or Europe/Paris",
    r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?$": "a moment such as 2020-01-31T08:30",
    r"^[A-Za-z0-9._:/-]{0,40}$": "a prefix (letters, digits and . _ : / -, at most 40)",
    r"^[0-9]{1,9}$": "digits in quotes, at most 9",
    r"^[a-z][a-z0-9_]{0,39}$": "a query's name (lower-case letters, digits and _, at most 40)",
    r"^[a-z][a-z0-9_]{0,49}$": "a measure's name (lower-case letters, digits and _, at most 50)",
    r"^(membership|membership_density|linkage|singling_out|copies|attribute\.[A-Za-z_][A-Za-z0-9_]{0,62})$": (
        "an attack: membership, membership_density, linkage, singling_out, copies or attribute.COLUMN"
    ),
    r"^[a-z][a-z0-9_]{0,30}$": "a table's name (lower-case letters, digits and _, at most 31)",
    r"^[A-Z]{2}$": "a country code of two capital letters, such as FR",
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$": "a period such as 2026-Q4",
    r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$": "a branch name (letters, digits and . _ / -)",
    r"^(releases/)?[a-z0-9][a-z0-9._-]*(/dataset\.yaml)?$": "a dataset's name, or the path of its document",
    r"^(releases/)?[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*(/release\.yaml)?$": "a manifest (dataset/release)",
    r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}$": "a GitHub account",
    r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9_-]{1,100}$": "a GitHub team: organization/team",
    r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$": "a key such as privacy.epsilon",
    r"^(dataset\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$": "a key such as privacy.epsilon or dataset.columns",
}
"""What each pattern of the models asks for; a test holds it complete."""

KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "is_instance_of": "a number",
    "datetime_type": "a moment such as 2020-01-31T08:30",
    "date_type": "a date such as 2027-12-31",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
"""The model's errors about a value of the wrong kind, and the kind it asks for."""

LIMITS: dict[str, Callable[[dict[str, Any]], str]] = {
    "greater_than": lambda c: f"a number above {c['gt']}",
    "greater_than_equal": lambda c: f"a number from {c['ge']:,} up",
    "less_than": lambda c: f"a number below {c['lt']}",
    "less_than_equal": lambda c: f"a number up to {c['le']:,}",
    "string_too_short": lambda c: f"text of at least {_count(c['min_length'], 'character')}",
    "string_too_long": lambda c: f"text of at most {_count(c['max_length'], 'character')}",
    "too_short": lambda c: f"at least {_count(c['min_length'], 'entry')}",
    "too_long": lambda c: f"at most {_count(c['max_length'], 'entry')}",
    "string_pattern_mismatch": lambda c: PATTERNS.get(c["pattern"], f"text like {c['pattern']}"),
}
"""The model's errors about a value of the right kind that is out of bounds."""


def expected(kind: str, context: dict[str, Any]) -> str:
    """What the model expected, from the kind and context of its error.

    `kind` is one of `KINDS`, of `LIMITS`, or ``literal_error``.
    """
    if kind in KINDS:
        return KINDS[kind]
    return LIMITS[kind](context) if kind in LIMITS else choice(context["expected"])


def key(found: str, context: dict[str, Any]) -> tuple[str, str]:
    """What keys of a mapping are, and what to do about one that is not."""
    if "pattern" in context:
        return expected("string_pattern_mismatch", context), "rename it"
    words = choice(context["expected"])
    return f"one of {words}", fix("literal_error", {"expected": words}, found) or "rename it"


def choice(quoted: str) -> str:
    """The allowed words, out of the model's quoted list."""
    return {"True": "true", "False": "false"}.get(quoted, quoted.replace("'", ""))


def describe(value: Value) -> str:
    """What a value is: ``text 'x'``, ``3``, ``a mapping``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text if "." in text else f"{text} written with a point or an exponent"
    if isinstance(value, str):
        return f"text {short(value)}"
    return "a mapping" if isinstance(value, dict) else f"a list of {len(value)}"


def fix(kind: str, context: dict[str, Any], value: Value) -> str:
    """What to do about a value that the model refused; "" where the message says it all."""
    if kind == "literal_error" and isinstance(value, str):
        close = difflib.get_close_matches(value, choice(context["expected"]).split(), n=1)
        return f"did you mean {close[0].strip(',')!r}?" if close else ""
    if kind == "string_type" and isinstance(value, int | Decimal | bool):
        return "put quotes around it"
    if kind in ("int_type", "bool_type", "is_instance_of") and _quoted(value):
        return "remove the quotes"
    if kind == "tuple_type" and isinstance(value, str):
        return f"write [{value}]" if len(value) <= 40 else "write a list in [brackets]"
    if kind == "int_type" and isinstance(value, Decimal) and value == int(value):
        return f"write {int(value)}"
    return ""


def where(path: Path) -> str:
    """A path as people would say it, entries counted from 1: ``spec.utility[1].order``."""
    text = ""
    for step in path:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "the document"


def unknown_key(key: str, known: Iterable[str]) -> tuple[str, str]:
    """Message and fix for a key that the model does not know."""
    options = tuple(known)
    close = difflib.get_close_matches(key, options, n=1, cutoff=0.6)
    fix = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(options)}"
    return f"unknown key {short(key)}", fix


def short(text: str) -> str:
    """Text in quotes, cut to what fits a line."""
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


def _quoted(value: Value) -> bool:
    """Whether a value is text only because it stands in quotes."""
    try:
        return isinstance(value, str) and not isinstance(resolve(value), str | None)
    except ScalarError:
        return False


def _count(number: int, noun: str) -> str:
    many = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else many}"
