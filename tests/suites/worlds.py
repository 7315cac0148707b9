"""Neighboring worlds: one dataset, its public description, and rows that mean harm."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from dpgate.model.dataset import Dataset
from dpgate.model.domain import Domain, domain_of

Row = dict[str, Any]

_BECAUSE = {"public_codebook": "made up"}

COLUMNS: dict[str, dict[str, Any]] = {
    "age": {"type": "integer", "domain": {"min": Decimal(0), "max": Decimal(99), "bins": 12}},
    "income": {
        "type": "number",
        "nullable": True,
        "decimals": 2,
        "domain": {"min": Decimal(0), "max": Decimal("5000.5"), "bins": "log"},
    },
    "job": {"type": "category", "domain": ("clerk", "smith", "other"), "other": "other"},
    "grade": {"type": "ordinal", "domain": (1, 2, 3, 5), "nullable": True},
    "smokes": {"type": "boolean"},
}

HOSTILE: dict[str, Row] = {
    "nan": {"age": None, "income": float("nan"), "job": None, "grade": None, "smokes": None},
    "huge": {"age": 2**62, "income": 1e30, "job": "smith", "grade": 2**40, "smokes": True},
    "infinite": {"age": -(2**62), "income": float("-inf"), "job": "", "grade": -1, "smokes": None},
    "unseen": {"age": 30, "income": 1.0, "job": "astronaut", "grade": 4, "smokes": False},
    "email": {"age": 30, "income": 2.0, "job": "eve@example.com", "grade": 1, "smokes": True},
    "long": {"age": 30, "income": 3.0, "job": "x" * 200_000, "grade": 5, "smokes": False},
    "quoted": {"age": 1, "income": 4.0, "job": 'a"b,c\r\n1,2,smith,3,1\n', "grade": 1, "smokes": 1},
}
"""Rows that break programs which trust their data; None is a missing value."""


def dataset(relation: str = "add-remove") -> Dataset:
    """The public description, with an identifier that no release reads."""
    columns = {
        name: {"sensitivity": "plain", "source": _BECAUSE, **column}
        for name, column in COLUMNS.items()
    }
    spec = {
        "population": "made-up",
        "neighboring": relation,
        "unit": {"row": "person", "max_rows_per_person": 1, "source": "made up"},
        "rows": {"at_most": 100_000},
        "columns": {**columns, "name": {"type": "identifier", "sensitivity": "direct"}},
    }
    return Dataset.model_validate(
        {
            "apiVersion": "dpgate/v1",
            "kind": "Dataset",
            "metadata": {"name": "made-up", "steward": "tests"},
            "spec": spec,
        }
    )


def domain(names: tuple[str, ...] = tuple(COLUMNS)) -> Domain:
    """Cells of the named columns."""
    return domain_of(dataset(), names)


def rows(count: int, seed: int = 7) -> list[Row]:
    """Correlated rows, the same for the same arguments."""
    rng = np.random.default_rng(seed)
    made: list[Row] = []
    for _ in range(count):
        age = int(rng.integers(0, 100))
        old = age > 50
        made.append(
            {
                "age": age,
                "income": None
                if rng.random() < 0.05
                else float(rng.random() * (4000 if old else 90)),
                "job": "smith" if old and rng.random() < 0.9 else "clerk",
                "grade": int(rng.choice([1, 2, 3, 5])),
                "smokes": bool(rng.random() < (0.8 if old else 0.1)),
            }
        )
    return made


def table(made: list[Row]) -> pa.Table:
    """Rows as Arrow columns."""
    kinds = {
        "age": pa.int64(),
        "income": pa.float64(),
        "job": pa.string(),
        "grade": pa.int64(),
        "smokes": pa.bool_(),
    }
    return pa.table(
        {
            name: pa.array([_fitting(row[name], kind) for row in made], kind)
            for name, kind in kinds.items()
        }
    )


def _fitting(value: Any, kind: pa.DataType) -> Any:
    return bool(value) if value is not None and pa.types.is_boolean(kind) else value
