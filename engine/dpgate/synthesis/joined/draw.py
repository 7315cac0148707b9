"""Rows of the second table for persons who were drawn: as many as each has, given their context.

One conditional model serves all persons of a context. It is exact where the model can be
conditioned on that context; where the model gives the context probability 0, on as many of its
columns as it can, in the manifest's order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dpgate.errors import SynthesisError
from dpgate.sources.encode import encode
from dpgate.synthesis.joined.finish import Finish
from dpgate.synthesis.redraw import Conditionable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dpgate.synthesis.interface import Model, Progress

    Numbers = NDArray[np.int64]

_ROWS_AT_ONCE = 2**20
"""Rows that are drawn together, a person's more or less: the more, the fewer draws a context takes."""
_MODELS_KEPT = 256
"""Conditional models that wait for the next rows of their context."""


def rows_of(
    persons: pa.Table, model: Model, finish: Finish, progress: Progress
) -> Iterator[pa.RecordBatch]:
    """Rows of all persons, in the order of the persons.

    Args:
        persons: as `Finish.persons` finished them.
        model: of the second table, over `Tables.rows_domain`.
        finish: of both tables.
        progress: told about the stage `sample`.

    Returns:
        Batches of `Finish.joined`.

    Raises:
        SynthesisError: the model cannot be conditioned.

    Privacy:
        Post-processing: reads drawn persons and a model. Draws from generators seeded by the
        operating system's entropy.
    """
    draws = _Draws(model, finish)
    rng = np.random.default_rng()  # seeded by the operating system's entropy
    done = first_row = 0
    for people in _portions(persons, finish.tables.joined.table):
        batch = draws(people, first_row, rng)
        done, first_row = done + people.num_rows, first_row + batch.num_rows
        yield batch
        progress("sample", done / persons.num_rows)


def _portions(persons: pa.Table, number: str) -> Iterator[pa.RecordBatch]:
    """Consecutive persons, so few that their rows fit into memory."""
    for batch in persons.to_batches(max_chunksize=_ROWS_AT_ONCE):
        upto = np.cumsum(batch.column(number).to_numpy())
        start = 0
        while start < batch.num_rows:
            before = upto[start - 1] if start else 0
            end = int(np.searchsorted(upto, before + _ROWS_AT_ONCE, side="right"))
            end = max(end, start + 1)
            yield batch.slice(start, end - start)
            start = end


class _Draws:
    """Draws rows by context."""

    def __init__(self, model: Model, finish: Finish) -> None:
        if not isinstance(model, Conditionable):
            raise SynthesisError(
                "this synthesizer's models cannot be conditioned on a person's columns",
                fix="synthesize with mst, aim or independent",
            )
        self._model = model
        self._finish = finish
        self._columns = finish.tables.rows_domain.columns[: len(finish.tables.context)]
        self._sizes = tuple(column.size for column in self._columns)
        self._given = lru_cache(maxsize=_MODELS_KEPT)(self._conditioned)

    def __call__(
        self, people: pa.RecordBatch, first_row: int, rng: np.random.Generator
    ) -> pa.RecordBatch:
        """The rows of some persons."""
        counts = people.column(self._finish.tables.joined.table).to_numpy()
        contexts, which = np.unique(self._contexts(people), return_inverse=True)
        # Persons by context, then each of them once for each of their rows.
        order = np.argsort(which, kind="stable")
        owner = np.repeat(order, counts[order])
        wanted = np.bincount(which, weights=counts, minlength=len(contexts)).astype(np.int64)
        drawn = [
            self._given(int(context)).sample(int(number), _quiet)
            for context, number in zip(contexts, wanted, strict=True)
            if number
        ] or [self._model.sample(0, _quiet)]
        back = np.argsort(owner, kind="stable")
        learned = pa.concat_tables(drawn).take(pa.array(back)).combine_chunks()
        return self._finished(learned, people.take(pa.array(owner[back])), first_row, rng)

    def _finished(
        self, learned: pa.Table, beside: pa.RecordBatch, first_row: int, rng: np.random.Generator
    ) -> pa.RecordBatch:
        """The drawn columns with those of the person, of which the model's own draw gives way."""
        finish = self._finish
        columns: Mapping[str, pa.Array] = {
            **{name: _whole(learned.column(name)) for name in finish.own.names},
            **{name: beside.column(name) for name in finish.needed},
        }
        batch = pa.record_batch(list(columns.values()), names=list(columns))
        made = finish.rows(batch, first_row, rng)
        schema = finish.joined
        return pa.record_batch(
            [
                made.column(name) if name in made.schema.names else beside.column(name)
                for name in schema.names
            ],
            schema=schema,
        )

    def _contexts(self, people: pa.RecordBatch) -> Numbers:
        """The number of each person's context."""
        number: Numbers = np.zeros(people.num_rows, dtype=np.int64)
        for column in self._columns:
            number = number * column.size + encode(people.column(column.name), column)
        return number

    def _conditioned(self, context: int) -> Model:
        """The model of rows of one context."""
        cells = np.unravel_index(context, self._sizes) if self._sizes else ()
        weights = {
            place: np.eye(size)[int(cell)]
            for place, (size, cell) in enumerate(zip(self._sizes, cells, strict=True))
        }
        assert isinstance(self._model, Conditionable)  # noqa: S101 - checked when this was made
        while weights:
            try:
                return self._model.conditioned(weights)
            except SynthesisError:
                weights.popitem()
        return self._model


def _whole(values: pa.ChunkedArray) -> pa.Array:
    """One array of what is one chunk, or none where there are no rows."""
    return values.chunk(0) if values.num_chunks else pa.array([], values.type)


def _quiet(stage: str, fraction: float) -> None:
    """Progress of a part of a batch is nobody's concern."""
