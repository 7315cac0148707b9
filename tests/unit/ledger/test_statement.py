"""Statements: one canonical form, known predicates only."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dpgate.errors import ChainError
from dpgate.ledger.chain import subjects
from dpgate.ledger.statement import Statement, parse, statement
from dpgate.loading.canonical import canonical
from dpgate.model.record import Withdraw
from tests.unit.ledger.records import document, genesis, place, reserve

LIMIT = 1 << 20


def payload() -> bytes:
    entry = genesis()
    return statement(entry, subjects(entry)).payload()


def altered(change: Callable[[dict[str, Any]], object]) -> bytes:
    body = json.loads(payload())
    change(body)
    return canonical(body)


def test_a_reservation_without_waivers_has_one_form_which_does_not_name_them() -> None:
    made = reserve(())
    body = statement(made, subjects(made)).body()
    assert "waivers" not in body["predicate"]  # type: ignore[operator]
    body["predicate"]["waivers"] = []  # type: ignore[index]
    with pytest.raises(ChainError, match="not the canonical form"):
        parse(canonical(body), max_bytes=LIMIT)
    waived = reserve((), waivers=(document("policies/waivers/x.yaml"),))
    again = parse(statement(waived, subjects(waived)).payload(), max_bytes=LIMIT)
    assert again.predicate == waived


def test_a_statement_is_an_in_toto_statement_of_version_1() -> None:
    body = json.loads(payload())
    assert body["_type"] == "https://in-toto.io/Statement/v1"
    assert body["predicateType"] == "https://dpgate.dev/ledger/genesis/v1"
    (subject,) = body["subject"]
    assert subject["name"] == "policies/organization.yaml"
    assert set(subject["digest"]) == {"sha256"}
    assert len(subject["digest"]["sha256"]) == 64


def test_what_is_written_is_read_again() -> None:
    read = parse(payload(), max_bytes=LIMIT)
    assert read.predicate == genesis()
    assert read.payload() == payload()


def test_subjects_stand_in_order_of_their_names() -> None:
    made = statement(genesis(), {"b": "sha256:1", "a": "sha256:2"})
    assert made == Statement((("a", "sha256:2"), ("b", "sha256:1")), genesis())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b.update(predicateType="https://example.org/x"), "unknown predicateType"),
        (lambda b: b.update(predicateType=1), "unknown predicateType '1'"),
        (lambda b: b.update(more=1), "expected _type"),
        (lambda b: b.pop("subject"), "expected _type"),
        (lambda b: b.update(_type="https://in-toto.io/Statement/v0.1"), "not the canonical form"),
        (lambda b: b.update(subject=1), "malformed subject"),
        (lambda b: b.update(subject=["x"]), "malformed subject"),
        (lambda b: b["subject"][0].pop("digest"), "malformed subject"),
        (lambda b: b["subject"][0]["digest"].update(sha256=1), "malformed subject"),
        (lambda b: b["subject"][0]["digest"].update(md5="0"), "not the canonical form"),
        (lambda b: b["predicate"].update(more=1), "malformed predicate: more"),
        (lambda b: b["predicate"].update(sequence="1"), "malformed predicate: sequence"),
        (lambda b: b["predicate"].update(sequence=0), "malformed predicate: sequence"),
        (lambda b: b["predicate"].update(time="2026-11-22T10:30:00Z"), "malformed predicate: time"),
        (lambda b: b["predicate"].update(time="2026-13-41T10:00:00Z"), "malformed predicate: time"),
        (
            lambda b: b["predicate"].update(time="２０２６-11-22T10:00:00Z"),
            "malformed predicate: time",
        ),
        (lambda b: b["predicate"].update(documents=[]), "malformed predicate: documents"),
        (lambda b: b.update(predicate=[]), "malformed predicate"),
    ],
)
def test_malformed_statements_are_refused(
    change: Callable[[dict[str, Any]], object], message: str
) -> None:
    with pytest.raises(ChainError, match=message):
        parse(altered(change), max_bytes=LIMIT)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b"{}"])
def test_what_is_no_statement_is_refused(data: bytes) -> None:
    with pytest.raises(ChainError, match="not a statement"):
        parse(data, max_bytes=LIMIT)


def test_only_the_canonical_bytes_are_accepted() -> None:
    for other in (payload() + b"\n", json.dumps(json.loads(payload())).encode()):
        with pytest.raises(ChainError, match="not the canonical form"):
            parse(other, max_bytes=LIMIT)


def test_an_oversize_payload_is_refused() -> None:
    with pytest.raises(ChainError, match="longer than 10 bytes"):
        parse(payload(), max_bytes=10)


def test_a_reason_that_a_terminal_would_obey_is_no_reason() -> None:
    fields = {**place((), 1), "sequence": 2, "release": "a/b", "reserve": "sha256:" + "0" * 64}
    assert Withdraw(**fields, reason="a leak").reason == "a leak"
    for reason in ("red \x1b[31m", "two\nlines", "\u202egnp.exe", ""):
        with pytest.raises(ValueError, match="reason"):
            Withdraw(**fields, reason=reason)
