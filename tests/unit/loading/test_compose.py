"""Documents composed of others: read like any other, and every place is where a person wrote it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpgate.errors import DocumentError, Problem
from dpgate.loading.compose import Change, Composed, Written, compose
from dpgate.loading.documents import load
from dpgate.loading.yaml import Value, parse
from dpgate.model.release import Release

DOCUMENTS = Path(__file__).parents[2] / "assets" / "documents"
BASE = load("release.yaml", (DOCUMENTS / "release.yaml").read_bytes())
WHOLE = Written(BASE.file, BASE.parsed, (), BASE)


def changes(text: str) -> list[Change]:
    """Changes as a test writes them, in a file of their own."""
    parsed = parse("changes.yaml", text.encode())
    return [
        Change(tuple(k.split(".")), Written("changes.yaml", parsed, (k,))) for k in parsed.value
    ]


def made(text: str) -> Composed:
    return compose("releases/a/b/release.yaml", WHOLE, changes(text))


def release(text: str) -> Release:
    document = made(text).loaded.document
    assert isinstance(document, Release)
    return document


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(DocumentError) as caught:
        made(text)
    return caught.value.problems


def test_without_changes_it_is_the_document_itself() -> None:
    whole = compose(BASE.file, WHOLE)
    assert whole.loaded is BASE
    assert whole.origin(("spec", "purpose"))[:2] == ("release.yaml", BASE.at("spec", "purpose"))


def test_values_are_replaced_added_and_removed() -> None:
    spec = release(
        "spec.privacy.epsilon: 0.25\nspec.columns.1: coinsurance\nspec.terms: null\n"
        "spec.utility.0: null\nspec.privacy.evidence_share: null\nspec.workload.order: 2\n"
    ).spec
    assert spec.privacy.epsilon == Decimal("0.25")
    assert spec.columns == ("visits", "coinsurance", "health", "income")
    assert spec.terms == ()
    assert spec.utility == ()
    assert spec.workload is not None
    assert spec.purpose == "vendor-testing"


def test_a_later_change_wins_over_an_earlier_one_within_it() -> None:
    whole = made(
        "spec.privacy.epsilon: 0.5\nspec.privacy: {epsilon: 2, delta: 1e-9, evidence_share: 0.1}\n"
    )
    assert isinstance(whole.loaded.document, Release)
    assert whole.loaded.document.spec.privacy.epsilon == 2
    assert whole.origin(("spec", "privacy", "epsilon"))[:2] == ("changes.yaml", (2, 25))


def test_places_are_those_where_people_wrote() -> None:
    whole = made("spec.privacy.epsilon: 0.25\nspec.recipients: [x, y]\n")
    line, column = whole.loaded.at("spec", "privacy", "epsilon")
    assert whole.path_at(line, column) == ("spec", "privacy", "epsilon")
    assert whole.origin(("spec", "privacy", "epsilon"))[:2] == ("changes.yaml", (1, 23))
    assert whole.origin(("spec", "recipients", 1)) == ("changes.yaml", (2, 22), (2, 23))
    assert whole.origin(("spec", "purpose"))[:2] == ("release.yaml", BASE.at("spec", "purpose"))
    assert whole.path_at(1_000, 1) is None


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (
            "spec.privacy.epsilon: -1",
            "changes.yaml:1:23",
            "spec.privacy.epsilon: expected a number",
        ),
        ("spec.privacy.espilon: 1", "changes.yaml:1:23", "unknown key 'espilon'"),
        ("spec.purpose: null", "release.yaml:5:3", "spec: key 'purpose' is missing"),
        ("spec.columns.9: x", "changes.yaml:1:17", "spec.columns is a list of 4: it has no 9"),
        ("spec.purpose.x: 1", "changes.yaml:1:17", "spec.purpose is a value: it has no x"),
        ("spec.terms.0.x: 1", "changes.yaml:1:17", "spec.terms.0 is a value: it has no x"),
    ],
)
def test_errors_are_at_what_a_person_wrote(text: str, place: str, message: str) -> None:
    (problem,) = problems(text)
    assert problem.place == place
    assert problem.message.startswith(message)


def test_a_decimal_stays_one_and_a_whole_number_stays_whole() -> None:
    (problem,) = problems("spec.synthesize.rows: 2e3")
    assert problem.message.startswith("spec.synthesize.rows: expected a whole number")
    assert release("spec.privacy.delta: 1e-12").spec.privacy.delta == Decimal("1e-12")


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.decimals(-(10**6), 10**6, allow_nan=False, places=6)
    | st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Cn"]),
        max_size=12,
    )
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text("abc: {}[]'\"#,-", max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(value=VALUES)
def test_any_value_is_read_again_as_it_was(value: Value) -> None:
    from dpgate.loading.compose import _written

    again = parse("x.yaml", f"value: {_written(value)}\n".encode()).value["value"]
    assert again == value
    assert type(again) is type(value)
