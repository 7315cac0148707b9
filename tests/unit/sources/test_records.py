"""Splitting CSV bytes: whole records whatever the blocks, in bounded memory."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpgate.sources.records import blocks


def split(data: bytes, size: int) -> list[bytes]:
    found: list[bytes] = []
    for plain, odd in blocks(BytesIO(data), size=size):
        found += plain.split(b"\n")[:-1]
        found += odd
    return sorted(found)


@pytest.mark.parametrize("size", [8, 9, 16, 1000])
def test_block_size_does_not_matter(size: int) -> None:
    data = b'1,2\r\n"a\nb",\n3,""\n4,5'
    assert split(data, size) == sorted([b"1,2", b'"a\nb",', b'3,""', b"4,5"])


@pytest.mark.parametrize("before", range(30))
def test_a_record_is_dropped_by_its_length_alone(before: int) -> None:
    """Rows before it move where blocks end; they must not decide whether it counts."""
    data = b"1\n" * before
    assert split(data + b"y" * 15 + b"\n2\n", 16) == sorted([b"1"] * before + [b"y" * 15, b"2"])
    assert split(data + b"y" * 16 + b"\n2\n", 16) == sorted([b"1"] * before + [b"2"])
    assert split(data + b"y" * 15, 16) == sorted([b"1"] * before + [b"y" * 15])
    assert split(data + b"y" * 16, 16) == sorted([b"1"] * before)
    inside = b'"' + b"\n9,9" * 20 + b'",1\n2\n'
    assert split(data + inside, 16) == sorted([b"1"] * before + [b"2"])


@given(
    st.lists(st.lists(st.text(max_size=6), min_size=2, max_size=3), max_size=12),
    st.integers(min_value=200, max_value=300),
)
def test_what_a_writer_wrote_comes_back(rows: list[list[str]], size: int) -> None:
    text = StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    data = text.getvalue().encode("utf-8", errors="surrogatepass")
    assert len(split(data, size)) == len(rows)


@given(st.binary(max_size=400), st.integers(min_value=1, max_value=50))
def test_any_bytes_are_split(data: bytes, size: int) -> None:
    assert all(len(record) < size for record in split(data, size))
