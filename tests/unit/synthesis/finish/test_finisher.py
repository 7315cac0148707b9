"""Released rows: identifiers nobody has, columns derived, constraints true, text left out."""

from __future__ import annotations

import uuid

import numpy as np
import pyarrow as pa
import pytest

from dpgate.evidence.schema import conformity
from dpgate.model.columns import IdentifierColumn
from dpgate.model.domain import Domain
from dpgate.synthesis.finish.finisher import finisher
from dpgate.synthesis.finish.identifiers import identifiers
from dpgate.synthesis.sampling.decode import decode, schema
from tests.suites import stays

DATASET = stays.dataset()
FINISH = finisher(DATASET, stays.COLUMNS)


def noise(domain: Domain, rows: int, seed: int = 3) -> pa.RecordBatch:
    """Rows of a model that learned nothing: each cell as likely as any."""
    rng = np.random.default_rng(seed)
    drawn = [decode(rng.integers(0, c.size, rows), c, rng) for c in domain.columns]
    return pa.RecordBatch.from_arrays(drawn, schema=schema(domain))


@pytest.fixture(scope="module")
def finished() -> pa.RecordBatch:
    return FINISH(noise(FINISH.domain, 20_000), 0, np.random.default_rng(0))


def test_columns_are_those_of_the_manifest_in_its_order_without_text(
    finished: pa.RecordBatch,
) -> None:
    assert finished.schema.names == [name for name in stays.COLUMNS if name != "notes"]
    assert finished.schema.equals(FINISH.schema)
    assert FINISH.schema.field("days").type == pa.int64()
    assert FINISH.schema.field("patient").type == pa.string()
    finished.validate(full=True)


def test_every_constraint_holds_in_every_row_of_pure_noise(finished: pa.RecordBatch) -> None:
    raw = noise(FINISH.domain, 20_000)
    assert all(count > 500 for _, count in FINISH.broken(raw))
    assert dict(FINISH.broken(finished)) == {
        "discharged >= admitted": 0,
        "died_on is missing where died is false": 0,
        "building follows ward": 0,
    }
    rows = finished.to_pylist()
    assert all(row["discharged"] >= row["admitted"] for row in rows)
    assert all(row["died"] or row["died_on"] is None for row in rows)
    assert all(row["building"] == stays.WARDS[row["ward"]] for row in rows)
    assert all(row["days"] == (row["discharged"] - row["admitted"]).days for row in rows)
    assert all(row["chapter"] == row["diagnosis"][0] for row in rows)
    assert {row["area"] for row in rows} == {"021", "022", "100", "902", None}
    assert all(row["year"] == row["admitted"].year for row in rows)


def test_finished_rows_conform_and_departures_are_told(finished: pa.RecordBatch) -> None:
    table = pa.Table.from_batches([finished])
    assert conformity(table, FINISH.domain, 20_000, FINISH).details == ()
    turned = table.set_column(1, table.schema.field("admitted"), table["discharged"]).set_column(
        2, table.schema.field("discharged"), table["admitted"]
    )
    (second, first) = conformity(turned, FINISH.domain, 20_000, FINISH).details
    assert "column admitted has" in first
    assert second.startswith("discharged >= admitted: not so in 1")
    lost = conformity(table.drop_columns(["days"]), FINISH.domain, 20_000, FINISH)
    assert "columns are not, in this order: patient, admitted" in lost.details[0]
    other = table.set_column(0, "patient", pa.array(range(20_000)))
    assert conformity(other, FINISH.domain, 20_000, FINISH).details == (
        "column patient is stored as int64, not as string",
    )


def test_numbers_go_on_from_batch_to_batch() -> None:
    batches = [noise(FINISH.domain, rows) for rows in (3, 0, 2)]
    names = [name for batch in FINISH.stream(batches) for name in batch["patient"].to_pylist()]
    assert names == [f"P-{number:06}" for number in range(1, 6)]


def test_a_release_without_a_column_does_without_what_is_about_it() -> None:
    less = finisher(DATASET, ("admitted", "died", "died_on", "days", "notes"))
    assert less.schema.names == ["admitted", "died", "died_on"]
    assert [words for words, _ in less.broken(noise(less.domain, 3))] == [
        "died_on is missing where died is false"
    ]


@pytest.mark.parametrize("rule", ["sequence", "uuid"])
def test_identifiers_are_made_up(rule: str) -> None:
    column = IdentifierColumn(type="identifier", sensitivity="x", regenerate=rule)  # type: ignore[arg-type]
    made = identifiers(column, 10, 1000, np.random.default_rng(1))
    made.validate(full=True)
    if rule == "sequence":
        assert made.to_pylist() == list(range(11, 1011))
        return
    found = [uuid.UUID(text) for text in made.to_pylist()]
    assert len(set(found)) == 1000
    assert {(each.version, each.variant) for each in found} == {(4, uuid.RFC_4122)}
    assert len(identifiers(column, 0, 0, np.random.default_rng(1))) == 0
