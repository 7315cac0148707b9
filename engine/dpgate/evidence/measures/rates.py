"""Parity of business metrics: the share of rows that satisfy conditions, and funnels of several steps.

Conditions are those of `dpgate sample --where`; each must follow the edges of the public bins, since rows
are counted by cells. `rate` is one step of all its conditions; step k of a `funnel` is its first
k conditions together. Value: max over steps of |c − N̂·p| / N̂, c the private number of rows that pass the step, p
the released share of them. A row passes a step or it does not, so one row more, less or
replaced moves each c by at most 1, and the maximum too: 1 record under both relations.

Exact: each column's cells are merged by the first step that they fail at, one small table is counted, and
N̂·p is rounded to steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from pydantic import ValidationError

from dpgate.errors import EvidenceError
from dpgate.evidence.measures.interface import RESOLUTION, Scene
from dpgate.evidence.measures.scalar import Scalar
from dpgate.model.conditions import Selection, label, select
from dpgate.model.domain import ColumnDomain
from dpgate.model.draw import Restriction, parse_condition
from dpgate.model.utility import Funnel, Rate

if TYPE_CHECKING:
    from dpgate.evidence.measures.subject import Subject
    from dpgate.sources.interface import Cells, MarginalSource


def of_threshold(threshold: Rate | Funnel, scene: Scene, event: str) -> Passing:
    """The measure of a threshold; a member of `dpgate.measures`."""
    steps = (
        (threshold.where,)
        if isinstance(threshold, Rate)
        else tuple(threshold.steps[: step + 1] for step in range(len(threshold.steps)))
    )
    return Passing(
        key=threshold.key, event=event, weight=threshold.weight, scene=scene, steps=steps
    )


@dataclass(frozen=True, kw_only=True)
class Passing(Scalar):
    """How many rows pass each step.

    Attributes:
        steps: conditions of each step, those of the steps before it among them.
    """

    steps: tuple[tuple[str, ...], ...]

    def passes(self) -> dict[int, tuple[int, ...]]:
        """For each column that conditions are about, how many steps each of its cells passes.

        Raises:
            EvidenceError: a condition is malformed, about no learned column, cuts a bin, or cannot hold.
        """
        columns = self.scene.domain.columns
        found: dict[int, list[int]] = {}
        for step in self.steps:
            for selection in self._selected(step):
                column = columns[selection.column]
                _uncut(selection, column)
                found.setdefault(selection.column, [len(self.steps)] * column.size)
        for number, step in enumerate(self.steps):
            for selection in self._selected(step):
                for cell, passes in enumerate(selection.cells):
                    if not passes:
                        before = found[selection.column][cell]
                        found[selection.column][cell] = min(before, number)
        return {place: tuple(passes) for place, passes in sorted(found.items())}

    def _selected(self, step: Sequence[str]) -> tuple[Selection, ...]:
        try:
            return select([_parsed(text) for text in step], self.scene.domain)
        except ValueError as error:
            raise EvidenceError(
                f"{self.key}: {error}", fix="mend the condition in utility"
            ) from None

    def moves(self) -> int:
        """One record."""
        self.passes()  # raises for conditions that cannot be counted
        return RESOLUTION

    def replaced(self) -> int:
        """One record as well: each row passes a step or it does not."""
        return self.moves()

    def statistic(self, subject: Subject) -> int:
        """The largest difference over steps."""
        private, public = (self._passed(each) for each in (subject.source, subject.counts))
        rows, total = subject.released.num_rows, subject.total
        return max(
            abs(RESOLUTION * c - round(Fraction(RESOLUTION * total * s, rows)))
            for c, s in zip(private, public, strict=True)
        )

    def _passed(self, source: MarginalSource) -> list[int]:
        """How many rows pass each step."""
        import numpy as np

        found = self.passes()
        merged: list[Cells] = [np.arange(size) for size in self.scene.domain.sizes]
        numbers = {}
        for place, passes in found.items():
            numbers[place], merged[place] = np.unique(passes, return_inverse=True)
        table = source.count([tuple(found)], merged=merged)[0]
        first = np.full(table.shape, len(self.steps))
        for axis, place in enumerate(found):
            shape = [-1 if other == axis else 1 for other in range(table.ndim)]
            first = np.minimum(first, numbers[place].reshape(shape))
        return [int(table[first > step].sum()) for step in range(len(self.steps))]


def _parsed(text: str) -> Restriction:
    try:
        return parse_condition(text)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ValueError(f"{text!r}: {said}") from None


def _uncut(selection: Selection, column: ColumnDomain) -> None:
    """Refuses a condition that rows of one bin answer differently."""
    for condition, cells in selection.bounds:
        cut = [cell for cell in cells if selection.cells[cell]]
        if not cut:
            continue
        where = label(column, cut[0])
        raise EvidenceError(
            f"{condition} cuts the bin {where}: rows are counted by whole bins",
            fix=f"move the bound to an edge of {where}, or declare an edge of {column.name} "
            f"at {'|'.join(condition.values)}",
        )
