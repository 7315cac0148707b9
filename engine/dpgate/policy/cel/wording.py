"""What the CEL compiler objects to, in our words and with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from difflib import get_close_matches

from dpgate.policy.cel.roots import ROOTS
from dpgate.policy.cel.types import TYPES

_ERROR = re.compile(
    r"ERROR: <input>:(-?\d+):(-?\d+): (.*?)(?=\n \||\nERROR:| \[[A-Z_]+\]$|$)", re.DOTALL
)
_FIELD = re.compile(r"undefined field '([^']*)' not found in struct '(?:dpgate\.)?([^']*)'")
_NAME = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to '\((.*)\)'")
_NAMES = {kind.__name__: tuple(field.name for field in fields(kind)) for kind in TYPES}
FUNCTIONS = (
    "all", "exists", "exists_one", "filter", "map", "has", "size", "contains", "startsWith",
    "endsWith", "matches", "double", "int", "string", "timestamp", "duration", "type", "dyn",
)  # fmt: skip
"""What an expression can call."""


def first(text: str, source: str, roots: Sequence[str]) -> tuple[int, str, str]:
    """The first error of a compiler's answer: offset in the source, message, fix.

    Args:
        text: what the compiler said.
        source: the expression.
        roots: names that it could have begun with.
    """
    if "recursion" in text:
        return 0, "is nested too deeply", "at most 32 levels; split the rule in two"
    found = _ERROR.search(text)
    if not found:
        return 0, "is not an expression in CEL", "the language: docs/rules.md"
    offset, error = offset_of(source, int(found[1]), int(found[2])), found[3].strip()
    if (match := _NAME.search(error)) and "." in match[1]:  # it points behind the first part
        offset = max(source.rfind(match[1].partition(".")[0], 0, offset), 0)
    elif source[offset : offset + 1] == ".":  # of a field, its name
        offset += len(source[offset:]) - len(source[offset:].lstrip(". \n"))
    return (offset, *_words(error, source, offset, roots))


def offset_of(source: str, line: int, column: int) -> int:
    """The offset of a line and column, both from 1; 0 where there is none."""
    lines = source.split("\n")
    if not 1 <= line <= len(lines):
        return 0
    before = sum(len(each) + 1 for each in lines[: line - 1])
    return min(before + max(column - 1, 0), len(source))


def _words(error: str, source: str, offset: int, roots: Sequence[str]) -> tuple[str, str]:
    if match := _FIELD.search(error):
        return _field(match[1], match[2])
    if match := _NAME.search(error):
        return _reference(match[1], source, offset, roots)
    if match := _OVERLOAD.search(error):
        return _overload(match[1], match[2], source, offset)
    if "Syntax error" in error:
        what = error.partition("Syntax error:")[2].partition(" expecting ")[0].strip()
        return f"is not an expression in CEL: {what}", "the language: docs/rules.md"
    return f"is not an expression in CEL: {error}", "the language: docs/rules.md"


def _field(name: str, struct: str) -> tuple[str, str]:
    known = _NAMES.get(struct, ())
    label = next((root for root, kind in ROOTS.items() if kind == struct), struct)
    return f"{label} has no field {name}", _closest(name, known, f"fields of {label}")


def _reference(name: str, source: str, offset: int, roots: Sequence[str]) -> tuple[str, str]:
    head, _, rest = name.partition(".")
    if head == "options":
        known = [root.removeprefix("options.") for root in roots if root.startswith("options.")]
        if not known:
            return "options are for rules of a catalogue", "write the value itself"
        return f"there is no option {rest}", _closest(rest, known, "options of this rule")
    if head in ROOTS:
        return f"{head} is not known here", "known here: " + ", ".join(roots)
    if source[offset : offset + 1] == "(" or re.match(rf"{re.escape(name)}\s*\(", source[offset:]):
        return f"there is no function {name}", _closest(name, FUNCTIONS, "functions")
    return f"there is no name {head}", _closest(head, roots, "names")


def _overload(operator: str, types: str, source: str, offset: int) -> tuple[str, str]:
    sign = operator.replace("_", "").replace("@", "") or operator
    given = " and ".join(types.split(", "))
    message = f"{sign} does not take {given}"
    if set(types.split(", ")) == {"double", "int"}:
        return message, _decimal(source, offset, len(sign))
    return message, "both sides must be of one type: docs/rules.md has the types of all facts"


_WHOLE = r"(?<![\w.])(\d+)(?![\w.])"


def _decimal(source: str, offset: int, length: int) -> str:
    after = re.match(rf"\s*-?\s*{_WHOLE}", source[offset + length :])
    before = re.search(rf"{_WHOLE}\s*$", source[:offset])
    found = after or before
    if found:
        return f"write {found[1]}.0: ε, δ and budgets are doubles"
    return "ε, δ and budgets are doubles: write double(…) around the whole number"


def _closest(name: str, known: Sequence[str], what: str) -> str:
    close = get_close_matches(name, known, n=1)
    listed = f"{what}: " + ", ".join(known)
    return f"did you mean {close[0]}? {listed}" if close else listed
