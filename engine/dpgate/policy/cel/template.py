"""Messages with expressions in braces: `ε {release.epsilon} is too much`. `{{` is a brace."""

from __future__ import annotations

import re
from dataclasses import dataclass


class TemplateError(Exception):
    """A template that cannot be read; `offset` is where."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Hole:
    """An expression in a template."""

    source: str
    offset: int
    """Where it begins in the template."""


def parts(text: str) -> tuple[str | Hole, ...]:
    """The text and the expressions of a template, in order.

    Raises:
        TemplateError: braces do not match.
    """
    found: list[str | Hole] = []
    plain = ""
    place = 0
    while place < len(text):
        two, one = text[place : place + 2], text[place]
        if two in ("{{", "}}"):
            plain += one
            place += 2
        elif one == "}":
            raise TemplateError("a } without a {", place)
        elif one == "{":
            end = _end(text, place + 1)
            found += [plain, Hole(text[place + 1 : end], place + 1)]
            plain = ""
            place = end + 1
        else:
            plain += one
            place += 1
    return tuple(part for part in (*found, plain) if part != "")


_QUOTED = re.compile(
    r"""'''.*?'''|\"\"\".*?\"\"\"|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", re.DOTALL
)


def _end(text: str, start: int) -> int:
    """Where the expression that begins at `start` ends: braces and quotes of its own are skipped."""
    depth = 0
    place = start
    while place < len(text):
        quoted = _QUOTED.match(text, place)
        if quoted:
            place = quoted.end()
            continue
        if text[place] == "{":
            depth += 1
        elif text[place] == "}":
            if not depth:
                if not text[start:place].strip():
                    raise TemplateError("nothing between { and }", start - 1)
                return place
            depth -= 1
        place += 1
    raise TemplateError("a { without its }", start - 1)
