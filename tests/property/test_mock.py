"""Whatever a Dataset document says, invented rows satisfy it, the same ones each time."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.evidence.schema import conformity
from dpgate.model.dataset import Dataset
from dpgate.sources.arrow import table_source
from dpgate.synthesis.mock.rows import Mock

PLAIN = {"sensitivity": "plain", "source": {"public_codebook": "made up"}}
WITHIN = st.sampled_from(["uniform", "log", "lowest"])


@st.composite
def integers(draw: st.DrawFn) -> dict[str, Any]:
    low = draw(st.integers(-2000, 2000))
    high = low + draw(st.integers(1, 3000))
    bins = draw(st.sampled_from(["log", "each"]) | st.integers(1, 60))
    return {
        "type": "integer",
        "domain": {"min": Decimal(low), "max": Decimal(high), "bins": bins, "within": draw(WITHIN)},
    }


@st.composite
def reals(draw: st.DrawFn) -> dict[str, Any]:
    low = Decimal(draw(st.integers(-500, 500)))
    high = low + Decimal(draw(st.integers(1, 100_000)))
    bins = draw(st.just("log") | st.integers(1, 60))
    return {
        "type": draw(st.sampled_from(["number", "decimal"])),
        "decimals": draw(st.integers(0, 4)),
        "domain": {"min": low, "max": high, "bins": bins, "within": draw(WITHIN)},
    }


@st.composite
def dates(draw: st.DrawFn) -> dict[str, Any]:
    first = dt.date(2000, 1, 1) + dt.timedelta(days=draw(st.integers(0, 5000)))
    last = first + dt.timedelta(days=draw(st.integers(2, 2000)))
    bins = draw(st.sampled_from(["week", "month", "year", "log"]))
    kind = draw(st.sampled_from(["date", "timestamp"]))
    if kind == "date":
        return {"type": kind, "domain": {"min": first, "max": last, "bins": bins}}
    bounds = {"min": first.isoformat(), "max": last.isoformat(), "bins": bins}
    precision = draw(st.sampled_from(["hour", "minute", "second"]))
    return {"type": kind, "domain": {**bounds, "precision": precision}}


@st.composite
def lists(draw: st.DrawFn) -> dict[str, Any]:
    values = draw(st.lists(st.text("abcxyz", min_size=1, max_size=4), min_size=1, max_size=60,
                           unique=True) | st.lists(st.integers(0, 999), min_size=1, unique=True))  # fmt: skip
    return {"type": draw(st.sampled_from(["category", "ordinal"])), "domain": tuple(values)}


ANY = st.one_of(
    integers(),
    reals(),
    dates(),
    lists(),
    st.just({"type": "boolean"}),
    st.builds(lambda prefix: {"type": "zip", "prefix": prefix}, st.integers(1, 3)),
)


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    made = draw(st.lists(ANY, min_size=1, max_size=6))
    columns = {
        f"c{place}": {**PLAIN, "nullable": draw(st.booleans()), **column}
        for place, column in enumerate(made)
    }
    whole: dict[str, Any] = {}
    if draw(st.booleans()):
        ordered = {**PLAIN, "type": "integer", "domain": {"min": Decimal(0), "max": Decimal(50)}}
        columns |= {"first": ordered, "last": {**ordered, "nullable": draw(st.booleans())}}
        whole["constraints"] = ("last >= first",)
        whole["derive"] = {"apart": {"type": "difference", "of": ("last", "first")}}
    rule = draw(st.sampled_from([{}, {"regenerate": "sequence"}, {"regenerate": "uuid"}]))
    columns["who"] = {"type": "identifier", "sensitivity": "direct", **rule}
    k = draw(st.integers(1, 5))
    unit = {"row": "visit", "max_rows_per_person": k, "source": "made up"}
    unit |= draw(st.sampled_from([{}, {"column": "who"}]))
    return Dataset.model_validate(
        {
            "apiVersion": "dpgate/v1",
            "kind": "Dataset",
            "metadata": {"name": "any", "steward": "tests"},
            "spec": {
                "population": "any",
                "neighboring": "add-remove",
                "unit": unit,
                "rows": {"at_most": 1000},
                "columns": columns,
                **whole,
            },
        }
    )


@settings(max_examples=60, deadline=None)
@given(dataset=datasets(), rows=st.integers(1, 80), seed=st.integers(0, 2**63 - 1))
def test_invented_rows_satisfy_their_document(dataset: Dataset, rows: int, seed: int) -> None:
    def made() -> pa.Table:
        mock = Mock(dataset=dataset, rows=rows, seed=seed)
        return pa.Table.from_batches([batch[0] for batch in mock.batches()], mock.schemas["data"])

    table, mock = made(), Mock(dataset=dataset, rows=rows, seed=seed)
    assert conformity(table, mock.finish.domain, rows, mock.finish).details == ()
    assert table.equals(made())
    persons = table.column("who").value_counts().field("counts").to_pylist()
    bound = dataset.spec.unit.max_rows_per_person if dataset.spec.unit.column else 1
    assert max(persons) <= bound
    counts = table_source(table, mock.finish.domain).count([(0,)])[0]
    assert counts.sum() == rows
