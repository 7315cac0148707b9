"""Splitting CSV bytes: whole records whatever the blocks, in bounded memory."""

from __future__ import annotations

import csv
import re
from io import BytesIO, StringIO
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpgate.sources.records import blocks


def split(data: bytes, size: int) -> list[bytes]:
    found: list[bytes] = []
    for records in blocks(BytesIO(data), size=size):
        cuts = [0, *(m.end() for m in re.finditer(rb'\n(?=(?:[^"]*"[^"]*")*[^"]*\Z)', records))]
        found += [records[a:b].removesuffix(b"\n").removesuffix(b"\r") for a, b in pairwise(cuts)]
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
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    data = text.getvalue().encode("utf-8", errors="surrogatepass")
    assert len(split(data, size)) == len(rows)


@given(st.binary(max_size=400), st.integers(min_value=1, max_value=50))
def test_any_bytes_are_split(data: bytes, size: int) -> None:
    assert all(len(record) < size for record in split(data, size))


WELL = rb'(?:"(?:[^"]|"")*"|[^",\r\n]*)(?:,(?:"(?:[^"]|"")*"|[^",\r\n]*))*\r?'


@given(st.lists(st.text(alphabet='",\r\na', max_size=8).map(str.encode), max_size=6))
def test_records_that_come_back_are_well_formed(lines: list[bytes]) -> None:
    data = b"\n".join(lines) + b"\n"
    found = split(data, 1000)
    assert all(re.fullmatch(WELL, record) for record in found)
    # Records that a strict reader takes one by one are all there.
    if data.count(b'"') == 0:
        strict = [line for line in data.split(b"\n")[:-1] if re.fullmatch(WELL, line)]
        assert found == sorted(line.removesuffix(b"\r") for line in strict)
