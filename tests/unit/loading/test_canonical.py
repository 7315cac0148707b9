"""Canonical JSON and the strict reader of JSON."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from dpgate.loading.canonical import MAX_INTEGER, NotCanonical, canonical, parse_json, sha256


def test_keys_are_sorted_and_nothing_is_padded() -> None:
    value = {"b": [1, None, True], "a": {"é": "\n", "A": ()}}
    assert canonical(value) == '{"a":{"A":[],"é":"\\n"},"b":[1,null,true]}'.encode()


def test_round_trip() -> None:
    value = {"a": ["x", -MAX_INTEGER, False, None, {"": ""}]}
    assert parse_json(canonical(value)) == value


def test_digests() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256(b"") == f"sha256:{empty}"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.0, "float has no canonical form"),
        ({"a": [0.5]}, "float has no canonical form"),
        (float("nan"), "float"),
        (Decimal(1), "Decimal"),
        (b"x", "bytes"),
        (MAX_INTEGER + 1, "beyond 2.53"),
        (-MAX_INTEGER - 1, "beyond 2.53"),
        ({1: 2}, "key must be text, not int"),
        ("\ud800", "surrogate"),
        ({"\ud800": 1}, "surrogate"),
    ],
)
def test_what_has_no_canonical_form(value: object, message: str) -> None:
    with pytest.raises(NotCanonical, match=message):
        canonical(value)


def test_depth_is_limited_without_recursion() -> None:
    value: object = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(NotCanonical, match="nested deeper"):
        canonical(value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": 1, "a": 1}', "gives a key twice"),
        (b'[{"a": {"b": 1, "b": 2}}]', "gives a key twice"),
        (b"1.0", "decimals are kept as text"),
        (b"1e3", "decimals are kept as text"),
        (b"[NaN]", "NaN is not a whole number"),
        (b"-Infinity", "not a whole number"),
        (b"9007199254740992", "beyond 2.53"),
        (b"9" * 10**6, "an integer of 1000000 characters"),
        (b'"\\ud800"', "surrogate"),
        (b"\xff", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"{} {}", "not JSON: Extra data"),
        (b"", "not JSON"),
        (b"[1,]", "not JSON"),
        (b"[" * 500_000, "nested deeper"),
        (b"[" * 60 + b"]" * 60, "nested deeper than 40"),
        (b'{"a":' * 100_000, "nested deeper"),
        (b" " * (1 << 20) + b"1", "longer than 1048576 bytes"),
    ],
)
def test_hostile_json_is_refused_fast(data: bytes, message: str) -> None:
    started = time.process_time()
    with pytest.raises(NotCanonical, match=message):
        parse_json(data)
    assert time.process_time() - started < 2


def test_limits_can_be_given() -> None:
    assert parse_json(b"[[1]]", max_depth=2) == [[1]]
    with pytest.raises(NotCanonical, match="deeper than 1"):
        parse_json(b"[[1]]", max_depth=1)
    with pytest.raises(NotCanonical, match="longer than 4"):
        parse_json(b"[[1]]", max_bytes=4)
