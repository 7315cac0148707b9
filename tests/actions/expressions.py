"""GitHub's expressions, as far as our workflows use them: contexts, comparison, && and ||, status.

Anything else is an error, so that a test fails rather than passes for want of a meaning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)|(?P<mark>\(\)|[()]|==|!=|&&|\|\||!))"
)
_INSIDE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


class Expressions:
    """Contexts of one step, and whether all before it went well."""

    def __init__(self, contexts: Mapping[str, Any], *, good: bool) -> None:
        self.contexts = contexts
        self.good = good

    def text(self, value: Any) -> str:
        """A YAML value with its expressions filled in, as a runner would hand it on."""
        if isinstance(value, bool):
            return "true" if value else "false"
        return _INSIDE.sub(lambda m: _shown(self.value(m[1])), str(value))

    def holds(self, condition: str | None) -> bool:
        """Whether a step or job with this `if` runs."""
        if condition is None:
            return self.good
        bare = condition.strip()
        inside = _INSIDE.fullmatch(bare)
        expression = inside[1] if inside else bare
        found = _true(self.value(expression))
        says_status = re.search(r"\b(always|failure|cancelled|success)\(\)", expression)
        return found and (bool(says_status) or self.good)

    def value(self, expression: str) -> Any:
        """The value of one expression."""
        tokens = self._tokens(expression.strip())
        found, rest = self._or(tokens)
        assert not rest, f"cannot read {expression!r} from {rest}"
        return found

    def _tokens(self, text: str) -> list[tuple[str, str]]:
        found, position = [], 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            assert match, f"cannot read {text[position:]!r}"
            found.append((str(match.lastgroup), match[str(match.lastgroup)]))
            position = match.end()
        return found

    def _or(self, tokens: list[tuple[str, str]]) -> tuple[Any, list[tuple[str, str]]]:
        left, rest = self._and(tokens)
        while rest and rest[0] == ("mark", "||"):
            right, rest = self._and(rest[1:])
            left = left if _true(left) else right
        return left, rest

    def _and(self, tokens: list[tuple[str, str]]) -> tuple[Any, list[tuple[str, str]]]:
        left, rest = self._compare(tokens)
        while rest and rest[0] == ("mark", "&&"):
            right, rest = self._compare(rest[1:])
            left = right if _true(left) else left
        return left, rest

    def _compare(self, tokens: list[tuple[str, str]]) -> tuple[Any, list[tuple[str, str]]]:
        left, rest = self._one(tokens)
        if rest and rest[0][1] in ("==", "!="):
            equal = rest[0][1] == "=="
            right, rest = self._one(rest[1:])
            # Text is compared without regard to case; everything here is text.
            return (str(left).lower() == str(right).lower()) is equal, rest
        return left, rest

    def _one(self, tokens: list[tuple[str, str]]) -> tuple[Any, list[tuple[str, str]]]:
        (kind, text), rest = tokens[0], tokens[1:]
        if kind == "text":
            return text[1:-1].replace("''", "'"), rest
        if text == "!":
            found, rest = self._one(rest)
            return not _true(found), rest
        if text == "(":
            found, rest = self._or(rest)
            assert rest[0] == ("mark", ")")
            return found, rest[1:]
        assert kind == "name", text
        if rest and rest[0] == ("mark", "()"):
            status = {"always": True, "success": self.good, "failure": not self.good}
            return status[text], rest[1:]
        return self._lookup(text), rest

    def _lookup(self, name: str) -> Any:
        first, *keys = name.split(".")
        found: Any = self.contexts[first]  # an unknown context is an error, an unknown key is empty
        for key in keys:
            found = found.get(key, "") if isinstance(found, Mapping) else ""
        return found


def _true(value: Any) -> bool:
    return value not in (False, None, "", 0)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
