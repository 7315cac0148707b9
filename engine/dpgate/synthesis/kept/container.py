r"""The bytes of a kept model: named arrays of numbers behind a header of canonical JSON.

    dpgate-model/1\n   length of the header (8 bytes, little endian)   header   arrays

The header is canonical JSON and names kind, stamp, domain, facts and, in order, the arrays: 64-bit
floats or integers, little endian, in C order, with nothing between or after them. So the same
model gives the same bytes, a file is as large as its numbers, and reading one runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from dpgate.errors import SynthesisError
from dpgate.loading.canonical import NotCanonical, canonical, is_canonical, parse_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64] | NDArray[np.int64]

MAGIC = b"dpgate-model/1\n"
MAX_BYTES = 2**30
"""Largest file that is written or read."""
_MAX_HEADER = 2**26
_MAX_ARRAYS = 10_000
_MAX_AXES = 32
_TYPES = {"f8": "<f8", "i8": "<i8"}
_KEYS = {"kind", "stamp", "domain", "facts", "arrays"}
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a model is made of, in plain values.

    Attributes:
        kind: kind of model; the format of that name (`dpgate.synthesis.kept.formats`) reads it.
        stamp: facts about the release, all text.
        domain: public description of the columns, see `dpgate.synthesis.kept.formats.described`.
        facts: whatever else the kind needs: text, whole numbers, true, false, null, nested.
        arrays: numbers by name, of type float64 or int64.
    """

    kind: str
    stamp: Mapping[str, str]
    domain: tuple[Mapping[str, Any], ...]
    facts: Mapping[str, Any]
    arrays: Mapping[str, Array]


def dump(parts: Parts) -> bytes:
    """The file of a model.

    Raises:
        SynthesisError: it would be larger than a file may be, or an array has another type.
    """
    listed = [_listed(name, array) for name, array in parts.arrays.items()]
    header = canonical(
        {
            "kind": parts.kind,
            "stamp": dict(parts.stamp),
            "domain": [dict(column) for column in parts.domain],
            "facts": dict(parts.facts),
            "arrays": listed,
        }
    )
    size = len(header) + sum(8 * array.size for array in parts.arrays.values())
    if len(header) > _MAX_HEADER or size > MAX_BYTES - 64:
        raise SynthesisError(
            f"the model takes {size:,} bytes, more than the {MAX_BYTES:,} that a kept one may have",
            fix="release fewer or coarser columns, or do without keep_model",
        )
    bodies = [
        np.ascontiguousarray(array, dtype=_TYPES[item["type"]]).tobytes()
        for item, array in zip(listed, parts.arrays.values(), strict=True)
    ]
    return b"".join([MAGIC, len(header).to_bytes(8, "little"), header, *bodies])


def _listed(name: str, array: Array) -> dict[str, Any]:
    kind = f"{array.dtype.kind}{array.dtype.itemsize}"
    if kind not in _TYPES or not _NAME.fullmatch(name):
        raise SynthesisError(f"a kept model holds no array {name!r} of type {array.dtype}")
    return {"name": name, "type": kind, "shape": list(array.shape)}


def load(data: bytes) -> Parts:
    """What a file holds; it may come from anybody.

    Raises:
        SynthesisError: the bytes are no such file. The message says what is wrong with them.
    """
    if len(data) > MAX_BYTES:
        raise _no_model(f"larger than {MAX_BYTES:,} bytes")
    start = len(MAGIC) + 8
    if not data.startswith(MAGIC) or len(data) < start:
        raise _no_model(f"does not begin with {MAGIC.decode().strip()!r}")
    end = start + int.from_bytes(data[len(MAGIC) : start], "little")
    if end - start > _MAX_HEADER or end > len(data):
        raise _no_model("its header is cut short or too long")
    header = _header(data[start:end])
    return Parts(
        kind=header["kind"],
        stamp=header["stamp"],
        domain=tuple(header["domain"]),
        facts=header["facts"],
        arrays=_arrays(header["arrays"], data, end),
    )


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = parse_json(text, max_bytes=_MAX_HEADER)
    except NotCanonical as error:
        raise _no_model(f"its header is {error}") from None
    if not isinstance(header, dict) or header.keys() != _KEYS or not is_canonical(header, text):
        raise _no_model("its header is not in canonical form, or has other keys")
    kinds = {"kind": str, "stamp": dict, "domain": list, "facts": dict, "arrays": list}
    wrong = [key for key, kind in kinds.items() if not isinstance(header[key], kind)]
    if wrong or not all(isinstance(column, dict) for column in header["domain"]):
        raise _no_model(f"its header has odd values: {', '.join(wrong) or 'domain'}")
    return header


def _arrays(listed: list[Any], data: bytes, place: int) -> dict[str, Array]:
    """The arrays that a header lists; they must fill the file to its last byte."""
    found: dict[str, Array] = {}
    if len(listed) > _MAX_ARRAYS:
        raise _no_model(f"more than {_MAX_ARRAYS} arrays")
    for item in listed:
        name, kind, shape = _item(item)
        count = prod(shape)
        if name in found or place + 8 * count > len(data):
            raise _no_model(f"array {name} is cut short or given twice")
        flat = np.frombuffer(data, dtype=_TYPES[kind], count=count, offset=place)
        found[name] = flat.reshape(shape)
        place += 8 * count
    if place != len(data):
        raise _no_model("it goes on after its last array")
    return found


def _item(item: Any) -> tuple[str, str, list[int]]:
    if isinstance(item, dict) and item.keys() == {"name", "type", "shape"}:
        name, kind, shape = item["name"], item["type"], item["shape"]
        named = isinstance(name, str) and _NAME.fullmatch(name) and kind in ("f8", "i8")
        if named and isinstance(shape, list) and len(shape) <= _MAX_AXES:
            whole = all(type(length) is int and 0 <= length <= MAX_BYTES for length in shape)
            if whole:
                return name, kind, shape
    raise _no_model("an array is not described as it should be")


def _no_model(reason: str) -> SynthesisError:
    return SynthesisError(
        f"not a kept model: {reason}",
        fix="give the file model.dpgate that the release made",
    )
