"""Directed models as plain arrays: what MST, AIM and their like learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dpgate.model.domain import Domain
from dpgate.synthesis.interface import Model
from dpgate.synthesis.kept.arrays import SLACK, broken, probabilities
from dpgate.synthesis.kept.container import Parts
from dpgate.synthesis.kept.formats import described
from dpgate.synthesis.sampling.directed import Coarsening, DirectedModel, Step

if TYPE_CHECKING:
    from dpgate.synthesis.kept.container import Array
    from dpgate.synthesis.sampling.ancestral import Table


class DirectedFormat:
    """Kind `directed`; a member of the `Format` protocol."""

    def holds(self, model: Model) -> bool:
        """Whether the model is of this kind."""
        return isinstance(model, DirectedModel)

    def pack(self, model: Model, stamp: Mapping[str, str], domain: Domain) -> Parts:
        """The model in plain values: how cells were merged, a table for each step, the total."""
        if not isinstance(model, DirectedModel):
            raise TypeError(f"no directed model: {type(model).__name__}")
        arrays: dict[str, Array] = {"total": np.array([model.total], dtype=np.float64)}
        for place, column in enumerate(model.columns):
            arrays[f"cells.{place}"] = column.cells.astype(np.int64)
            arrays[f"within.{place}"] = column.within.astype(np.float64)
        for place, step in enumerate(model.steps):
            arrays[f"table.{place}"] = step.table.astype(np.float64)
        steps = [{"column": step.column, "parents": list(step.parents)} for step in model.steps]
        return Parts(
            kind="directed",
            stamp=stamp,
            domain=tuple(described(column) for column in domain.columns),
            facts={"steps": steps},
            arrays=arrays,
        )

    def unpack(self, parts: Parts, domain: Domain) -> DirectedModel:
        """The model again, if it is one of this domain.

        Raises:
            SynthesisError: it is not.
        """
        steps = _steps(parts.facts, len(domain))
        wanted = {"total", *(f"table.{place}" for place in range(len(steps)))}
        wanted |= {
            f"{what}.{place}" for what in ("cells", "within") for place in range(len(domain))
        }
        if parts.arrays.keys() != wanted:
            raise broken("arrays are missing, or too many")
        (total,) = probabilities(parts.arrays["total"], (1,), "the total")
        columns = tuple(
            _coarsening(parts, place, size, domain.names[place])
            for place, size in enumerate(domain.sizes)
        )
        try:
            return DirectedModel(
                domain=domain,
                columns=columns,
                steps=tuple(
                    Step(column=column, parents=parents, table=_table(parts, place))
                    for place, (column, parents) in enumerate(steps)
                ),
                total=float(total),
            )
        except ValueError as error:
            raise broken(str(error)) from None


def _steps(facts: Mapping[str, Any], columns: int) -> list[tuple[int, tuple[int, ...]]]:
    """Column and parents of each step: numbers of columns, whatever else the file says."""
    given = facts.get("steps")
    if facts.keys() != {"steps"} or not isinstance(given, list) or len(given) != columns:
        raise broken("steps must draw every column once")
    found: list[tuple[int, tuple[int, ...]]] = []
    for step in given:
        if not isinstance(step, dict) or step.keys() != {"column", "parents"}:
            raise broken("a step is column and parents")
        parents = step["parents"] if isinstance(step["parents"], list) else [None]
        numbers = [step["column"], *parents]
        if not all(type(n) is int and 0 <= n < columns for n in numbers):
            raise broken("a step names a column that is not there")
        if len(set(numbers)) != len(numbers):
            raise broken("a step names a column twice")
        found.append((numbers[0], tuple(numbers[1:])))
    return found


def _coarsening(parts: Parts, place: int, size: int, name: str) -> Coarsening:
    within = probabilities(parts.arrays[f"within.{place}"], (size,), f"column {name}")
    cells = parts.arrays[f"cells.{place}"]
    if cells.dtype.kind != "i" or cells.shape != (size,):
        raise broken(f"column {name} has other cells")
    merged = np.unique(cells)
    if not np.array_equal(merged, np.arange(len(merged))):
        raise broken(f"column {name}: merged cells are not numbered from 0 without gaps")
    whole = cells.astype(np.int64)
    if np.abs(np.bincount(whole, weights=within) - 1.0).max() > SLACK:
        raise broken(f"column {name}: shares within merged cells do not sum to 1")
    return Coarsening(cells=whole, within=within)


def _table(parts: Parts, place: int) -> Table:
    given = parts.arrays[f"table.{place}"]
    if given.ndim != 2 or not given.size:
        raise broken(f"table {place} has {given.ndim} axes")
    table = probabilities(given, given.shape, f"table {place}")
    if np.abs(table.sum(axis=1) - 1.0).max() > SLACK:
        raise broken(f"table {place}: a line does not sum to 1")
    return table
