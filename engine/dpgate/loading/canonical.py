"""Canonical JSON (RFC 8785), digests, and a strict reader of JSON from strangers."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import rfc8785

MAX_INTEGER = 2**53 - 1
"""Above it, readers that keep numbers as binary floats no longer agree."""
MAX_DEPTH = 40


class NotCanonical(ValueError):  # noqa: N818 - says what the value is, not that something failed
    """Not JSON as dpgate writes it: text, whole numbers within ±(2⁵³ − 1), true, false, null."""


def canonical(obj: object) -> bytes:
    """The one way to write a value as JSON bytes (RFC 8785).

    Args:
        obj: dict with text keys, list, tuple, str, int, bool or None, nested.

    Raises:
        NotCanonical: a float, an integer beyond ±2⁵³, another type, or too deep a nesting.
    """
    _check(obj)
    # _check leaves nothing that rfc8785 could refuse.
    return rfc8785.dumps(obj)  # type: ignore[arg-type]


def is_canonical(value: object, data: bytes) -> bool:
    """Whether these bytes are the canonical form of what `parse_json` read from them.

    Below U+E000 Python's order of keys and that of RFC 8785 (by UTF-16 units) agree, and with no
    floats its compact output is the canonical one; the fast path is what makes long ledgers cheap.
    """
    text = _WRITER.encode(value)
    if text.isascii() or max(text) < "\ue000":
        return text.encode("utf-8") == data
    return canonical(value) == data


_WRITER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(data: bytes) -> str:
    """Digest as ``sha256:`` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def parse_json(data: bytes, max_bytes: int = 1 << 20, max_depth: int = MAX_DEPTH) -> Any:
    """Read JSON that a stranger may have written.

    Args:
        data: UTF-8 bytes.
        max_bytes: longest input that is looked at.
        max_depth: deepest nesting of arrays and objects.

    Raises:
        NotCanonical: too long, not UTF-8, not JSON, a duplicate key, a float, NaN, an integer
            beyond ±2⁵³, a lone surrogate, or too deep a nesting.
    """
    if len(data) > max_bytes:
        raise NotCanonical(f"longer than {max_bytes} bytes")
    try:
        value = _READER.decode(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise NotCanonical("not UTF-8") from None
    except RecursionError:
        raise NotCanonical(f"nested deeper than {max_depth}") from None
    except json.JSONDecodeError as error:
        raise NotCanonical(f"not JSON: {error.msg} at line {error.lineno}") from None
    if isinstance(value, _NESTED):
        _bound_depth(value, max_depth)
    if b"\\u" in data:  # the only way to write half of a surrogate pair in UTF-8
        _check(value, max_depth)
    return value


_NESTED = (dict, list)


def _bound_depth(value: Any, max_depth: int) -> None:
    """Level by level: the rest of what `_check` looks at, the parser's hooks have seen."""
    level: list[Any] = [value]
    for _ in range(max_depth):
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, _NESTED)
        ]
        if not level:
            return
    if any(level):
        raise NotCanonical(f"nested deeper than {max_depth}")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise NotCanonical("an object gives a key twice")
    return made


def _no_float(text: str) -> Any:
    raise NotCanonical(f"{text[:30]} is not a whole number; decimals are kept as text")


def _whole(text: str) -> int:
    # By length first: converting a million digits is slow.
    if len(text) > 17:
        raise NotCanonical(f"an integer of {len(text)} characters is beyond 2^53")
    number = int(text)
    if abs(number) > MAX_INTEGER:
        raise NotCanonical("an integer is beyond 2^53; keep it as text")
    return number


_READER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_float=_no_float, parse_constant=_no_float, parse_int=_whole
)


def _check(obj: object, max_depth: int = MAX_DEPTH) -> None:
    """Refuse whatever has no canonical form. Iterative, so depth cannot exhaust the stack."""
    pending: list[tuple[object, int]] = [(obj, 0)]
    while pending:
        value, depth = pending.pop()
        if depth > max_depth:
            raise NotCanonical(f"nested deeper than {max_depth}")
        if isinstance(value, dict):
            pending += [
                (item, depth + 1) for pair in value.items() for item in (_key(pair), pair[1])
            ]
        elif isinstance(value, list | tuple):
            pending += [(item, depth + 1) for item in value]
        else:
            _check_scalar(value)


def _key(pair: tuple[object, object]) -> str:
    key = pair[0]
    if not isinstance(key, str):
        raise NotCanonical(f"an object key must be text, not {type(key).__name__}")
    return key


def _check_scalar(value: object) -> None:
    if isinstance(value, str):
        _encodable(value)
    elif isinstance(value, int):  # bool too
        if abs(value) > MAX_INTEGER:
            raise NotCanonical("an integer is beyond 2^53; keep it as text")
    elif value is not None:
        raise NotCanonical(f"{type(value).__name__} has no canonical form; decimals are text")


def _encodable(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise NotCanonical("text holds half of a surrogate pair") from None
