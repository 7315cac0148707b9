"""The bytes of kept models: the same every time, and no byte of a stranger's is believed."""

from __future__ import annotations

import json
import pickle
import zipfile
from io import BytesIO
from typing import Any

import numpy as np
import pytest

from dpgate.errors import SynthesisError
from dpgate.loading.canonical import canonical
from dpgate.synthesis.kept import container
from dpgate.synthesis.kept.container import MAGIC, Parts, dump, load

PARTS = Parts(
    kind="directed",
    stamp={"release": "visits/one"},
    domain=({"name": "age"},),
    facts={"steps": [1, None, "x"]},
    arrays={
        "a": np.array([[0.25, 0.75]]),
        "b.0": np.arange(3),
        "empty": np.zeros((0, 4)),
        "one": np.array(0.1),
    },
)


def header_of(data: bytes) -> tuple[dict[str, Any], bytes]:
    start = len(MAGIC) + 8
    end = start + int.from_bytes(data[len(MAGIC) : start], "little")
    return json.loads(data[start:end]), data[end:]


def with_header(header: Any, rest: bytes) -> bytes:
    text = header if isinstance(header, bytes) else canonical(header)
    return MAGIC + len(text).to_bytes(8, "little") + text + rest


def test_what_is_written_is_read_back_and_written_the_same_again() -> None:
    data = dump(PARTS)
    again = load(data)
    assert (again.kind, again.stamp, again.domain) == (PARTS.kind, PARTS.stamp, PARTS.domain)
    assert again.facts == PARTS.facts
    assert list(again.arrays) == list(PARTS.arrays)
    for name, array in PARTS.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array)
        assert again.arrays[name].shape == array.shape
    assert dump(again) == data


def test_arrays_are_written_as_they_mean_and_not_as_they_lie_in_memory() -> None:
    turned = np.asfortranarray(np.array([[1.0, 2.0], [3.0, 4.0]]))
    swapped = turned.astype(">f8")
    parts = [
        Parts(kind="k", stamp={}, domain=(), facts={}, arrays={"a": array})
        for array in (turned, np.ascontiguousarray(turned), swapped)
    ]
    assert len({dump(each) for each in parts}) == 1


@pytest.mark.parametrize(
    "array", [np.array(["x"]), np.array([{}], dtype=object), np.zeros(1, dtype=np.float32)]
)
def test_nothing_but_64_bit_numbers_is_written(array: Any) -> None:
    with pytest.raises(SynthesisError, match="a kept model holds no array 'a'"):
        dump(Parts(kind="k", stamp={}, domain=(), facts={}, arrays={"a": array}))


@pytest.mark.parametrize("name", ["../a", "a/b", "A", "", "x" * 62])
def test_names_lead_nowhere(name: str) -> None:
    with pytest.raises(SynthesisError, match="holds no array"):
        dump(Parts(kind="k", stamp={}, domain=(), facts={}, arrays={name: np.zeros(1)}))


def test_a_model_that_is_too_large_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "MAX_BYTES", 500)
    with pytest.raises(SynthesisError, match="more than the 500 that a kept one may have"):
        dump(Parts(kind="k", stamp={}, domain=(), facts={}, arrays={"a": np.zeros(100)}))
    with pytest.raises(SynthesisError, match="larger than 500 bytes"):
        load(MAGIC + b"0" * 500)


class Boom:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("it was unpickled",))


def archive() -> bytes:
    body = BytesIO()
    with zipfile.ZipFile(body, "w") as made:
        made.writestr("../../evil.npy", "x")
    return body.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", b"x", MAGIC, MAGIC[:-1] + b"2", pickle.dumps(Boom()), archive(), b"\x93NUMPY\x01\x00"],
)
def test_other_files_are_no_models(data: bytes) -> None:
    with pytest.raises(SynthesisError, match="not a kept model"):
        load(data)


def edited(**changes: Any) -> bytes:
    header, rest = header_of(dump(PARTS))
    return with_header({**header, **changes}, rest)


def array(**changes: Any) -> bytes:
    header, rest = header_of(dump(PARTS))
    header["arrays"][0].update(changes)
    return with_header(header, rest)


def hostile() -> dict[str, bytes]:
    data = dump(PARTS)
    header, rest = header_of(data)
    first = header["arrays"][0]
    spaced = json.dumps(header).encode()
    return {
        "cut": data[:-1],
        "longer": data + b"\0",
        "header cut": data[:30],
        "header endless": MAGIC + b"\xff" * 8 + data[len(MAGIC) + 8 :],
        "another key": edited(code="import os"),
        "kind no text": edited(kind=1),
        "domain of numbers": edited(domain=[1]),
        "stamp a list": edited(stamp=[]),
        "not canonical": with_header(spaced, rest),
        "a float": with_header(canonical(header).replace(b"null", b"1.5 "), rest),
        "twice": edited(arrays=[first, *header["arrays"]]),
        "of objects": array(type="O"),
        "negative": array(shape=[-1, -2]),
        "true": array(shape=[True, 2]),
        "endless": array(shape=[2**29, 2**29]),
        "many axes": array(shape=[1] * 33),
        "a path": array(name="../../a"),
        "more": array(more=1),
        "no object": edited(arrays=["a"]),
        "too many": edited(arrays=[first] * 10_001),
        "nested": with_header(b"[" * 50_000, rest),
    }


@pytest.mark.parametrize("name", hostile())
def test_a_strangers_file_is_refused(name: str) -> None:
    with pytest.raises(SynthesisError, match="not a kept model"):
        load(hostile()[name])
