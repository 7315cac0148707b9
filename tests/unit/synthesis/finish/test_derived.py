"""Derived columns, beside the same computed in plain Python."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from dpgate.errors import DocumentError
from dpgate.loading.documents import load
from dpgate.model.constraints import bounds
from dpgate.model.dataset import Dataset
from dpgate.model.derive import Derived
from dpgate.synthesis.finish.derived import derive, look_up
from tests.suites import stays

FORMS: TypeAdapter[Any] = TypeAdapter(Derived)
NAIVE = (dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1))  # noqa: DTZ001 - wall-clock time


def derived(form: dict[str, Any], **columns: pa.Array) -> list[Any]:
    made = derive(FORMS.validate_python(form), columns)
    made.validate(full=True)
    return list(made.to_pylist())


@settings(deadline=None)
@given(st.lists(st.integers(-50, 150) | st.none()))
def test_cuts_of_numbers(values: list[int | None]) -> None:
    form = {"type": "cut", "of": "a", "at": (18, Decimal("64.5")), "labels": ("x", "y", "z")}
    expected = [None if v is None else "x" if v < 18 else "y" if v < 64.5 else "z" for v in values]
    assert derived(form, a=pa.array(values, pa.int64())) == expected
    assert derived(form, a=pa.array(values, pa.float64())) == expected
    assert derived(form, a=pa.array(values, pa.decimal128(18, 2))) == expected


@settings(deadline=None)
@given(st.lists(st.datetimes(*NAIVE) | st.none()))
def test_cuts_of_dates(values: list[dt.datetime | None]) -> None:
    form = {"type": "cut", "of": "a", "at": ("2020-03-01",), "labels": ("x", "y")}
    expected = [None if v is None else "x" if v < dt.datetime(2020, 3, 1) else "y" for v in values]  # noqa: DTZ001
    assert derived(form, a=pa.array(values, pa.timestamp("us"))) == expected
    days = pa.array([None if v is None else v.date() for v in values], pa.date32())
    assert derived(form, a=days) == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.datetimes(*NAIVE) | st.none(), st.datetimes(*NAIVE))))
@pytest.mark.parametrize("unit", ["days", "hours", "minutes", "seconds"])
def test_differences_of_moments_are_cut_down(
    unit: str, pairs: list[tuple[dt.datetime | None, dt.datetime]]
) -> None:
    form = {"type": "difference", "of": ("a", "b"), "in": unit}
    step = dt.timedelta(**{unit: 1})
    expected = [None if a is None else (a - b) // step for a, b in pairs]
    left, right = (pa.array([pair[i] for pair in pairs], pa.timestamp("us")) for i in (0, 1))
    assert derived(form, a=left, b=right) == expected


def test_a_date_is_the_beginning_of_its_day() -> None:
    form = {"type": "difference", "of": ("a", "b"), "in": "hours"}
    left = pa.array([dt.datetime(2020, 1, 2, 6)], pa.timestamp("s"))  # noqa: DTZ001
    assert derived(form, a=left, b=pa.array([dt.date(2020, 1, 1)])) == [30]


def test_numbers_are_subtracted_and_added_in_their_own_kind() -> None:
    exact = pa.array([Decimal("0.10"), None], pa.decimal128(18, 2))
    whole = pa.array([3, 4], pa.int64())
    assert derived({"type": "sum", "of": ("a", "a", "a")}, a=exact) == [Decimal("0.30"), None]
    assert derived({"type": "sum", "of": ("a", "b")}, a=whole, b=whole) == [6, 8]
    assert derived({"type": "difference", "of": ("b", "a")}, a=exact, b=whole) == [
        Decimal("2.90"),
        None,
    ]
    halves = pa.array([0.5, None])
    assert derived({"type": "sum", "of": ("a", "b")}, a=whole, b=halves) == [3.5, None]


@settings(deadline=None)
@given(st.datetimes(*NAIVE))
def test_parts(moment: dt.datetime) -> None:
    parts = {
        "year": moment.year, "quarter": (moment.month + 2) // 3, "month": moment.month,
        "day": moment.day, "weekday": moment.isoweekday(), "hour": moment.hour,
    }  # fmt: skip
    for part, expected in parts.items():
        form = {"type": "part", "of": "a", "part": part}
        assert derived(form, a=pa.array([moment, None], pa.timestamp("us"))) == [expected, None]
        if part != "hour":
            assert derived(form, a=pa.array([moment.date()])) == [expected]


def test_prefixes_and_tables() -> None:
    cities = pa.array(["Lyon", None, "Turin", "Bern"])
    assert derived({"type": "prefix", "of": "a", "characters": 2}, a=cities) == [
        "Ly", None, "Tu", "Be",
    ]  # fmt: skip
    table = {"type": "lookup", "of": "a", "table": {"Lyon": "FR", "Turin": "IT"}, "otherwise": "?",
             "source": {"public_codebook": "map"}}  # fmt: skip
    assert derived(table, a=cities) == ["FR", None, "IT", "?"]
    flags = pa.array([True, None, False])
    assert look_up({"true": "1", "false": "0"}, flags, pa.int64()).to_pylist() == [1, None, 0]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"type": "cut", "of": "a", "at": (2, 2), "labels": ("x", "y", "z")}, "increasing"),
        ({"type": "cut", "of": "a", "at": (2,), "labels": ("x", "y", "z")}, "2 ranges to label"),
        ({"type": "sum", "of": ("a",)}, "at least 2 items"),
        ({"type": "difference", "of": ("a", "b", "c")}, "at most 2 items"),
        ({"type": "part", "of": "a", "part": "century"}, "'year', 'quarter'"),
    ],
)
def test_forms_that_say_nothing_are_refused(form: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        FORMS.validate_python(form)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    days:", "    cost:", "cost is a column already"),
        ("    - discharged >= admitted\n",
         "    - discharged >= admitted\n    - admitted >= discharged\n", "a cycle: "),
        ("    - discharged >= admitted\n", "    - admitted <= admitted\n", "compared with itself"),
        ("column: died_on, when: {died: false}", "column: died_on, when: {died: maybe}",
         "'maybe' is not a listed value of died"),
        ("column: died_on, when: {died: false}", "column: zip, when: {zip: x}",
         "zip cannot decide whether it is missing itself"),
        ("    - {type: follows,",
         ("    - {type: follows, column: ward, of: building, table: {main: surgery, annex: surgery, "
          "gate: surgery}, source: {public_codebook: x}}\n    - {type: follows,"), "a cycle: "),
        ("    - {type: follows, column: building",
         ("    - {type: follows, column: building, of: died, table: {'true': gate, 'false': main}, "
          "source: {public_codebook: x}}\n    - {type: follows, column: building"),
         "building follows two tables"),
        ("column: died_on, when: {died: false}", "column: building, when: {died: false}",
         "building cannot be missing"),
        ("discharged >= admitted", "discharged >= ward", "are not both numbers, dates or"),
        ("discharged >= admitted", "cost >= readmitted", "cost (decimal with 2 decimals)"),
        ("year: {type: part, of: admitted", "year: {type: part, of: cost", "neither date nor"),
        ("of: [discharged, admitted], in: days", "of: [cost, readmitted], in: days", "has no unit"),
        ("of: [discharged, admitted], in: days", "of: [cost, admitted]", "is of two numbers, or"),
        ("days: {type: difference, of: [discharged, admitted], in: days}",
         "days: {type: sum, of: [cost, ward]}", "only numbers can be added up"),
        ("days: {type: difference, of: [discharged, admitted], in: days}",
         "days: {type: lookup, of: cost, table: {a: b}, source: {public_codebook: x}}",
         "tables are about listed values"),
        ("days: {type: difference, of: [discharged, admitted], in: days}",
         "days: {type: lookup, of: died, table: {maybe: b}, source: {public_codebook: x}}",
         "'maybe', which is not in the domain of died"),
        ("cardiology: main", "cardiology: cellar", "'cellar', which is not listed"),
        ("chapter: {type: prefix, of: diagnosis", "chapter: {type: prefix, of: cost", "is no text"),
    ],
)  # fmt: skip
def test_what_cannot_hold_is_refused_with_its_place(old: str, new: str, message: str) -> None:
    text = stays.document()
    assert old in text
    with pytest.raises(DocumentError) as caught:
        load("dataset.yaml", text.replace(old, new, 1).encode())
    (problem,) = caught.value.problems
    assert message in problem.message
    assert problem.line > 30


def test_a_column_is_determined_or_made_missing_but_not_both() -> None:
    text = stays.document().replace(
        "domain: [main, annex, gate]", "nullable: true, domain: [main, annex, gate]"
    )
    load("dataset.yaml", text.encode())
    both = text.replace("column: died_on, when", "column: building, when")
    with pytest.raises(DocumentError) as caught:
        load("dataset.yaml", both.encode())
    assert "building follows a table and cannot" in caught.value.problems[0].message


def test_a_wrong_column_is_told_once_and_not_by_all_that_name_it() -> None:
    wrong = stays.document().replace("precision: minute", "precision: fortnight", 1)
    with pytest.raises(DocumentError) as caught:
        load("dataset.yaml", wrong.encode())
    (problem,) = caught.value.problems
    assert "spec.columns.admitted.domain.precision" in problem.message


def test_sources_are_those_of_domains_and_tables_that_a_release_uses() -> None:
    text = stays.document().replace(
        "  constraints:",
        "    floor: {type: lookup, of: ward, table: {surgery: low}, otherwise: high,"
        " source: {public_codebook: x}}\n"
        "    total: {type: sum, of: [cost, readmitted]}\n"
        "    rest: {type: difference, of: [cost, readmitted]}\n  constraints:",
    )
    made = load("dataset.yaml", text.encode()).document
    assert isinstance(made, Dataset)
    said = [what for what, _, _ in made.spec.sources(("ward", "building", "floor", "notes"))]
    assert said == [
        "domain of ward", "domain of building", "table of floor",
        "table of building follows ward",
    ]  # fmt: skip
    assert "table of floor" not in [what for what, _, _ in made.spec.sources(("ward", "died"))]


def test_bounds_that_hold_two_by_two_but_not_together_are_refused() -> None:
    orders = [("b", "a"), ("c", "b")]
    assert bounds(orders, {"a": (1, 9), "b": (0, 5), "c": (0, 7)}) == {
        "a": (1, 5), "b": (1, 5), "c": (1, 7),
    }  # fmt: skip
    with pytest.raises(ValueError, match="no value is left for"):
        bounds(orders, {"a": (4, 9), "b": (0, 5), "c": (0, 3)})
    assert isinstance(stays.dataset(), Dataset)
