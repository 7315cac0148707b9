"""What a scenario can do around a release's product, and see of it."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.suites import asking, members, stays
from tests.team import DATASET, MANIFEST, Team


def lengthen_model(team: Team) -> None:
    with (team.folder / "out" / "model.dpgate").open("ab") as file:
        file.write(b"\0" * 8)


def nothing_staged(team: Team) -> None:
    assert not list(Path(team.state).glob("*/runs/*"))


def ask_for_statistics(team: Team) -> None:
    asking.ask(team)


def allow_statistics(team: Team) -> None:
    asking.allow(team)


def describe_stays(team: Team) -> None:
    """The dataset holds every kind of column, and the manifest lists them all."""
    document = stays.document().replace("name: stays", "name: clinic-visits")
    document = document.replace("population: patients", "population: clinic-patients")
    for word in ("plain", "direct"):
        document = document.replace(f"sensitivity: {word}", "sensitivity: phi")
    team.write(DATASET, document)
    listed = "[age_group, clinic, length_minutes, reason, follow_up]"
    team.edit(MANIFEST, listed, f"[{', '.join(stays.COLUMNS)}]")
    team.commit("Stays")


def stays_are_as_described(team: Team) -> None:
    """Constraints hold in every row, identifiers are made up, and there is no text."""
    table = pq.read_table(team.folder / "out" / "data.parquet")
    assert table.column_names == [name for name in stays.COLUMNS if name != "notes"]
    for number, row in enumerate(table.to_pylist(), start=1):
        assert row["patient"] == f"P-{number:06}"
        assert row["discharged"] >= row["admitted"]
        assert row["days"] == (row["discharged"] - row["admitted"]).days
        assert row["died"] or row["died_on"] is None
        assert row["building"] == stays.WARDS[row["ward"]]
        assert row["chapter"] == row["diagnosis"][0]
    card = json.loads((team.folder / "out" / "card.json").read_text())
    assert card["constraints"][0] == "discharged >= admitted"
    assert "In every row: discharged" in (team.folder / "out" / "card.md").read_text()


def describe_two_tables(team: Team) -> None:
    """Members and their claims in place of visits; the data is there already."""
    members.describe(team)


def claims_are_of_members(team: Team) -> None:
    """Every claim names a member, nobody has too many, and constraints hold."""
    out = team.folder / "out"
    people = {row["member"] for row in pq.read_table(out / "persons.parquet").to_pylist()}
    claims = pq.read_table(out / "claims.parquet").to_pylist()
    numbers = Counter(row["member"] for row in claims)
    assert len(people) == 3000
    assert people.issuperset(numbers)
    assert max(numbers.values()) <= members.AT_MOST
    assert all(row["cost"] >= row["paid"] for row in claims)
    assert all(row["settled_on"] >= row["billed_on"] for row in claims)
    assert all(row["cost"] - row["paid"] == row["share_left"] for row in claims)
    card = json.loads((out / "card.json").read_text())
    assert [table["rows"] for table in card["tables"]] == [3000, len(claims)]


def every_format_holds_the_same_rows(team: Team) -> None:
    """Files that tell types are read back and compared; all name the reservation that paid."""
    import duckdb
    import fastavro

    out = team.folder / "out"
    parquet = pq.read_table(out / "data.parquet")
    rows = parquet.to_pylist()
    with pa.ipc.open_file(out / "data.arrow") as file:
        assert file.read_all().to_pylist() == rows
        assert file.schema.metadata == parquet.schema.metadata
    with (out / "data.avro").open("rb") as handle:
        assert list(fastavro.reader(handle)) == rows
    with duckdb.connect() as base:
        base.execute((out / "data.sql").read_bytes().decode())
        assert base.sql("FROM data").to_arrow_table().to_pylist() == rows
    lines = (out / "data.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["ward"] for line in lines] == [row["ward"] for row in rows]
    with (out / "data.csv").open(newline="") as handle:
        assert [row["ward"] for row in csv.DictReader(handle)] == [row["ward"] for row in rows]
    paid = parquet.schema.metadata[b"dpgate.record"].decode()
    for kind in ("csv", "jsonl"):
        beside = json.loads((out / f"data.{kind}-metadata.json").read_text())
        assert beside["notes"][0]["dpgate.record"] == paid
    shown = team.dpgate("ledger", "show", "--format", "json").stdout
    assert paid in shown


ACTIONS: dict[str, Callable[[Team], None]] = {
    name.replace("_", "-"): action
    for name, action in list(globals().items())
    if callable(action) and getattr(action, "__module__", "") == __name__
}
