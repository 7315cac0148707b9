"""Tables that count themselves: the same cells as here, whatever the rows hold."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dpgate.errors import SourceError
from dpgate.model.dataset import Dataset
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.sources.arrow import table_source
from dpgate.sources.databases import connect_to
from dpgate.sources.interface import MarginalSource, Sum
from dpgate.sources.open import open_source
from dpgate.sources.sql import SqlTable
from tests.suites import worlds
from tests.suites.sources import SourceSuite
from tests.team import RELEASE, Team
from tests.unit.sources.conftest import Postgres

CANARY = "eve@example.com"
UNIT = worlds.dataset().spec.unit
Place = Callable[[pa.Table], SqlTable]


def duck(rows: pa.Table) -> SqlTable:
    """A table that DuckDB holds, reached through Ibis."""

    @contextlib.contextmanager
    def connected() -> Iterator[Any]:
        raw = duckdb.connect()
        raw.register("given", rows)
        raw.sql("CREATE TABLE rows AS SELECT * FROM given")
        engine = ibis.duckdb.from_connection(raw)
        yield engine.table("rows")
        engine.disconnect()

    return SqlTable(connected)


@pytest.fixture(params=["duckdb", "postgres"])
def place(request: pytest.FixtureRequest) -> Place:
    """How rows become a table of each engine."""
    if request.param == "duckdb":
        return duck
    server: Postgres = request.getfixturevalue("postgres")

    def stored(rows: pa.Table) -> SqlTable:
        server.store(rows, "typed")
        return connect_to(urlsplit(server.uri("typed")), ["typed"])

    return stored


class TestDuckThroughIbis(SourceSuite):
    def source(self, rows: list[worlds.Row], folder: Path) -> MarginalSource:
        return duck(worlds.table(rows)).source(worlds.domain(), UNIT)


class TestPostgres(SourceSuite):
    """By its address, in a schema of its own."""

    @pytest.fixture(autouse=True)
    def _server(self, postgres: Postgres) -> None:
        self.server = postgres

    def source(self, rows: list[worlds.Row], folder: Path) -> MarginalSource:
        self.server.run("DROP SCHEMA IF EXISTS care CASCADE", "CREATE SCHEMA care")
        self.server.store(worlds.table(rows), "care.visits")
        return open_source(self.server.uri("care.visits"), worlds.dataset(), list(worlds.COLUMNS))

    def spoil(self, folder: Path) -> bool:
        """The value of one row cannot be computed any more."""
        broken = "/ (job <> 'eve@example.com')::int"
        self.server.run(
            "ALTER TABLE care.visits RENAME TO kept",
            f"CREATE VIEW care.visits AS SELECT age {broken} AS age, income {broken} AS income,"
            " job, grade, smokes FROM care.kept",
        )
        return True


def wall(*parts: int) -> dt.datetime:
    """A time on the wall, in no zone."""
    return dt.datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def compare(place: Place, rows: pa.Table, domain: Domain) -> None:
    """One table for each column, counted there and here."""
    table = place(rows)
    table.check(domain, UNIT)
    cliques = [(column,) for column in range(len(domain))]
    there = table.source(domain, UNIT).count(cliques)
    here = table_source(rows, domain).count(cliques)
    for column, one, other in zip(domain.names, there, here, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=column)


def bins(name: str, lows: Sequence[float], **more: Any) -> ColumnDomain:
    kind = more.pop("kind", "number")
    highs = (*lows[1:], lows[-1] + 1)
    return ColumnDomain(name=name, kind=kind, lows=tuple(lows), highs=highs, **more)


FLOATS = [0.3, 0.1 + 0.2, 0.29999999999999993, -0.0, 1e308, -1e308, 5e-324, float("nan"), None,
          float("inf"), float("-inf"), 2.0, 1.5, 2**53 + 2.0]  # fmt: skip
WHOLES = [0, 1, -1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 7, None, 5, 100, 3, 10, -7]
EDGES = [-1.0, 0.0, 0.1, 0.3, 1.5, 2.0, 1e9]
NUMBERED = tuple(range(-3, 11))


def test_numbers_of_every_type(place: Place) -> None:
    decimals = [
        Decimal(text) for text in ["0.3", "0.30", "0.1", "1.5", "-9.99", "2.00", "99999.99", "7"]
    ]
    rows = pa.table(
        {
            "float": pa.array(FLOATS, pa.float64()),
            "whole": pa.array(WHOLES, pa.int64()),
            "integer": pa.array(WHOLES, pa.int64()),
            "small": pa.array(range(14), pa.int32()),
            "decimal": pa.array([*decimals, *[None] * 6], pa.decimal128(12, 2)),
            "flag": pa.array([True, False, None, True, False] * 2 + [None] * 4),
            "listed": pa.array(WHOLES, pa.int64()),
            "listed_float": pa.array(FLOATS, pa.float64()),
            "listed_decimal": pa.array([*decimals, *[None] * 6], pa.decimal128(12, 2)),
            "digits": pa.array(WHOLES, pa.int64()),
            "digits_flag": pa.array([True, False, None, True, False] * 2 + [None] * 4),
            "yes": pa.array([1, 0, None, 2, -1] * 2 + [1] * 4, pa.int64()),
        }
    )
    domain = Domain(
        columns=(
            bins("float", EDGES, null=7, fallback=7),
            bins("whole", EDGES),
            bins("integer", [-5, 0, 1, 7, 2**53], kind="integer", null=5, fallback=5),
            bins("small", [0, 3, 6], kind="integer"),
            bins("decimal", EDGES),
            bins("flag", EDGES, null=7, fallback=7),
            ColumnDomain(name="listed", kind="whole", values=NUMBERED, fallback=2),
            ColumnDomain(name="listed_float", kind="whole", values=(2, 2**53 + 1, 2**53 + 2)),
            ColumnDomain(name="listed_decimal", kind="whole", values=NUMBERED, fallback=1),
            ColumnDomain(name="digits", kind="text", values=("x", "7", "07", "-1", "10")),
            ColumnDomain(name="digits_flag", kind="text", values=("x", "true", "1", "false")),
            ColumnDomain(name="yes", kind="boolean", values=(False, True)),
        )
    )
    compare(place, rows, domain)


def test_text_dates_and_codes(place: Place) -> None:
    moments = [
        wall(1970, 1, 1), wall(1969, 12, 31, 23, 59, 59, 999_999),
        wall(2026, 2, 28, 23, 59), wall(1, 1, 1), wall(9999, 12, 31), None,
    ]  # fmt: skip
    zips = ["02139", " 2139", "2139-1", "021390000", "x", None]
    rows = pa.table(
        {
            "text": pa.array(["a", "A", " a", "é", "", None]),
            "day": pa.array([m and m.date() for m in moments], pa.date32()),
            "day_of": pa.array(moments, pa.timestamp("us")),
            "moment": pa.array(moments, pa.timestamp("us")),
            "zoned": pa.array(moments, pa.timestamp("us", "UTC")),
            "of_day": pa.array([m and m.date() for m in moments], pa.date32()),
            "listed_day": pa.array([m and m.date() for m in moments], pa.date32()),
            "zip": pa.array(zips),
            "zip_number": pa.array([2139, 21390, 99999, -1, 10**15, None], pa.int64()),
            "zip_float": pa.array([2139.0, 2139.5, float("nan"), 1e300, -0.0, None]),
        }
    )
    days = [-719_162, -1, 0, 20_000, 20_512]
    hours = [day * 24 for day in days]
    clock: dict[str, Any] = {"kind": "timestamp", "micros": 3_600 * 10**6}
    code: dict[str, Any] = {"kind": "zip", "values": ("000", "021", "213", "999"), "digits": 5}
    domain = Domain(
        columns=(
            ColumnDomain(name="text", kind="text", values=("x", "a", "é", "")),
            bins("day", days, kind="date", null=5, fallback=5),
            bins("day_of", days, kind="date"),
            bins("moment", hours, **clock),
            bins("zoned", hours, null=5, fallback=5, **clock),
            bins("of_day", hours, **clock),
            ColumnDomain(name="listed_day", kind="text", values=("x", "1970-01-01", "9999-12-31")),
            ColumnDomain(name="zip", fallback=3, **code),
            ColumnDomain(name="zip_number", fallback=4, null=4, **code),
            ColumnDomain(name="zip_float", fallback=4, null=4, **code),
        )
    )
    compare(place, rows, domain)


def test_sums_round_halves_to_even(place: Place) -> None:
    values = [0.5, 1.5, 2.5, -0.5, -1.5, 0.49999999999999994, 1e300, float("nan"), None, 0.125]
    rows = pa.table({"value": pa.array(values), "one": pa.array([1] * 10)})
    for null in (None, 7):
        domain = Domain(
            columns=(
                bins("value", EDGES, null=null, fallback=null or 0),
                ColumnDomain(name="one", kind="whole", values=(1,)),
            )
        )
        for per, origin in ((1, 0), (100, -5), (8, 3)):
            wanted = [Sum(column=0, by=(), per=per, low=-per, high=10**9 * per, origin=origin)]
            wanted.append(Sum(column=0, by=(1,), per=per, low=-per, high=2 * per, origin=origin))
            there = place(rows).source(domain, UNIT).sums(wanted)
            here = table_source(rows, domain).sums(wanted)
            for one, other in zip(there, here, strict=True):
                np.testing.assert_array_equal(one, other)


def test_numbers_that_only_postgres_holds(postgres: Postgres) -> None:
    postgres.run(
        "DROP TABLE IF EXISTS odd",
        "CREATE TABLE odd (age numeric, income numeric, job char(9), grade smallint, smokes boolean)",
        "INSERT INTO odd VALUES ('NaN', 'Infinity', 'smith', 3, true), (1e400, 1e-400, '', 1, null),"
        "(-1e400, '-Infinity', 'x', null, false), (99.9999, 'NaN', null, 5, false)",
    )
    source = open_source(postgres.uri("odd"), worlds.dataset(), list(worlds.COLUMNS))
    age, income, job = source.count([(0,), (1,), (2,)])
    assert (age[0], age[-1]) == (2, 2)
    assert (income[0], income[-2], income[-1]) == (2, 1, 1)
    assert job.tolist() == [0, 1, 3]
    assert [int(total) for total in source.sums([Sum(column=0, by=(), per=1, low=0, high=99)])] == [
        198
    ]


@pytest.mark.parametrize(
    ("kind", "held"), [("numeric(400, 0)", "-1e399"), ("numeric(1000, 900)", "1e-900")]
)
def test_bounded_numbers_that_no_float_holds(postgres: Postgres, kind: str, held: str) -> None:
    postgres.run(
        "DROP TABLE IF EXISTS wide",
        f"CREATE TABLE wide (x {kind})",
        f"INSERT INTO wide VALUES ({held}), (2), ('NaN'), (null)",
    )
    domain = Domain(columns=(bins("x", [0.0, 1.0], null=2, fallback=2),))
    source = connect_to(urlsplit(postgres.uri("wide")), ["wide"]).source(domain, UNIT)
    assert source.count([(0,)])[0].tolist() == [1, 1, 2]
    assert source.sums([Sum(column=0, by=(), per=1, low=0, high=3)])[0] == 2


def test_what_fails_where_it_is_cast_or_compared(postgres: Postgres) -> None:
    """Dates that no timestamp reaches, and enumerations that lack a listed value."""
    postgres.run(
        "DROP TABLE IF EXISTS far",
        "DROP TYPE IF EXISTS trade",
        "CREATE TYPE trade AS ENUM ('smith', 'baker')",
        "CREATE TABLE far (day date, of_day date, job trade, who trade)",
        "INSERT INTO far VALUES ('5874897-12-31', '5874897-12-31', 'smith', 'smith'),"
        " ('4713-01-01 BC', '-infinity', 'baker', 'smith'), ('infinity', null, null, 'baker')",
    )
    hours = {"kind": "timestamp", "micros": 3_600 * 10**6}
    domain = Domain(
        columns=(
            bins("day", [-10, 0, 10], kind="date"),
            bins("of_day", [-23, 0, 1], null=3, fallback=3, **hours),
            ColumnDomain(name="job", kind="text", values=("clerk", "smith"), null=2, fallback=2),
        )
    )
    table = connect_to(urlsplit(postgres.uri("far")), ["far"])
    table.check(domain, UNIT)
    source = table.source(domain, UNIT)
    found = [counts.tolist() for counts in source.count([(0,), (1,), (2,)])]
    assert found == [[1, 0, 2], [1, 0, 1, 1], [0, 1, 2]]
    persons = UNIT.model_copy(update={"column": "who", "max_rows_per_person": 1})
    assert table.source(domain, persons).count([(2,)])[0].sum() == 2


@pytest.mark.slow
def test_a_release_of_a_table(
    team: Team, postgres: Postgres, capfd: pytest.CaptureFixture[str]
) -> None:
    """Through the gate, the address from the environment; nothing of it is left anywhere."""
    postgres.store(pq.read_table(team.data), "visits")
    team.approve()
    uri = postgres.uri("visits").replace("tester@", "tester:topsecret@")
    done = team.dpgate(
        "release", RELEASE, "--key", team.key_file("runner"), env={"DPGATE_SOURCE": uri}
    )
    assert done.returncode == 0, done.stderr
    kept = [path.read_bytes() for path in team.folder.rglob("*") if path.is_file()]
    for word in ("topsecret", "postgresql", postgres.folder.name):
        assert word not in done.stdout + done.stderr
        assert not any(word.encode() in content for content in kept)
    assert team.api.verify(root=team.root).verified


def test_nothing_can_be_written(postgres: Postgres) -> None:
    postgres.run(
        "CREATE OR REPLACE FUNCTION spy() RETURNS bigint LANGUAGE plpgsql AS"
        " 'BEGIN CREATE TABLE seen (a int); RETURN 1; END'",
        "DROP VIEW IF EXISTS watched",
        "CREATE VIEW watched AS SELECT spy() AS age",
    )
    source = open_source(postgres.uri("watched"), worlds.dataset(), ["age"])
    with pytest.raises(SourceError, match="unreadable while it was being counted"):
        source.count([(0,)])


def people(rows: int) -> Dataset:
    plain = worlds.dataset().model_dump(mode="python", by_alias=True)
    plain["spec"]["unit"] |= {"column": "name", "max_rows_per_person": rows}
    return Dataset.model_validate(plain)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 4])
def test_a_person_with_many_rows_moves_at_most_k(place: Place, rows: int) -> None:
    unit = people(rows).spec.unit
    others = worlds.rows(200)
    names = [f" p{number % 60}" if number % 2 else f"p{number % 60} " for number in range(200)]
    heavy = [*worlds.HOSTILE.values(), *worlds.rows(500, seed=5)]
    cliques = [(0,), (2, 0), (1, 3)]
    wanted = [Sum(column=1, by=(), per=1, low=0, high=5000)]
    tables = []
    sums = []
    for given, who in (
        (others, names),
        ([*heavy, *others], ["mallory"] * len(heavy) + names),
        ([*others, *others[:40]], [*names, *["", "  ", None, None] * 10]),
    ):
        table = place(worlds.table(given).append_column("name", pa.array(who)))
        table.check(worlds.domain(), unit)
        source = table.source(worlds.domain(), unit)
        source._key = "k"
        tables.append(source.count(cliques))
        sums.append(int(source.sums(wanted)[0]))
        np.testing.assert_array_equal(source.count([(0,)])[0], tables[-1][0])
    for before, after, nameless in zip(*tables, strict=True):
        moved = after - before
        assert moved.min() >= 0
        assert moved.sum() == rows
        np.testing.assert_array_equal(before, nameless)
    assert 0 <= sums[1] - sums[0] <= rows * 5000
    assert sums[2] == sums[0]
    assert tables[0][0].sum() == sum(min(rows, names_of) for names_of in _sizes(names))


def _sizes(names: list[str]) -> list[int]:
    bare = [name.strip() for name in names]
    return [bare.count(name) for name in set(bare)]
