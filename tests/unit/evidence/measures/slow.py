"""Definitions of measures in exact fractions, row by row, without arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from tests.suites import worlds
from tests.suites.measures import Private, Row, cell_of

SIZES = dict(zip(worlds.COLUMNS, worlds.domain().sizes, strict=True))
COLUMNS = dict(zip(worlds.COLUMNS, worlds.domain().columns, strict=True))


def rows_of(private: Sequence[Private]) -> list[Row]:
    return [row for row, _ in private]


def table(rows: Sequence[Row], *names: str) -> Counter[tuple[int, ...]]:
    return Counter(tuple(cell_of(name, row[name]) for name in names) for row in rows)


def expected(released: Sequence[Row], total: int, *names: str) -> dict[tuple[int, ...], Fraction]:
    """Rows that each cell should hold, as the release has it."""
    return {
        cell: Fraction(total * number, len(released))
        for cell, number in table(released, *names).items()
    }


def huber(found: Fraction | int, wanted: Fraction) -> Fraction:
    """d·h((x − e)/d), the parabola unbroken."""
    base = max(wanted, Fraction(5))
    r = abs(found - wanted) / base
    return base * (r * r if r <= 1 else 2 * r - 1)


def mean_of(parts: Sequence[Fraction]) -> Fraction:
    return sum(parts, Fraction(0)) / len(parts)


def clipped(value: Fraction, most: int = 1) -> Fraction:
    return min(value, Fraction(most))
