"""Encoding is total: whatever a value is, it has a cell, and says nothing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.sources.encode import encode
from tests.suites import worlds
from tests.suites.columns import KINDS

COLUMNS = (*worlds.domain().columns, *KINDS.values())

texts = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.from_regex(r"[+-]?[0-9]{0,400}\.?[0-9]{0,5}([eE][+-]?[0-9]{1,6})?", fullmatch=True),
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,10})?)?)?"
        r"(Z|[+-][0-9]{2}:?[0-9]{2})?",
        fullmatch=True,
    ),
    st.sampled_from(
        [
            "2020-05-06",
            "02139",
            "02139-1234",
            "2139.0",
            "nan",
            "inf",
            "-Infinity",
            "0x10",
            "1_000",
            "٣",
            "smith",
            "true",
            " 5 ",
        ]
    ),
)
ARRAYS = {
    "float": (st.floats() | st.none(), pa.float64()),
    "float32": (st.floats(width=32) | st.none(), pa.float32()),
    "int64": (st.integers(-(2**63), 2**63 - 1) | st.none(), pa.int64()),
    "uint64": (st.integers(0, 2**64 - 1) | st.none(), pa.uint64()),
    "bool": (st.booleans() | st.none(), pa.bool_()),
    "text": (texts, pa.string()),
    "large": (texts, pa.large_string()),
    "bytes": (st.binary(max_size=20) | st.none(), pa.binary()),
    "decimal": (
        st.decimals(-(10**30), 10**30, places=3, allow_nan=False) | st.none(),
        pa.decimal128(38, 3),
    ),
    "huge decimal": (
        st.decimals(-(10**60), 10**60, places=3, allow_nan=False) | st.none(),
        pa.decimal256(76, 3),
    ),
    "half": (st.floats(width=16).map(np.float16) | st.none(), pa.float16()),
    "date": (st.dates() | st.none(), pa.date32()),
    "date64": (st.dates() | st.none(), pa.date64()),
    **{
        f"moment {unit} {zone}": (st.integers(-(2**63), 2**63 - 1), pa.timestamp(unit, tz=zone))
        for unit, zone in (("s", None), ("ms", "UTC"), ("us", "Asia/Kolkata"), ("ns", None))
    },
    "time": (st.times() | st.none(), pa.time64("us")),
    "span": (st.integers(-(2**63), 2**63 - 1) | st.none(), pa.duration("us")),
    "list": (st.lists(st.integers(0, 9)) | st.none(), pa.list_(pa.int64())),
    "record": (st.just({"a": 1}) | st.none(), pa.struct([("a", pa.int64())])),
    "fixed": (st.just(b"02139") | st.none(), pa.binary(5)),
    "nothing": (st.none(), pa.null()),
}


@pytest.mark.parametrize("kind", ARRAYS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_value_has_a_cell(kind: str, data: st.DataObject) -> None:
    values, type_ = ARRAYS[kind]
    made = data.draw(st.lists(values, max_size=6))
    array = pa.array(made, type_)
    sliced = pa.concat_arrays([array, array])[len(made) :]
    for column in COLUMNS:
        cells = encode(array, column)
        assert cells.dtype == np.uint16
        assert cells.shape == (len(made),)
        assert (cells < column.size).all()
        # Alone or among others, a value has the same cell; so has it inside a dictionary.
        for one, cell in zip(made, cells, strict=True):
            assert encode(pa.array([one], type_), column)[0] == cell
        np.testing.assert_array_equal(encode(sliced, column), cells)
        if kind in ("int64", "text", "large", "bytes", "date"):
            np.testing.assert_array_equal(encode(array.dictionary_encode(), column), cells)
