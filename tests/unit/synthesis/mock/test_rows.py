"""Invented rows: as the document says, of shapes that data has, and the same each time."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dpgate.errors import SynthesisError
from dpgate.evidence import keys, schema
from dpgate.evidence.pictures import cramers_v
from dpgate.loading.documents import load
from dpgate.model.dataset import Dataset
from dpgate.sources.arrow import table_source
from dpgate.synthesis.mock import rows as mocking
from dpgate.synthesis.mock.rows import Mock, seed_of
from tests.suites import members, stays, worlds


def tables(mock: Mock) -> list[pa.Table]:
    batches = list(mock.batches())
    return [
        pa.Table.from_batches([batch[place] for batch in batches], kind)
        for place, kind in enumerate(mock.schemas.values())
    ]


def edited(dataset: Dataset, **spec: Any) -> Dataset:
    body = dataset.model_dump(mode="python", by_alias=True)
    return Dataset.model_validate({**body, "spec": {**body["spec"], **spec}})


def two() -> Dataset:
    document = load("dataset.yaml", members.DOCUMENT.encode()).document
    assert isinstance(document, Dataset)
    return document


def test_every_kind_of_column_and_constraint_holds() -> None:
    mock = Mock(dataset=stays.dataset(), rows=3000, seed=1)
    (table,) = tables(mock)
    assert set(table.column_names) == set(stays.COLUMNS) - {"notes"}
    found = schema.conformity(table, mock.finish.domain, 3000, mock.finish)
    assert found.details == ()


def test_rows_are_the_same_each_time_and_others_for_another_seed() -> None:
    first, again, other, longer = (
        tables(Mock(dataset=worlds.dataset(), rows=rows, seed=seed))[0]
        for rows, seed in ((500, 3), (500, 3), (500, 4), (501, 3))
    )
    assert first.equals(again)
    assert not first.equals(other)
    assert longer.num_rows == 501
    assert seed_of("a") != seed_of("b")


def test_batches_change_nothing_about_schema_or_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mocking, "ROWS_AT_ONCE", 100)
    mock = Mock(dataset=worlds.dataset(), rows=250, seed=3)
    assert [batch[0].num_rows for batch in mock.batches()] == [100, 100, 50]
    (table,) = tables(mock)
    assert len(set(table.column("name").to_pylist())) == 250


def test_columns_are_skewed_depend_on_each_other_and_are_missing_here_and_there() -> None:
    mock = Mock(dataset=worlds.dataset(), rows=20_000, seed=seed_of("made-up"))
    (table,) = tables(mock)
    source = table_source(table, mock.finish.domain)
    pairs = [(a, b) for a in range(5) for b in range(a)]
    found = [cramers_v(counts) for counts in source.count(pairs)]
    assert max(found) > 0.1
    assert 0.005 < table.column("income").null_count / 20_000 < 0.3
    shares = source.count([(0,)])[0] / 20_000
    assert shares.max() > 3 * shares.min()


def test_a_quantity_with_log_bins_has_a_heavy_tail() -> None:
    mock = Mock(dataset=worlds.dataset(), rows=20_000, seed=5)
    values = tables(mock)[0].column("income").drop_null().to_numpy()
    assert values.mean() > 2 * np.median(values)


def test_persons_have_several_rows_but_no_more_than_the_bound() -> None:
    dataset = worlds.dataset()
    unit = {"row": "visit", "max_rows_per_person": 3, "source": "made up", "column": "name"}
    mock = Mock(dataset=edited(dataset, unit=unit), rows=2000, seed=1)
    numbers = Counter(tables(mock)[0].column("name").to_pylist())
    assert set(numbers.values()) == {1, 2, 3}
    assert sum(numbers.values()) == 2000


def test_persons_of_further_batches_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mocking, "ROWS_AT_ONCE", 50)
    unit = {"row": "visit", "max_rows_per_person": 3, "source": "made up", "column": "name"}
    mock = Mock(dataset=edited(worlds.dataset(), unit=unit), rows=500, seed=1)
    assert max(Counter(tables(mock)[0].column("name").to_pylist()).values()) == 3


def test_two_tables_fit_together() -> None:
    mock = Mock(dataset=two(), rows=800, seed=2)
    persons, claims = tables(mock)
    assert list(mock.schemas) == ["persons", "claims"]
    assert persons.num_rows == 800
    numbers = Counter(claims.column("member").to_pylist())
    assert set(numbers) <= set(persons.column("member").to_pylist())
    assert max(numbers.values()) <= members.AT_MOST
    number = pa.array([numbers[m] for m in persons.column("member").to_pylist()])
    counted = persons.append_column("claims", number)
    assert list(keys.faults(counted, claims, "member", members.AT_MOST)) == []
    assert mock.tables is not None
    both = mock.both
    own = claims.select(both.rows.schema.names)
    assert list(schema.faults(own, both.own, claims.num_rows, both.rows)) == []
    learned = counted.select(both.persons.schema.names)
    assert list(schema.faults(learned, both.persons.domain, 800, both.persons)) == []
    joined = dict(zip(persons["member"].to_pylist(), persons["joined_on"].to_pylist(), strict=True))
    for row in claims.to_pylist():
        assert row["waited"] == (row["billed_on"] - joined[row["member"]]).days


def test_a_dataset_of_identifiers_alone_cannot_be_invented() -> None:
    columns = {"name": {"type": "identifier", "sensitivity": "direct"}}
    with pytest.raises(SynthesisError, match="nothing to invent"):
        Mock(dataset=edited(worlds.dataset(), columns=columns), rows=1, seed=1)
