"""A column of every kind, with the odd ones among them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from dpgate.model.columns import Column
from dpgate.model.domain import ColumnDomain, column_domain

COLUMNS: TypeAdapter[Any] = TypeAdapter(Column)


def column(kind: str, domain: Any = None, **more: Any) -> Any:
    """A column as a Dataset describes it."""
    given = {} if domain is None else {"domain": domain}
    source = {"public_codebook": "page 7"}
    return COLUMNS.validate_python(
        {"type": kind, "sensitivity": "phi", "source": source, **given, **more}
    )


def cells(kind: str, domain: Any = None, **more: Any) -> ColumnDomain:
    """Its cells."""
    return column_domain("c", column(kind, domain, **more))


CODES = tuple(f"{letter}{number:03}" for letter in "ABCDEFGHIJ" for number in range(1000))
"""10,000 categories."""

KINDS: dict[str, ColumnDomain] = {
    "years": cells("date", {"min": "1900-01-01", "max": "2020-02-29", "bins": "year"}),
    "weeks": cells("date", {"min": "2019-12-30", "max": "2020-03-02", "bins": "week"}),
    "days": cells("date", {"min": "2020-01-01", "max": "2020-12-31", "bins": "day"}, nullable=True),
    "recent": cells(
        "date",
        {"min": "1990-01-01", "max": "2020-12-31", "bins": "log", "finest_at": "2020-12-31",
         "within": "log"},
    ),
    "edges": cells(
        "date", {"min": "2020-01-01", "max": "2020-12-31",
                 "bins": (dt.date(2020, 1, 1), dt.date(2020, 3, 15), dt.date(2020, 12, 31))},
    ),
    "seconds": cells("timestamp", {"min": "2015-01-01", "max": "2020-12-31"}, nullable=True),
    "hours": cells(
        "timestamp",
        {"min": "2020-03-28T12:30", "max": "2020-03-30", "precision": "hour", "bins": "hour"},
    ),
    "micros": cells(
        "timestamp",
        {"min": "1700-01-01", "max": "9999-12-31", "precision": "microsecond", "bins": 7},
    ),
    "millis": cells(
        "timestamp",
        {"min": "1969-12-31T23:59:59.5", "max": "1970-01-01T00:00:01", "precision": "millisecond",
         "bins": 3, "within": "lowest"},
    ),
    "paris": cells(
        "timestamp", {"min": "2020-01-01", "max": "2020-12-31", "bins": "day"},
        timezone="Europe/Paris",
    ),
    "profit": cells(
        "number", {"min": -1000, "max": 100_000, "bins": "log", "within": "log"}, decimals=2
    ),
    "balance": cells("integer", {"min": -1000, "max": 5000, "bins": "log", "within": "log"}),
    "loss": cells("integer", {"min": -900, "max": -10, "bins": "log"}),
    "equal": cells("integer", {"min": -50, "max": 50, "bins": 3, "within": "log"}),
    "cost": cells("decimal", {"min": 0, "max": 1_000_000, "bins": "log"}, nullable=True),
    "signed": cells("decimal", {"min": Decimal("-12.50"), "max": 30, "bins": 9, "within": "lowest"}),
    "codes": cells("category", CODES),
    "zip": cells("zip", nullable=True),
    "zips": cells("zip", ("021", "100", "902"), other="100", within="lowest"),
    "exact": cells("zip", digits=3),
}  # fmt: skip
