"""A small public world that tests of attacks share: documents, rows, and a release beside them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

import numpy as np
from hypothesis import strategies as st

from dpgate.evidence.attacks import attribute, copies, density, linkage, membership, singling_out
from dpgate.evidence.attacks.tally import Tally
from dpgate.evidence.measures.interface import Scene
from dpgate.evidence.measures.subject import Subject
from dpgate.model.attacks import ThreatModel
from dpgate.model.dataset import Dataset
from dpgate.model.domain import domain_of
from dpgate.model.values import Relation
from dpgate.sources.interface import RowSource
from tests.unit.evidence.worlds import Row, quiet, source, table, task

SOURCE = {"public_codebook": "page 1"}
COLUMNS: dict[str, Any] = {
    "job": {"type": "category", "domain": ("none", "part", "full"), "nullable": True},
    "age": {
        "type": "integer",
        "domain": {
            "min": Decimal(0),
            "max": Decimal(120),
            "bins": tuple(map(Decimal, (0, 18, 65, 120))),
        },
        "quasi_identifier": True,
    },
    "income": {
        "type": "number",
        "domain": {
            "min": Decimal(0),
            "max": Decimal(100),
            "bins": tuple(map(Decimal, (0, 10, 100))),
        },
        "decimals": 1,
    },
    "smokes": {"type": "boolean", "quasi_identifier": True},
}
RELATIONS: tuple[Relation, ...] = ("add-remove", "replace-one")


def dataset(together: int = 1) -> Dataset:
    columns = {
        name: {**column, "sensitivity": "phi", "source": SOURCE} for name, column in COLUMNS.items()
    }
    unit = {"row": "person", "max_rows_per_person": together, "source": "page 1"}
    spec = {
        "population": "people",
        "neighboring": "add-remove",
        "unit": unit,
        "rows": {"at_most": 1000},
        "columns": columns,
    }
    metadata = {"name": "people", "steward": "us"}
    return Dataset.model_validate(
        {"apiVersion": "dpgate/v1", "kind": "Dataset", "metadata": metadata, "spec": spec}
    )


DATASET = dataset()
DOMAIN = domain_of(DATASET, list(COLUMNS))


def scene(relation: Relation = "add-remove", knows: Sequence[str] = (), **changed: Any) -> Scene:
    model = ThreatModel(
        adversary="public", knows=tuple(knows), fears=("membership",), holdout=Decimal("0.2")
    )
    given: dict[str, Any] = {"dataset": DATASET, "domain": DOMAIN, "threat_model": model}
    return Scene(relation=relation, **{**given, **changed})


def subject(
    members: Sequence[Row], holdout: Sequence[Row] | None, released: Sequence[Row], total: int = 9
) -> Subject:
    return Subject(
        task=task(domain=DOMAIN),
        released=table(released),
        total=total,
        source=source(members, DOMAIN),
        progress=quiet,
        holdout=None if holdout is None else cast("RowSource", source(holdout, DOMAIN)),
    )


def attacks(given: Scene) -> dict[str, Tally]:
    one = Decimal(1)
    return {
        "membership": membership.of_attack(None, one, given, "a"),
        "membership_density": density.of_attack(None, one, given, "b"),
        "attribute.job": attribute.of_attack("job", one, given, "c"),
        "attribute.income": attribute.of_attack("income", one, given, "d"),
        "linkage": linkage.of_attack(None, one, given, "e"),
        "singling_out": singling_out.of_attack(None, one, given, "f"),
        "copies": copies.of_attack(None, one, given, "g"),
    }


NAMES = tuple(attacks(scene()))
ROWS = st.tuples(
    st.sampled_from(["none", "part", "full", None, "canary@example.org"]),
    st.sampled_from([-(2**40), 0, 17, 18, 64, 65, 2**40]),
    st.sampled_from([0.0, 9.9, 10.0, 1e30, float("nan"), float("-inf")]),
    st.booleans(),
)
TABLES = st.lists(ROWS, max_size=8)


def cell(row: Row) -> tuple[int, ...]:
    """The cells of a row, written independently of the encoder."""
    job, age, income, smokes = row
    jobs = {"none": 0, "part": 1, "full": 2}
    return jobs.get(job or "", 3), (age >= 18) + (age >= 65), int(income >= 10), int(smokes)


def cells(rows: Sequence[Row]) -> np.ndarray:
    return np.array([cell(row) for row in rows], dtype=np.uint16).reshape(-1, 4)
