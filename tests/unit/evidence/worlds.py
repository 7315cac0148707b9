"""Small public domains and tables that tests of evidence share."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pyarrow as pa

from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import UnsafeTape
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.model.event import Event
from dpgate.sources.arrow import table_source
from dpgate.sources.interface import MarginalSource
from dpgate.synthesis.interface import Task

DOMAIN = Domain(
    columns=(
        ColumnDomain(name="job", kind="text", values=("none", "part", "full"), null=3, fallback=3),
        ColumnDomain(name="age", kind="integer", lows=(0, 18, 65), highs=(17, 64, 120)),
        ColumnDomain(name="income", kind="number", lows=(0, 10), highs=(10, 100), decimals=1),
        ColumnDomain(name="smokes", kind="boolean", values=(False, True)),
    )
)
TYPES = {"job": pa.string(), "age": pa.int64(), "income": pa.float64(), "smokes": pa.bool_()}

Row = tuple[str | None, int, float, bool]


def table(rows: Sequence[Row]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(TYPES)
    arrays = [pa.array(c, t) for c, t in zip(columns, TYPES.values(), strict=True)]
    return pa.table(dict(zip(TYPES, arrays, strict=True)))


def source(rows: Sequence[Row], domain: Domain = DOMAIN) -> MarginalSource:
    return table_source(table(rows), domain)


def task(relation: str = "add-remove", domain: Domain = DOMAIN) -> Task:
    return Task(domain=domain, relation=relation, rows=4)


def session(events: Sequence[Event], tape: UnsafeTape | None = None) -> Mechanisms:
    return Mechanisms(events, events[0].relation, tape=tape)


def quiet(_stage: str, _fraction: float) -> None:
    """Takes progress and says nothing."""


RHO = Decimal("0.05")
SAMPLE: list[Row] = [
    ("full", 40, 55.5, False),
    ("part", 19, 9.0, True),
    (None, 70, 0.0, False),
    ("none", 17, 3.5, False),
    ("full", 33, 100.0, True),
]
SYNTHETIC: list[Row] = [
    ("full", 50, 60.0, False),
    ("full", 20, 5.0, False),
    (None, 80, 1.0, True),
    ("none", 3, 0.5, False),
]
