"""Noise of each marginal that a release may measure, from public values alone. No data, no NumPy.

A table of m cells with noise of standard deviation σ on each is off by ½·Σ|noise| records: so many
stand in a wrong cell. Divided by the number of rows that is the total variation distance between the
measured table and the true one. Its mean is m·σ·√(2/π)/2; its 95 % bound follows from the normal
approximation with the correction for skewness (Cornish and Fisher), which is exact for one cell.

What a model makes of the tables is another matter: it leaves dependences out (model error, which no
figure here includes), and it merges rare cells and reconciles tables, which lowers the noise.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from heapq import nlargest
from itertools import combinations, combinations_with_replacement

from dpgate.accounting.rounding import significant_up
from dpgate.gate.results import MarginalNoise
from dpgate.model.domain import Domain
from dpgate.model.values import plain
from dpgate.model.workload import Workload
from dpgate.synthesis.interface import NORMAL_95, NoiseRow

_ABOVE_95 = 1.644854
"""Normal quantile that 5 % lie above."""
_SKEWNESS = 0.995272
"""Of the absolute value of a normal number."""
_PAIRS = 300
"""Two-way marginals that are listed, those with the most cells first."""


def marginals(
    domain: Domain, rows: Sequence[NoiseRow], total: int, workload: Workload | None = None
) -> tuple[MarginalNoise, ...]:
    """Noise of every one-way marginal, of the two-way ones with the most cells, and of those named.

    Args:
        domain: cells of the released columns.
        rows: noise per cell by order, as the synthesizer states it.
        total: number of rows that distances are relative to, ≥ 1; public.
        workload: names further marginals; None: no others.

    Privacy:
        Reads no private data.
    """
    named = _named(domain, workload) if workload else ()
    return tuple(
        of_cells(
            tuple(domain.names[place] for place in clique),
            math.prod(domain.sizes[place] for place in clique),
            row.half_width / NORMAL_95,
            total,
            named=clique in named,
        )
        for row in rows
        for clique in dict.fromkeys(
            (*_cliques(domain, row.order), *(c for c in named if len(c) == row.order))
        )
    )


def _named(domain: Domain, workload: Workload) -> tuple[tuple[int, ...], ...]:
    """The tables that a workload names, as places of columns in order."""
    tables = (*workload.subgroups, *(marginal.columns for marginal in workload.marginals))
    return tuple(tuple(sorted(domain.names.index(name) for name in table)) for table in tables)


def of_cells(
    columns: tuple[str, ...], cells: int, sigma: float, total: int, *, named: bool = False
) -> MarginalNoise:
    """Noise of one table.

    Args:
        columns: names.
        cells: number of cells, ≥ 1.
        sigma: standard deviation of the noise on each, in records.
        total: number of rows that distances are relative to.
        named: whether the workload names it.
    """
    mean, spread = math.sqrt(2 / math.pi), math.sqrt(1 - 2 / math.pi)
    quantile = _ABOVE_95 + (_ABOVE_95**2 - 1) * _SKEWNESS / (6 * math.sqrt(cells))
    expected = cells * sigma * mean / 2
    high = expected + sigma * spread * math.sqrt(cells) * quantile / 2
    return MarginalNoise(
        columns=columns,
        named=named,
        cells=cells,
        records=_figure(expected),
        records_95=_figure(high),
        tvd=_figure(min(1.0, expected / total)),
        tvd_95=_figure(min(1.0, high / total)),
    )


def _figure(value: float) -> Decimal:
    """Three significant digits, up."""
    return Decimal(plain(significant_up(Decimal(value), 3)))


def _cliques(domain: Domain, order: int) -> Iterator[tuple[int, ...]]:
    """Marginals of an order; of many pairs those with the most cells. Higher orders: none."""
    places = range(len(domain))
    if order == 1:
        yield from ((place,) for place in places)
    elif order == 2:
        yield from nlargest(
            _PAIRS, combinations(places, 2), key=lambda p: domain.sizes[p[0]] * domain.sizes[p[1]]
        )


def mean_tvd(domain: Domain, order: int, sigma: float, total: int) -> float:
    """Expected total variation distance by noise alone, averaged over all marginals of an order.

    Each is counted as at most 1, which is as wrong as a table can be.
    """
    one = sigma * math.sqrt(2 / math.pi) / (2 * total)
    found = tables(domain, order)
    return sum(min(1.0, cells * one) * many for cells, many in found.items()) / found.total()


def tables(domain: Domain, order: int) -> Counter[int]:
    """How many marginals of an order, 1 or 2, have so many cells.

    By distinct sizes of columns, since a thousand columns have half a million pairs.
    """
    columns = Counter(domain.sizes)
    if order == 1:
        return columns
    found: Counter[int] = Counter()
    for (a, many), (b, more) in combinations_with_replacement(columns.items(), 2):
        found[a * b] += many * (many - 1) // 2 if a == b else many * more
    return +found
