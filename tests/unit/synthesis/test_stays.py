"""Every synthesizer on every kind of column: finished rows conform."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from dpgate.evidence.schema import conformity
from dpgate.mechanisms.session import Mechanisms
from dpgate.sources.arrow import table_source
from dpgate.synthesis import registry
from dpgate.synthesis.finish.finisher import finisher
from dpgate.synthesis.interface import Task
from tests.suites import stays


@pytest.mark.parametrize("relation", ["add-remove", "replace-one"])
@pytest.mark.parametrize("name", ["independent", "copula", "mst", "aim"])
def test_hospital_stays(name: str, relation: str) -> None:
    finish = finisher(stays.dataset(), stays.COLUMNS)
    task = Task(domain=finish.domain, relation=relation, rows=1500)
    synthesizer = registry.get(name)
    events = synthesizer.plan(task, Decimal("0.02"))
    source = table_source(stays.table(2000), finish.domain)
    mechanisms = Mechanisms(events, relation)
    model = synthesizer.fit(task, events, source, mechanisms, lambda *_: None)
    rows = finish.stream(model.batches(1500, lambda *_: None))
    table = pa.Table.from_batches(rows, finish.schema)
    assert conformity(table, finish.domain, 1500, finish).details == ()
