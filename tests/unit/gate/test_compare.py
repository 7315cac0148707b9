"""Comparisons: numbers side by side, marks where they mean something, and files that are no report."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate import compare
from dpgate.errors import UsageError
from dpgate.evidence.page.write import as_json
from dpgate.evidence.report import EvidenceReport
from dpgate.gate import compare_read
from dpgate.gate.compare_results import CompareResult
from tests.unit.evidence.page import reports


def written(folder: Path, *held: EvidenceReport) -> list[Path]:
    paths = [folder / f"{place}.json" for place in range(len(held))]
    for path, report in zip(paths, held, strict=True):
        path.write_bytes(as_json(report))
    return paths


def compared(folder: Path, *held: EvidenceReport) -> CompareResult:
    return compare(written(folder, *held))


def marks(result: CompareResult, title: str) -> list[str]:
    row = next(row for row in result.rows if row.title == title)
    return ["best" if c and c.best else "close" if c and c.close else "" for c in row.cells]


def test_the_best_of_each_row_is_marked_and_what_its_interval_meets(tmp_path: Path) -> None:
    result = compared(tmp_path, *map(reports.beside, range(3)))
    assert result.comparable
    assert (result.apart, result.differences) == ((), ())
    assert marks(result, "marginal tvd of order 1") == ["best", "", ""]
    assert marks(result, "worst marginal tvd of order 2") == ["best", "close", ""]
    assert marks(result, "detectability") == ["", "", ""]
    assert marks(result, "AUC of a model of hlthg") == ["", "", ""]  # all the same
    assert marks(result, "unique rows") == ["", "", ""]
    assert [row.kind for row in result.rows] == sorted(
        (row.kind for row in result.rows), key=["utility", "attack", "output", "schema"].index
    )


def test_higher_is_better_where_it_is(tmp_path: Path) -> None:
    low = reports.shown("auc", 0.7, 0.01, better="high")
    high = reports.shown("auc", 0.8, 0.01, better="high")
    held = [reports.rehearsal().model_copy(update={"results": (each,)}) for each in (low, high)]
    assert marks(compared(tmp_path, *held), "auc") == ["", "best"]
    turned = high.model_copy(update={"better": "low"})
    held[1] = held[1].model_copy(update={"results": (turned,)})
    assert marks(compared(tmp_path, *held), "auc") == ["", ""]


def test_facts_of_each_report(tmp_path: Path) -> None:
    result = compared(tmp_path, reports.release(unprotected_bits=2), reports.release())
    one, other = result.reports
    assert (one.letter, other.letter) == ("A", "B")
    assert (one.epsilon, one.person_epsilon, one.unprotected_bits) == (
        Decimal(1),
        Decimal("4.74"),
        2,
    )
    assert (one.rows, one.columns, one.synthesizer) == (20_000, 10, "aim")
    assert (one.judged, one.met, one.sealed) == (11, 10, 1)
    assert result.differences == ("unprotected bits, which no ε covers: 2 (A), 0 (B)",)


def other(**fields: Any) -> EvidenceReport:
    report = reports.rehearsal()
    return report.model_copy(update={"made": report.made.model_copy(update=fields)})


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (other(name="other/2026q4"), "different datasets"),
        (other(columns=9), "different columns"),
        (reports.rehearsal().model_copy(update={"bars": reports.bars()[1:], "heat": None}),
         "different columns"),
        (other(stand_in="mock rows, seed 8"), "different stand-ins"),
        (reports.release(), "releases stand beside rehearsals"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_said_and_nothing_is_marked(
    tmp_path: Path, second: EvidenceReport, why: str
) -> None:
    worse = reports.beside(1).results
    result = compared(tmp_path, reports.rehearsal(), second.model_copy(update={"results": worse}))
    assert not result.comparable
    assert any(why in each for each in result.apart)
    assert not [c for row in result.rows for c in row.cells if c and (c.best or c.close)]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"delta": Decimal("1e-7")}, "δ: 1e-9 (A), 1e-7 (B)"),
        ({"relation": "replace-one"}, "neighboring relation: add-remove (A), replace-one (B)"),
        ({"unit": "person"}, "unit: person-year (A), person (B)"),
        ({"rows_per_person": 3}, "rows per person: 5 (A), 3 (B)"),
        ({"person_delta": None}, "δ of a person's ε: 1e-6 (A), none (B)"),
    ],
)
def test_what_keeps_epsilons_apart_is_said_and_values_are_marked_all_the_same(
    tmp_path: Path, fields: dict[str, Any], told: str
) -> None:
    result = compared(tmp_path, reports.beside(0), reports.beside(1, **fields))
    assert result.comparable
    assert result.differences == (told,)
    assert marks(result, "marginal tvd of order 1") == ["best", ""]


def test_a_result_that_one_lacks_and_one_that_comes_twice(tmp_path: Path) -> None:
    report = reports.rehearsal()
    twice = report.model_copy(update={"results": (report.results[0],) * 2})
    none = report.model_copy(update={"results": ()})
    result = compared(tmp_path, twice, none)
    assert [(row.title, row.cells[1]) for row in result.rows] == [
        (report.results[0].title, None)
    ] * 2
    assert marks(result, report.results[0].title) == ["", ""]


def test_a_folder_is_its_evidence(tmp_path: Path) -> None:
    (tmp_path / "evidence.json").write_bytes(as_json(reports.release()))
    result = compare([tmp_path, str(tmp_path / "evidence.json")])
    assert {report.name for report in result.reports} == {"rand-health/2026q4-vendor-testing"}


def deep() -> bytes:
    return b'{"schema": "dpgate.evidence/v1", "notes": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def changed(**fields: Any) -> bytes:
    return json.dumps({**json.loads(as_json(reports.release())), **fields}).encode()


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (b"", "not JSON"),
        (b"hello", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"{", "not JSON"),
        (deep(), "not JSON"),
        (b"[]", "JSON, but no report of evidence"),
        (b"null", "JSON, but no report of evidence"),
        (b"{}", "no report of evidence (3 faults, the first at made)"),
        (changed(schema="dpgate.plan/v1"), "another schema than dpgate.evidence/v1"),
        (changed(more=1), "no report of evidence (1 fault, the first at more)"),
        (changed(**{"\x1b[31m\u202e": 1}), "the first at \ufffd[31m\ufffd)"),
        (changed(made={**json.loads(as_json(reports.release()))["made"], "epsilon": 1.5}), "made.epsilon"),
        (changed(made={**json.loads(as_json(reports.release()))["made"], "rows": 10**400}), "made.rows"),
    ],
)  # fmt: skip
def test_what_is_no_report_is_told_so(tmp_path: Path, held: bytes, told: str) -> None:
    (tmp_path / "x.json").write_bytes(held)
    with pytest.raises(UsageError) as refused:
        compare([tmp_path / "x.json"] * 2)
    assert told in refused.value.message
    assert refused.value.message.isprintable()
    assert refused.value.exit_code == 2
    assert "evidence.json" in refused.value.fix


def test_a_large_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "x.json").open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(UsageError, match="larger than any report"):
        compare([tmp_path / "x.json"] * 2)


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place, told in ((tmp_path / "pipe", "no file"), (tmp_path / "none", "no such file"),
                        (Path("/dev/zero"), "no file"), (tmp_path, "no such file"),
                        (Path("a\0b"), "cannot be opened"), (tmp_path / ("x" * 300), "too long"),
                        (tmp_path / "\x1b[31m", "\ufffd[31m: no such file")):  # fmt: skip
        with pytest.raises(UsageError, match=r".*") as refused:
            compare([place, place])
        assert told in refused.value.message
        assert refused.value.message.isprintable()


@pytest.mark.parametrize("count", [0, 1, 27])
def test_too_few_and_too_many(tmp_path: Path, count: int) -> None:
    with pytest.raises(UsageError, match=f"{count} report") as refused:
        compare([tmp_path] * count)
    assert refused.value.fix == "give 2 to 26"


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200) | st.recursive(
    st.none() | st.text(max_size=9) | st.integers() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["schema", "made", "results", "bars", "x"]), inner, max_size=4),
    max_leaves=12,
).map(lambda body: json.dumps(body).encode()))  # fmt: skip
def test_no_bytes_make_another_error(tmp_path_factory: pytest.TempPathFactory, held: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "x.json"
    path.write_bytes(held)
    with pytest.raises(UsageError) as refused:
        compare_read.read(path)
    assert refused.value.message.isprintable()
