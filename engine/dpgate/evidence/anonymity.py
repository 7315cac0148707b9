"""Groups of released rows that share their quasi-identifiers: public, about the output alone.

Uniqueness, k-anonymity (Sweeney 2002) and l-diversity (Machanavajjhala and others 2007) are properties of
a table, not of the process that made it. Of made-up rows they say how many look as if they were one person
to somebody who takes them for real ones. They are no guarantee: a table of copies can have a high k, and a
differentially private one a k of 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from dpgate.accounting.rounding import up
from dpgate.evidence.disclosure import PublicResult
from dpgate.model.columns import DomainColumn

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from dpgate.model.dataset import Dataset
    from dpgate.model.domain import Domain

NO_GUARANTEE = "a property of the released rows alone, by public cells; it is no guarantee for anybody in the data"
PLACES = 6


def anonymity(released: pa.Table, domain: Domain, dataset: Dataset) -> tuple[PublicResult, ...]:
    """Uniqueness, k-anonymity and l-diversity of the output.

    Args:
        released: the rows as they will be written, at least one.
        domain: of the columns that are learned.
        dataset: names quasi-identifiers.

    Returns:
        Nothing where no quasi-identifier is released; no l-diversity where every column is one.
        Values: a share of rows; rows of the smallest group; the fewest values in a group, of the
        column where that is least.

    Privacy:
        Reads the synthetic table alone.
    """
    names = domain.names
    columns = dataset.spec.columns
    identifying = [c for c, name in enumerate(names) if _identifying(columns.get(name))]
    if not identifying or not released.num_rows:
        return ()
    groups = _Groups(released, domain, identifying)
    by = ", ".join(names[c] for c in identifying)[:300]
    results = [
        _result(
            "uniqueness", Fraction(groups.alone, groups.rows), f"rows that nobody shares: {by}"
        ),
        _result("k_anonymity", Fraction(groups.smallest), f"rows of the smallest group by {by}"),
    ]
    others = [c for c in range(len(names)) if c not in identifying]
    if others:
        fewest = {names[c]: groups.fewest(c) for c in others}
        least = min(fewest, key=lambda name: fewest[name])
        told = [f"{name}: {fewest[name]}" for name in _fewest_first(fewest)]
        results.append(
            _result(
                "l_diversity",
                Fraction(fewest[least]),
                f"fewest different values of {least} in a group by {by}",
                told,
            )
        )
    return tuple(results)


def _fewest_first(fewest: dict[str, int]) -> list[str]:
    """Columns, those with the fewest values first."""
    return sorted(fewest, key=lambda name: fewest[name])[:50]


def _identifying(column: object) -> bool:
    return isinstance(column, DomainColumn) and column.quasi_identifier


def _result(metric: str, value: Fraction, what: str, more: Sequence[str] = ()) -> PublicResult:
    return PublicResult(
        disclosure="public",
        metric=metric,
        value=Decimal(int(value)) if value.denominator == 1 else up(value, PLACES),
        details=(what, NO_GUARANTEE, *more),
    )


class _Groups:
    """Groups of rows; memory is that of one number a row, whatever the columns hold."""

    def __init__(self, released: pa.Table, domain: Domain, columns: Sequence[int]) -> None:
        import numpy as np

        from dpgate.sources.arrow import table_source

        self._source, self._columns = table_source(released, domain), columns
        self.rows = released.num_rows
        codes = np.zeros(self.rows, dtype=np.int64)
        for column in columns:
            codes = np.unique(codes << 16 | self._cells(column), return_inverse=True)[1]
        self._codes = codes
        sizes = np.bincount(codes)
        self.smallest = int(sizes.min())
        self.alone = int((sizes == 1).sum())

    def fewest(self, column: int) -> int:
        """The smallest number of different cells of a column within a group."""
        import numpy as np

        pairs = np.unique(self._codes << 16 | self._cells(column))
        return int(np.bincount(pairs >> 16).min())

    def _cells(self, column: int) -> NDArray[np.int64]:
        import numpy as np

        parts = [batch[column].astype(np.int64) for batch in self._source.rows((column,))]
        return np.concatenate(parts)
