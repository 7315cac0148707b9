"""Two linked tables: one person moves one row of the persons and at most k of the others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from dpgate.errors import SourceError
from dpgate.model.dataset import Dataset
from dpgate.sources.linked import Pair
from dpgate.sources.open import describe, open_tables
from tests.suites import members

CONTEXT = ("age", "claims")
PERSONS = [(0,), (1,), (4,), (0, 4), (1, 2)]
ROWS = [(0,), (1,), (2,), (0, 2), (1, 3)]
Columns = dict[str, list[Any]]


def opened(place: Path, bound: int = members.AT_MOST) -> Pair:
    dataset = members.dataset(max_rows_per_person=bound)
    return open_tables(str(place), dataset, members.COLUMNS, CONTEXT)


def counted(place: Path, bound: int, key: str) -> tuple[list[Any], list[Any]]:
    """Tables of both, with the same key for the choice of rows."""
    pair = opened(place, bound)
    link = pair.persons._read.__self__  # type: ignore[attr-defined]
    link._first._key = link._second._key = key
    return pair.persons.count(PERSONS), pair.rows.count(ROWS)


def world(folder: Path, people: Columns, claims: Columns) -> Path:
    return members.write(folder, people, claims)


def with_rows(columns: Columns, rows: list[dict[str, Any]]) -> Columns:
    """Further rows among the others, here and there."""
    made = {name: list(values) for name, values in columns.items()}
    for number, row in enumerate(rows):
        place = (number * 7919) % (len(made["member"]) + 1)
        for name, values in made.items():
            values.insert(place, row.get(name, columns[name][0]))
    return made


HOSTILE: list[dict[str, Any]] = [
    {"cost": float("nan"), "service": "zanzibar"},
    {"cost": 1e30},
    {"cost": float("-inf"), "billed_on": None},
    {"service": None, "paid": None},
    {"service": "x" * 100_000},
]


@pytest.mark.parametrize("bound", [1, 6, 300])
@pytest.mark.parametrize("persons_rows", [0, 1, 2])
@pytest.mark.slow
def test_a_person_with_ten_thousand_claims(bound: int, persons_rows: int, tmp_path: Path) -> None:
    """Named in no row of the persons, in one, or in two: one person at most, k rows at most."""
    people = members.people(200)
    claims = members.claims(people)
    mallory = [{"member": "mallory", **HOSTILE[n % len(HOSTILE)]} for n in range(10_000)]
    named = [{"member": " mallory ", "age": "old", "region": "atlantis"}] * persons_rows
    key = os.urandom(32).hex()
    before = counted(world(tmp_path / "a", people, claims), bound, key)
    after = counted(
        world(tmp_path / "b", with_rows(people, named), with_rows(claims, mallory)), bound, key
    )
    moved = (min(persons_rows, 1), bound * min(persons_rows, 1))
    for tables, others, most in zip(before, after, moved, strict=True):
        for table, other in zip(tables, others, strict=True):
            assert (other - table).min() >= 0
            assert (other - table).sum() == most


@pytest.mark.parametrize("nobody", [None, "", "  ", "nobody-of-the-persons"])
def test_claims_of_nobody_are_left_out(nobody: str | None, tmp_path: Path) -> None:
    people = members.people(100)
    claims = members.claims(people)
    rows = [{"member": nobody, **HOSTILE[n % len(HOSTILE)]} for n in range(50)]
    key = os.urandom(32).hex()
    before = counted(world(tmp_path / "a", people, claims), 6, key)
    after = counted(world(tmp_path / "b", people, with_rows(claims, rows)), 6, key)
    for tables, others in zip(before, after, strict=True):
        for table, other in zip(tables, others, strict=True):
            np.testing.assert_array_equal(table, other)


@pytest.mark.parametrize("nobody", [None, "", " "])
def test_persons_without_a_name_are_left_out(nobody: str | None, tmp_path: Path) -> None:
    """With whatever claims name nobody as well: they are not theirs."""
    people = members.people(100)
    claims = members.claims(people)
    key = os.urandom(32).hex()
    before = counted(world(tmp_path / "a", people, claims), 6, key)
    others = with_rows(people, [{"member": nobody}] * 3), with_rows(claims, [{"member": nobody}])
    after = counted(world(tmp_path / "b", *others), 6, key)
    for table, other in zip((*before[0], *before[1]), (*after[0], *after[1]), strict=True):
        np.testing.assert_array_equal(table, other)


def test_what_is_joined_is_right(tmp_path: Path) -> None:
    """Against a join by hand, of data in which nothing is cut."""
    people = members.people(500)
    claims = members.claims(people)
    pair = opened(world(tmp_path, people, claims), 300)
    plain = pa.table(claims).to_pandas().merge(pa.table(people).to_pandas(), on="member")
    by_age = [
        [
            int(((plain.age == age) & (plain.service == service)).sum())
            for service in members.SERVICES
        ]
        for age in members.CHANCES
    ]
    np.testing.assert_array_equal(pair.rows.count([(0, 2)])[0], by_age)
    numbers = plain.member.value_counts()
    counts = np.bincount([numbers.get(name, 0) for name in people["member"]], minlength=301)
    np.testing.assert_array_equal(pair.persons.count([(4,)])[0], counts)
    np.testing.assert_array_equal(pair.rows.count([(1,)])[0], counts * np.arange(301))


def as_csv(folder: Path, people: Columns, claims: Columns) -> Path:
    folder.mkdir()
    for name, columns in (("persons", people), ("claims", claims)):
        pc.write_csv(pa.table(columns), folder / f"{name}.csv")
    return folder


def as_duckdb(folder: Path, people: Columns, claims: Columns) -> Path:
    folder.mkdir()
    tables = {"people": pa.table(people), "owned": pa.table(claims)}
    with duckdb.connect(folder / "plan.duckdb") as base:
        for name, table in tables.items():
            base.register("given", table)
            base.sql(f"CREATE TABLE {name} AS SELECT * FROM given")
        base.sql("CREATE VIEW persons AS SELECT * FROM people")
        base.sql("CREATE VIEW claims AS SELECT * FROM owned")
    return folder / "plan.duckdb"


def as_parts(folder: Path, people: Columns, claims: Columns) -> Path:
    """Each table a folder of files."""
    for name, table in (("persons", pa.table(people)), ("claims", pa.table(claims))):
        (folder / name).mkdir(parents=True)
        pq.write_table(table.slice(0, 50), folder / name / "a.parquet")
        pq.write_table(table.slice(50), folder / name / "b.parquet")
    return folder


@pytest.mark.parametrize("store", [as_csv, as_duckdb, as_parts])
def test_every_place_counts_alike(store: Any, tmp_path: Path) -> None:
    people = members.people(150)
    claims = members.claims(people)
    before = [opened(world(tmp_path / "a", people, claims), 300)]
    before.append(opened(store(tmp_path / "b", people, claims), 300))
    for cliques, which in ((PERSONS, "persons"), (ROWS, "rows")):
        ours, theirs = (getattr(pair, which).count(cliques) for pair in before)
        for table, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(table, other)


def test_keys_of_two_types_are_one_key(tmp_path: Path) -> None:
    people = members.people(50)
    people["member"] = list(range(50))
    claims = members.claims(people)
    claims["member"] = [f" {number} " for number in claims["member"]]
    pair = opened(world(tmp_path, people, claims), 300)
    assert pair.rows.count([(0,)])[0].sum() == len(claims["member"])


def test_every_table_counts_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpgate.sources.encoded.KEPT_BYTES", 16)  # read again for each count
    people = members.people(300)
    pair = opened(world(tmp_path, people, members.claims(people)), 2)
    pairs = pair.rows.count([(0, 2)])[0]
    np.testing.assert_array_equal(pairs.sum(axis=1), pair.rows.count([(0,)])[0])
    np.testing.assert_array_equal(pairs, pair.rows.count([(0, 2)])[0])
    np.testing.assert_array_equal(
        pair.persons.count([(4,)])[0] @ np.arange(3), pair.rows.count([(0,)])[0].sum()
    )


def test_a_source_that_changes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpgate.sources.encoded.KEPT_BYTES", 16)
    people = members.people(100)
    claims = members.claims(people)
    place = world(tmp_path / "a", people, claims)
    pair = opened(place)
    pair.persons.count([(0,)])
    world(place, {name: values[::-1] for name, values in people.items()}, claims)
    with pytest.raises(SourceError, match="became unreadable"):
        pair.persons.count([(0,)])


def described(place: Path | str, dataset: Dataset | None = None) -> str:
    with pytest.raises(SourceError) as caught:
        describe(str(place), dataset or members.dataset(), members.COLUMNS)
    return f"{caught.value.message} · {caught.value.fix}"


def test_what_a_source_must_hold(tmp_path: Path) -> None:
    people = members.people(20)
    claims = members.claims(people)
    place = world(tmp_path / "plan", people, claims)
    describe(str(place), members.dataset(), members.COLUMNS)
    describe(place.as_uri(), members.dataset(), members.COLUMNS)
    pq.write_table(pa.table(claims).drop_columns(["paid"]), place / "claims.parquet")
    said = described(place)
    assert said.startswith(
        "table claims: the source must hold these columns exactly once each: paid"
    )
    pq.write_table(pa.table(claims).drop_columns(["member"]), place / "claims.parquet")
    assert "table claims" in described(place)
    assert "member" in described(place)
    (place / "claims.parquet").unlink()
    said = described(place)
    assert said.startswith("the source does not hold table claims exactly once")
    assert str(tmp_path) not in said
    (place / "claims.csv").write_text("member\n")
    (place / "claims.parquet").write_text("x")
    assert "exactly once" in described(place)
    assert "two tables are read from a folder" in described("postgresql://host/db?table=persons")
    assert "two tables are read from a folder" in described("http://[half")
    assert "no readable DuckDB" in described(
        tmp_path / "none.duckdb"
    ) or "not a readable DuckDB" in (described(tmp_path / "none.duckdb"))
    assert "exactly once" in described("\0")
