"""Rows drawn again from a kept model, under conditions or balanced over a column.

A graphical model is conditioned exactly on public cells, at the cost of one pass. Where a bound
cuts a bin, and for models that cannot be conditioned, rows are drawn until enough satisfy it: so
every row does, and their distribution is the model's own given the conditions. The same holds for
conditions on columns that constraints may change: rows are judged by what they will be released as.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dpgate.errors import SynthesisError, UsageError
from dpgate.model.conditions import Selection, label, select, strata, value_of
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.model.draw import Draw, Restriction
from dpgate.sources.encode import encode
from dpgate.synthesis.finish.finisher import Finisher
from dpgate.synthesis.interface import Model, Progress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_ROWS_AT_ONCE = 2**20
_LEAST = 1e-4
"""Share of drawn rows that must satisfy conditions; below it drawing on would take for ever."""
_PATIENCE = 2**21
"""Rows that are drawn before that share is believed."""


@runtime_checkable
class Conditionable(Protocol):
    """A model that can be conditioned on cells, exactly."""

    def conditioned(self, weights: Mapping[int, NDArray[np.float64]]) -> Model:
        """See `dpgate.synthesis.sampling.directed.DirectedModel.conditioned`."""


def batches(
    model: Model, finish: Finisher, draw: Draw, progress: Progress
) -> Iterator[pa.RecordBatch]:
    """Rows of one draw, a batch at a time, in random order.

    Args:
        model: the kept model.
        finish: what is done to its rows afterwards, by public rules.
        draw: how many rows, under which conditions, balanced over what.
        progress: told about the stage `sample`.

    Returns:
        Learned columns, not finished yet.

    Raises:
        UsageError: the conditions are not about the model's columns and values.
        SynthesisError: no row of the model satisfies them, or hardly any.

    Privacy:
        Post-processing of a released model; no private data is read, and nothing is spent.
    """
    wells = _wells(model, finish, draw)
    mixed = np.random.default_rng()  # seeded by the operating system's entropy
    done = 0
    while done < draw.rows:
        size = min(_ROWS_AT_ONCE, draw.rows - done)
        shares = np.full(len(wells), size // len(wells))
        shares[mixed.permutation(len(wells))[: size % len(wells)]] += 1
        parts = [w.take(int(share)) for w, share in zip(wells, shares, strict=True) if share]
        yield parts[0] if len(wells) == 1 else _shuffled(parts, mixed)
        done += size
        progress("sample", done / draw.rows)


def _shuffled(parts: Sequence[pa.RecordBatch], rng: np.random.Generator) -> pa.RecordBatch:
    whole = pa.concat_batches(parts)
    return whole.take(pa.array(rng.permutation(whole.num_rows)))


def _wells(model: Model, finish: Finisher, draw: Draw) -> list[_Well]:
    """What is drawn from: one model, or one for each value that is to be balanced."""
    domain = finish.domain
    try:
        selections = select(draw.where, domain)
        balanced = strata(draw.balance, domain, selections) if draw.balance else None
    except ValueError as error:
        raise UsageError(
            str(error), fix="see the release's card.md for columns and values"
        ) from None
    if balanced is None:
        said = " and ".join(map(str, draw.where)) or "any row"
        return [_Well(model, finish, selections, said)]
    place, cells = balanced
    column = domain.columns[place]
    if len(cells) > 1_000:
        raise UsageError(
            f"{column.name} has {len(cells):,} values, too many to balance (at most 1,000)",
            fix=f"list those that matter: --balance {column.name}=A|B",
        )
    wells = []
    for cell in cells:
        only = tuple(other == cell for other in range(column.size))
        kept = [s for s in selections if s.column != place]
        bounds = next((s.bounds for s in selections if s.column == place), ())
        chosen = Selection(column=place, cells=only, bounds=bounds)
        wells.append(_Well(model, finish, (*kept, chosen), label(column, cell)))
    return wells


@dataclass
class _Well:
    """A model and what its rows must satisfy; rows that are left over wait for the next batch."""

    model: Model
    finish: Finisher
    selections: tuple[Selection, ...]
    said: str
    rng: np.random.Generator = field(default_factory=np.random.default_rng)
    left: list[pa.RecordBatch] = field(default_factory=list)
    drawn: int = 0
    accepted: int = 0

    def take(self, rows: int) -> pa.RecordBatch:
        """So many rows that satisfy everything."""
        have = sum(batch.num_rows for batch in self.left)
        model = self._conditioned()
        while have < rows:
            for batch in self._drawn(model, rows - have):
                kept = self._kept(batch)
                self.drawn += batch.num_rows
                self.accepted += kept.num_rows
                self.left.append(kept)
                have += kept.num_rows
            if self.drawn > _PATIENCE and self.accepted < _LEAST * self.drawn:
                raise SynthesisError(
                    f"hardly any row satisfies {self.said}: {self.accepted} of {self.drawn:,} drawn",
                    fix=_edges(self.selections, self.finish.domain),
                )
        whole = pa.concat_batches(self.left)
        self.left = [whole.slice(rows)]
        return whole.slice(0, rows)

    def _conditioned(self) -> Model:
        """The model on the cells that are left; made anew for each batch, since many would not fit."""
        if not isinstance(self.model, Conditionable):
            return self.model
        weights = {
            s.column: np.array(s.cells, dtype=np.float64)
            for s in self.selections
            if self.finish.domain.names[s.column] not in self.finish.changed
        }
        if not weights:
            return self.model
        try:
            return self.model.conditioned(weights)
        except SynthesisError as error:
            raise SynthesisError(
                f"{error.message}: {self.said}",
                fix="the model gives it probability 0; ask for fewer conditions, or for other values "
                "(to balance some values alone: --balance COLUMN=A|B)",
            ) from None

    def _drawn(self, model: Model, wanted: int) -> Iterator[pa.RecordBatch]:
        share = (self.accepted + 1) / (self.drawn + 1)
        rows = wanted if self.accepted == self.drawn else int(1.1 * wanted / share) + 64
        table = model.sample(min(rows, _ROWS_AT_ONCE), _quiet)
        yield from table.combine_chunks().to_batches()

    def _kept(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self.selections and self.finish.changed:
            batch = self.finish.constrained(batch, 0, self.rng)
        good = np.ones(batch.num_rows, dtype=np.bool_)
        for selection in self.selections:
            values = batch.column(selection.column)
            column = self.finish.domain.columns[selection.column]
            good &= np.array(selection.cells)[encode(values, column)]
            for condition, _ in selection.bounds:
                good &= _satisfied(values, condition, column)
        return batch if good.all() else batch.filter(pa.array(good))


def _quiet(stage: str, fraction: float) -> None:
    """Progress of a part of a batch is nobody's concern."""


_COMPARED: dict[str, Callable[..., pa.Array]] = {
    ">=": pc.greater_equal,
    ">": pc.greater,
    "<=": pc.less_equal,
    "<": pc.less,
    "=": pc.equal,
}


def _satisfied(values: pa.Array, condition: Restriction, column: ColumnDomain) -> NDArray[np.bool_]:
    """Whether values satisfy a condition; a missing one equals the empty value alone."""
    operator = "=" if condition.operator == "!=" else condition.operator
    found = np.zeros(len(values), dtype=np.bool_)
    for text in condition.values:
        if not text and column.null is not None:
            found |= values.is_null().to_numpy(zero_copy_only=False)
            continue
        # Decimals of more places than the column has can equal none of its values.
        bound = pa.scalar(value_of(text, column))
        compared = _COMPARED[operator](values, bound)
        found |= pc.fill_null(compared, False).to_numpy(zero_copy_only=False)  # noqa: FBT003
    return ~found if condition.operator == "!=" else found


def _edges(selections: Sequence[Selection], domain: Domain) -> str:
    """The bins that conditions cut, for people."""
    cut = [
        label(domain.columns[selection.column], cell)
        for selection in selections
        for _, cells in selection.bounds
        for cell in cells
    ]
    if not cut:
        return "ask for other values, or for fewer conditions"
    shown = ", ".join(cut[:4]) + (", …" if len(cut) > 4 else "")
    return f"values within a bin are drawn by a public rule; bounds at its edges keep whole bins: {shown}"
