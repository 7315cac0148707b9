"""`mock`: files that a source can be, from the document alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from dpgate.errors import UndecidedError, UsageError
from dpgate.gate import mock as verb
from dpgate.loading.documents import load
from dpgate.model.dataset import Dataset
from dpgate.sources.open import describe, open_source
from tests.suites import members
from tests.team import Team

NAME = "clinic-visits"


def dataset(team: Team) -> Dataset:
    path = team.clone / f"releases/{NAME}/dataset.yaml"
    document = load("dataset.yaml", path.read_bytes()).document
    assert isinstance(document, Dataset)
    return document


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_the_file_is_a_source_of_the_dataset(fresh_team: Team, kind: str) -> None:
    out = fresh_team.folder / f"visits.{kind}"
    result = fresh_team.api.mock(NAME, out, rows=700)
    assert result.title == f"700 rows of {NAME}, invented, in {out}"
    assert "resemble nobody" in result.lines[0]
    described = dataset(fresh_team)
    source = open_source(str(out), described, tuple(described.spec.columns))
    assert source.count([(0,)])[0].sum() == 700
    assert not list(fresh_team.folder.glob(".*part"))


def test_the_same_rows_each_time_in_either_format(fresh_team: Team) -> None:
    first, again, text, other = (
        fresh_team.folder / n for n in ("a.parquet", "b.parquet", "c.csv", "d.csv")
    )
    for out, seed in ((first, None), (again, None), (text, None), (other, 7)):
        fresh_team.api.mock(NAME, out, rows=50, seed=seed)
    assert first.read_bytes() == again.read_bytes()
    rows = pq.read_table(first).to_pylist()
    assert [str(row["length_minutes"]) for row in rows] == [
        str(row["length_minutes"]) for row in pc.read_csv(text).to_pylist()
    ]
    assert text.read_bytes() != other.read_bytes()
    assert b"resemble nobody" in pq.read_schema(first).metadata[b"dpgate.mock"]


def test_two_tables_are_a_folder(fresh_team: Team) -> None:
    members.describe(fresh_team)
    out = fresh_team.folder / "plan"
    result = fresh_team.api.mock(f"releases/{NAME}/dataset.yaml", out, rows=90)
    assert result.title.startswith("90 persons and ")
    assert {path.name for path in out.iterdir()} == {"persons.parquet", "claims.parquet"}
    describe(str(out), dataset(fresh_team), members.COLUMNS)
    for bad in (out, fresh_team.folder / "plan.parquet"):
        with pytest.raises(UsageError, match="is no new folder"):
            fresh_team.api.mock(NAME, bad, rows=90)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"dataset": "other"}, r"no dataset releases/other/dataset\.yaml"),
        ({"rows": 0}, "from 1 to 500000"),
        ({"rows": 500_001}, "from 1 to 500000"),
        ({"out": "visits.xls"}, "unknown kind of file '.xls'"),
        ({"out": "taken.csv"}, "exists already"),
        ({"out": "none/visits.csv"}, "no such folder"),
    ],
)
def test_odd_wishes_are_refused(fresh_team: Team, wish: dict[str, Any], message: str) -> None:
    (fresh_team.folder / "taken.csv").write_text("mine")
    out = fresh_team.folder / wish.get("out", "visits.csv")
    with pytest.raises(UsageError, match=message):
        fresh_team.api.mock(wish.get("dataset", NAME), out, rows=wish.get("rows", 10))
    assert (fresh_team.folder / "taken.csv").read_text() == "mine"


@pytest.mark.parametrize("two", [False, True])
def test_a_write_that_is_cut_short_leaves_nothing(
    fresh_team: Team, monkeypatch: pytest.MonkeyPatch, *, two: bool
) -> None:
    from dpgate.synthesis.mock import rows

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if two:
        members.describe(fresh_team)
    place = fresh_team.folder / "new"
    place.mkdir()
    monkeypatch.setattr(rows, "_decoded", broken)
    with pytest.raises(UndecidedError, match="No space left"):
        fresh_team.api.mock(NAME, place / ("x" if two else "x.csv"), rows=10)
    assert list(place.iterdir()) == []


def test_no_extra_is_said(fresh_team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "dpgate.synthesis.mock.rows", None)
    from dpgate.errors import MissingExtraError

    with pytest.raises(MissingExtraError, match="inventing rows"):
        fresh_team.api.mock(NAME, Path(fresh_team.folder / "v.csv"), rows=10)
    assert verb.KINDS == (".parquet", ".csv")
