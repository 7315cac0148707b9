"""What an expression may cost: beside the evaluator's own bounds, on what they leave out.

CEL's evaluator ends an expression after 10,000 steps of its macros and refuses what is nested
deeper than 32 levels. One step can still be dear: joining lists, text that doubles, patterns made
anew in each step, long literals. Such expressions are refused when they are compiled, so that none
takes long or much memory: benchmarks/README.md has the worst that were found.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator

JOINS_AT_MOST = 20
GROWING_JOINS_AT_MOST = 6
"""Where text that was added can be taken up and added again, and so double each time."""
LITERAL_AT_MOST = 300
PATTERN_AT_MOST = 100
REPEATS_AT_MOST = 20

_TOKEN = re.compile(
    r"""(?P<text>[rRbB]{0,2}(?:'''(?:\\.|.)*?'''|\"\"\"(?:\\.|.)*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))"""
    r"|(?P<note>//[^\n]*)|(?P<word>[A-Za-z_]\w*)|(?P<space>\s+)|(?P<sign>.)",
    re.DOTALL,
)
_REPEAT = re.compile(r"\{(\d*)(?:,(\d*))?\}")


def tokens(source: str) -> tuple[tuple[str, str, int], ...]:
    """Kind (`text`, `word`, `sign`), text and place of each token of an expression."""
    found = ((str(match.lastgroup), match[0], match.start()) for match in _TOKEN.finditer(source))
    return tuple(each for each in found if each[0] not in ("note", "space"))


def excess(source: str, compiled: bytes) -> tuple[int, str, str] | None:
    """Why an expression may cost too much: place, message and fix; None if it cannot.

    Args:
        source: the expression, which compiles.
        compiled: its checked form; it names the functions that are called.
    """
    found = tokens(source)
    pluses = [place for _, sign, place in found if sign == "+"]
    # `map` and `filter` collect what they find by joining lists, once each.
    collecting = sum(
        (word, sign[1]) in (("map", "("), ("filter", "("))
        for (_, word, _), sign in itertools.pairwise(found)
    )
    if pluses and compiled.count(b"add_list") > collecting:
        return pluses[0], "joins lists", "ask each list on its own: a.exists(…) || b.exists(…)"
    most = GROWING_JOINS_AT_MOST if _grows(found) else JOINS_AT_MOST
    if len(pluses) > most:
        return pluses[most], f"adds more than {most} times", "split the rule"
    size = sum({",": 1, ":": 2}.get(sign, 0) for kind, sign, _ in found if kind == "sign")
    if size > LITERAL_AT_MOST:
        return 0, "lists too many values", f"at most {LITERAL_AT_MOST} in an expression"
    return next(_patterns(found), None)


_MACROS = ("all", "exists", "exists_one", "filter", "map")


def _grows(found: tuple[tuple[str, str, int], ...]) -> bool:
    """Whether macros may go over what the expression itself has made: a literal, or a `map`."""
    literal, mapped = False, False
    before = ("sign", "(", 0)
    for each in found:
        kind, word, _ = each
        literal |= word == "{" or (word == "[" and before[0] == "sign" and before[1] not in ")]")
        if kind == "word" and word in _MACROS:
            if mapped:
                return True
            mapped = word == "map"
        before = each
    return literal


def _patterns(found: tuple[tuple[str, str, int], ...]) -> Iterator[tuple[int, str, str]]:
    """Patterns that are no plain text, or that are too large."""
    for number, (kind, word, place) in enumerate(found):
        if (kind, word) == ("word", "matches"):
            opening, pattern, closing = (*found[number + 1 : number + 4], *[("", "", 0)] * 3)[:3]
            if (opening[1], pattern[0], closing[1]) != ("(", "text", ")"):
                yield place, "a pattern must be written out", "x.matches('^[A-Z]+$')"
            else:
                yield from _too_large(_value(pattern[1]), pattern[2])


def _too_large(pattern: str, place: int) -> Iterator[tuple[int, str, str]]:
    repeats = math.prod(max(_most(match), 1) for match in _REPEAT.finditer(pattern))
    if len(pattern) > PATTERN_AT_MOST or repeats > REPEATS_AT_MOST:
        at_most = f"{PATTERN_AT_MOST} characters and {REPEATS_AT_MOST} counted repetitions"
        yield place, "a pattern is too large", f"at most {at_most}"
    elif re.search(r"\\[pP]", pattern):  # each such class is a thousand ranges
        yield place, "a pattern names a class of Unicode", "write [A-Za-z], say"


def _most(match: re.Match[str]) -> int:
    return max((int(number) for number in match.groups() if number), default=1)


def _value(literal: str) -> str:
    """The text that a literal stands for, escapes and all."""
    from dpgate.policy.cel.schema import environment

    return str(environment(frozenset()).compile(literal).eval().plain_value())
