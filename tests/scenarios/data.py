"""Private data with canaries in it: values that must never be seen outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from tests.suites import members, stays
from tests.team import Team, write_data

EMAIL = "mallory.quux@canary.example"
CATEGORY = "zanzibar-fever"
NUMBER = 7.7314159e30
LONG = "canary-overlong-" * 20_000
CANARIES = (b"mallory.quux", b"canary.example", b"zanzibar", b"7.7314159", b"77314159",
            b"canary-overlong", b"MRN0000")  # fmt: skip


def table(path: Path) -> pa.Table:
    """The template's rows, and a few in which no value is what the dataset says."""
    write_data(path)
    columns = pq.read_table(path).to_pydict()
    columns["length_minutes"] = [float(x) for x in columns["length_minutes"]]
    hostile: list[dict[str, Any]] = [
        {"reason": EMAIL}, {"reason": CATEGORY}, {"length_minutes": NUMBER},
        {"length_minutes": float("nan")}, {"length_minutes": float("-inf")},
        {"clinic": LONG}, {"clinic": None, "follow_up": None}, {"age_group": f"{EMAIL}\r\n\x1b[2J"},
    ]  # fmt: skip
    for row in hostile:
        for name, values in columns.items():
            values.append(row[name] if name in row else values[0])
    return pa.table(columns)


def hostile(team: Team) -> None:
    """Parquet that fits the schema."""
    pq.write_table(table(team.data), team.data)


def hostile_csv(team: Team) -> None:
    """The same as CSV, and lines that are no records; replaces `visits.parquet` by `visits.csv`."""
    place = team.data.with_suffix(".csv")
    pc.write_csv(table(team.data), place)
    with place.open("ab") as file:
        file.write(b'"' + EMAIL.encode() + b"\n\xff\xfe,,,\n1,2,3,4,5,6,7," + CATEGORY.encode())
    team.data.unlink()


def two_tables(team: Team) -> None:
    """Members and claims with hostile values and keys in both, as Parquet files of a folder."""
    people = members.people()
    claims = members.claims(people)
    claims["cost"] = [float(value) for value in claims["cost"]]
    for row in (
        {"member": EMAIL, "plan": CATEGORY, "region": LONG, "joined_on": None},
        {"member": "m7", "age": EMAIL},
        {"member": None, "age": CATEGORY},
        {"member": " "},
    ):
        for name, values in people.items():
            values.append(row.get(name, values[0]))
    rows: list[dict[str, Any]] = [
        {"cost": NUMBER}, {"cost": float("nan")}, {"cost": float("-inf")}, {"service": CATEGORY},
        {"service": None, "paid": None, "billed_on": None}, {"service": LONG},
    ]  # fmt: skip
    for row in [*rows * 500, {"member": "MRN0000"}, {"member": None}, {"member": LONG}]:
        for name, values in claims.items():
            values.append({"member": EMAIL, **row}.get(name, values[0]))
    members.write(team.data.parent, people, claims)
    team.data.unlink(missing_ok=True)


def two_tables_csv(team: Team) -> None:
    """The same as CSV, with lines that are no records."""
    two_tables(team)
    for name in ("persons", "claims"):
        place = team.data.with_name(f"{name}.parquet")
        pc.write_csv(pq.read_table(place), place.with_suffix(".csv"))
        with place.with_suffix(".csv").open("ab") as file:
            file.write(b'"' + EMAIL.encode() + b"\n\xff\xfe,,,\n1,2,3,4,5,6,7," + CATEGORY.encode())
        place.unlink()


def two_tables_duckdb(team: Team) -> None:
    """The same as tables of one DuckDB file."""
    import duckdb

    two_tables(team)
    with duckdb.connect(team.data.parent / "plan.duckdb") as base:
        for name in ("persons", "claims"):
            place = team.data.with_name(f"{name}.parquet")
            base.register("given", pq.read_table(place))
            base.sql(f"CREATE TABLE {name} AS SELECT * FROM given")
            place.unlink()


def two_tables_without_claims(team: Team) -> None:
    """The second table is missing."""
    two_tables(team)
    team.data.with_name("claims.parquet").unlink()


def without_a_column(team: Team) -> None:
    """One declared column is missing, and one holds an e-mail address in its name."""
    made = table(team.data).drop_columns(["reason"])
    pq.write_table(made.append_column(EMAIL, pa.nulls(len(made))), team.data)


def of_another_type(team: Team) -> None:
    """A column of lists."""
    made = table(team.data)
    lists = pa.array([[CATEGORY]] * len(made))
    pq.write_table(made.drop_columns(["reason"]).append_column("reason", lists), team.data)


def not_parquet(team: Team) -> None:
    """Text that calls itself Parquet."""
    team.data.write_text(f"{EMAIL}\n{CATEGORY}\n")


def damaged_rows(team: Team) -> None:
    """The footer is whole, the pages are not: fails only when it is read."""
    pq.write_table(table(team.data), team.data, compression="none", use_dictionary=False)
    body = bytearray(team.data.read_bytes())
    footer = int.from_bytes(body[-8:-4], "little") + 8
    body[4 : len(body) - footer] = b"\xa5" * (len(body) - footer - 4)
    team.data.write_bytes(bytes(body))


def empty(team: Team) -> None:
    """No row at all."""
    pq.write_table(table(team.data).slice(0, 0), team.data)


def missing(team: Team) -> None:
    """There is no file."""
    team.data.unlink()


def directory(team: Team) -> None:
    """A folder of that name."""
    team.data.unlink()
    team.data.mkdir()


def hospital_stays(team: Team) -> None:
    """Every kind of column (tests/suites/stays.py); notes and record numbers are canaries."""
    pq.write_table(stays.table(3000), team.data)


def hospital_stays_csv(team: Team) -> None:
    """The same as CSV, with rows that hold canaries where dates, codes and amounts should be."""
    columns = stays.table(3000).to_pydict()
    texts = {
        name: ["" if value is None else str(value) for value in values]
        for name, values in columns.items()
    }
    odd = [EMAIL, CATEGORY, str(NUMBER), "2020-02-30", "0000-01-01T00:00", "9999-12-31", "nan",
           "2020-01-01T00:00:00+23:59", "02139-1234", "-1", f"{EMAIL}\r\n\x1b[2J", LONG]  # fmt: skip
    longer = {name: values + odd for name, values in texts.items()}
    pc.write_csv(pa.table(longer), team.data.with_suffix(".csv"))
    team.data.unlink()


KINDS: dict[str, Callable[[Team], None]] = {
    kind.__name__.replace("_", "-"): kind
    for kind in (
        hostile, hostile_csv, without_a_column, of_another_type, not_parquet, damaged_rows, empty,
        missing, directory, hospital_stays, hospital_stays_csv, two_tables, two_tables_csv,
        two_tables_duckdb, two_tables_without_claims,
    )
}  # fmt: skip
