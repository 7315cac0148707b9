"""Mutations of documents: of bytes, of lines, and of what is written in them.

Every mutant follows from its seed, so that a failure can be made again.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

SCALARS = (
    "", "~", "null", "true", "yes", "0", "-0", "-1", "1e309", "1e-400", ".inf", "-.inf", ".nan", "0x10", "0o17",
    "1_000", "1" * 5_000, "9" * 60 + "." + "9" * 60, "2026-13-45", "2026-11-22", "9999-12-31", "0001-01-01",
    "!!python/object/apply:os.system [id]", "!!binary aGk=", "!<tag:x> y", "&a [1, 2]", "*a", "<<: {a: 1}", "[]", "{}",
    "[[[[[[[[[[]]]]]]]]]]", "{a: {a: {a: {a: 1}}}}", "'\u202ereversed'", '"\\u0000"', '"\\ud800"', "'a\tb'",
    "|\n  text",
    "\U0001f4a3", "x" * 70_000,
    "'" + "é" * 300 + "'", "../../etc/passwd", "$(touch x)", "`id`", "%s%n", "\u2028", "ε",
    "release.epsilon <= 3.0", "1/0 == 1", "'a'.matches('(a+)+$')", "{", "{{}}",
    "dataset.columns.all(c, c.name == 'x')",
    "ssh-ed25519 AAAA", "sha256:" + "0" * 64, "US", "*", "lifetime", "mst", "hard", "soft",
)  # fmt: skip
"""What a value may be replaced by."""

_VALUE = re.compile(r"(?<=: )[^\n{}\[\],#]+|(?<=- )[^\n{}\[\],#:]+|(?<=\[)[^\[\]{},\n]+")
_KEY = re.compile(r"\b[A-Za-z_]++(?=:)")

Mutation = Callable[[random.Random, str], str]


def mutant(seed: int, text: str) -> bytes:
    """A document a few steps away from one that is good."""
    rng = random.Random(seed)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        text = rng.choice(_MUTATIONS)(rng, text)
    data = text.encode("utf-8", "surrogatepass")
    return _bytes(rng, data) if rng.random() < 0.1 else data


def _spot(rng: random.Random, pattern: re.Pattern[str], text: str) -> tuple[int, int]:
    found = [match.span() for match in pattern.finditer(text)]
    return rng.choice(found) if found else (len(text), len(text))


def _value(rng: random.Random, text: str) -> str:
    start, end = _spot(rng, _VALUE, text)
    return f"{text[:start]}{rng.choice(SCALARS)}{text[end:]}"


def _key(rng: random.Random, text: str) -> str:
    start, end = _spot(rng, _KEY, text)
    other = rng.choice(
        (*_KEY.findall(text), "unknown", "when", "rules", "limits", "__class__", "<<")
    )
    return f"{text[:start]}{other}{text[end:]}"


def _swapped(rng: random.Random, text: str) -> str:
    """A value stands where another stood."""
    start, end = _spot(rng, _VALUE, text)
    other: str = rng.choice(_VALUE.findall(text) or [""])
    return f"{text[:start]}{other}{text[end:]}"


def _line(rng: random.Random, text: str) -> str:
    """A line is gone, twice there, moved, or at another depth."""
    lines = text.split("\n")
    place = rng.randrange(len(lines))
    line = lines.pop(place)
    how = rng.randrange(4)
    if how == 1:
        lines[place:place] = [line, line]
    elif how == 2:
        lines.insert(rng.randrange(len(lines) + 1), line)
    elif how == 3:
        lines.insert(place, " " * rng.randrange(6) + line.lstrip())
    return "\n".join(lines)


def _slice(rng: random.Random, text: str) -> str:
    """A piece is cut out, or put elsewhere once more."""
    start = rng.randrange(len(text) + 1)
    end = min(len(text), start + rng.choice((1, 3, 40, 400)))
    if rng.random() < 0.5:
        return text[:start] + text[end:]
    to = rng.randrange(len(text) + 1)
    return text[:to] + text[start:end] + text[to:]


def _insert(rng: random.Random, text: str) -> str:
    to = rng.randrange(len(text) + 1)
    what: str = rng.choice(
        (*"{}[]:,-#&*!|>'\"%@`\t\r\0", "\n", "\n---\n", ": ", "\ufeff", "\x85", "? ")
    )
    return text[:to] + what + text[to:]


def _nested(rng: random.Random, text: str) -> str:
    start, end = _spot(rng, _VALUE, text)
    depth = rng.choice((5, 40, 300, 20_000))
    return text[:start] + "[" * depth + "]" * depth + text[end:]


def _repeated(rng: random.Random, text: str) -> str:
    """Many keys or many entries."""
    start, _ = _spot(rng, _KEY, text)
    many = rng.choice((50, 2_000))
    return text[:start] + "".join(f"k{i}: {i}, " for i in range(many)) + text[start:]


_MUTATIONS: tuple[Mutation, ...] = (
    _value, _value, _value, _key, _key, _swapped, _swapped, _line, _line, _slice, _insert, _nested, _repeated,
)  # fmt: skip


def _bytes(rng: random.Random, data: bytes) -> bytes:
    """Bytes that are no text, or another encoding of it."""
    if rng.random() < 0.3:
        return data.decode("utf-8", "replace").encode(rng.choice(("utf-16", "utf-32", "utf-8-sig")))
    made = bytearray(data)
    for _ in range(rng.randrange(1, 9)):
        if made:
            made[rng.randrange(len(made))] = rng.randrange(256)
    return bytes(made)
