"""The budget of a release of statistics, and how far its noise reaches. No NumPy, no data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from dpgate.accounting.calibrate import Budget, gaussian_event, laplace_event, selection_event
from dpgate.accounting.rounding import significant_up
from dpgate.errors import StatisticsError
from dpgate.model.event import Event
from dpgate.model.statistics import CountQuery, MeanQuery, QuantilesQuery, SumQuery, TopQuery
from dpgate.model.values import plain
from dpgate.statistics.tails import ALPHA, half_width, rank_margin, trailing
from dpgate.statistics.task import Ask, Role, Task


@dataclass(frozen=True, kw_only=True)
class Margin:
    """Half-width of the 95 % interval that noise alone implies.

    Attributes:
        query: name of the query.
        what: which of its numbers.
        half_width: in `unit`, rounded up.
        unit: rows, or the column that the query is about.
        useless: half-width at which the answer says nothing that the documents do not.
    """

    query: str
    what: str
    half_width: Decimal
    unit: str
    useless: Decimal


def plan(task: Task, budget: Budget) -> tuple[Event, ...]:
    """One event for each vector of each query.

    Args:
        task: public.
        budget: for all queries together; each gets its share, and each of its vectors a share of
            that.

    Returns:
        Events named `statistics.QUERY.count` and so on, each run once (a selection: k times), that
        cost at most the budget together.

    Raises:
        StatisticsError: Gaussian noise is asked for under pure ε.
        AccountingError: the budget is too small.
    """
    return tuple(
        _event(ask, role, budget.part(ask.share * share))
        for ask in task.asks
        for role, share in ask.roles.items()
    )


def _event(ask: Ask, role: Role, budget: Budget) -> Event:
    name, distance = ask.event_name(role), ask.distance(role)
    if role == "select":
        assert isinstance(ask.query, TopQuery)  # noqa: S101 - alone in selecting
        return selection_event(
            name=name, budget=budget, times=ask.query.k, sensitivity=distance.l1,
            relation=ask.relation,
        )  # fmt: skip
    if ask.noise == "laplace":
        return laplace_event(
            name=name, budget=budget, times=1, sensitivity=distance.l1, relation=ask.relation
        )
    if budget.measure != "rho":
        raise StatisticsError(
            f"query {ask.query.name}: Gaussian noise has no pure epsilon",
            fix="say noise: laplace, or a delta above 0",
        )
    return gaussian_event(
        name=name, rho=budget.amount, times=1, sensitivity_squared=distance.l2_squared,
        relation=ask.relation,
    )  # fmt: skip


def margins(task: Task, events: Sequence[Event]) -> tuple[Margin, ...]:
    """How far noise alone can carry each query's numbers from the truth."""
    named = {event.name: event for event in events}
    return tuple(margin for ask in task.asks for margin in _margins(task, ask, named))


def _margins(task: Task, ask: Ask, events: Mapping[str, Event]) -> Iterator[Margin]:
    query = ask.query
    rows, unit = Decimal(task.rows), f"{task.row}s"
    if isinstance(query, TopQuery):
        behind = trailing(events[ask.event_name("select")], _values(task, ask))
        yield _margin(ask, "a chosen value may trail one left out by", behind, unit, rows)
    if isinstance(query, CountQuery | TopQuery):
        each = half_width(events[ask.event_name("count")])
        yield _margin(ask, "each count", each, unit, rows)
    elif isinstance(query, QuantilesQuery):
        event, bins = events[ask.event_name("count")], _values(task, ask)
        worst = max(rank_margin(event, float(share), bins) for share in query.at)
        yield _margin(ask, "rank of each quantile", worst, unit, rows)
    elif isinstance(query, SumQuery) and ask.grid is not None:
        half = ask.grid.value(half_width(events[ask.event_name("sum")]))
        most = rows * ask.grid.value(ask.grid.largest)
        yield _margin(ask, "each sum", half, query.of, most)
    elif isinstance(query, MeanQuery) and ask.grid is not None:
        half = mean_half_width(ask, events, query.group_of)
        # Judged at the largest group there can be: a small one may well be lost in the noise.
        lost = mean_half_width(ask, events, task.rows) >= ask.grid.value(ask.grid.radius)
        what = f"mean of {query.group_of:,} {unit}"
        yield _margin(ask, what, half, query.of, half if lost else Decimal("Infinity"))


def mean_half_width(ask: Ask, events: Mapping[str, Event], size: int) -> Decimal:
    """How far the mean of a group of `size` rows can be from the middle of its interval.

    From intervals of sum and count at 97.5 % each; a count that came out low makes it wider, and
    the sum is as far from the origin as the bounds allow. Never above the width of the bounds.
    """
    assert ask.grid is not None  # noqa: S101 - a mean has a grid
    grid = ask.grid
    wide = grid.high - grid.low
    total = half_width(events[ask.event_name("sum")], ALPHA / 2)
    count = half_width(events[ask.event_name("count")], ALPHA / 2)
    if size <= 2 * count:
        return grid.value(wide)
    half = min(Fraction(total + grid.radius * count, size - 2 * count), Fraction(wide))
    return grid.value(math.ceil(half * 1000)) / 1000


def _values(task: Task, ask: Ask) -> int:
    """Bins or listed values of the column that a query is about, the null cell left out."""
    assert ask.of is not None  # noqa: S101 - narrows the type
    column = task.column(ask.of)
    return len(column.lows or column.values)


def _margin(ask: Ask, what: str, half: float | Decimal, unit: str, useless: Decimal) -> Margin:
    shown = significant_up(Decimal(half), 4)
    return Margin(query=ask.query.name, what=what, half_width=shown, unit=unit, useless=useless)


def shortfalls(task: Task, margins_: Sequence[Margin]) -> Iterator[tuple[int, str, str]]:
    """Queries whose noise is above what their author accepts, or above anything it could measure.

    Yields:
        The query's place, what is wrong, and what to do.
    """
    places = {ask.query.name: place for place, ask in enumerate(task.asks)}
    for margin in margins_:
        place = places[margin.query]
        limit = task.asks[place].query.error_at_most
        stated = f"query {margin.query}: {margin.what} ±{plain(margin.half_width)} {margin.unit}"
        more = "more epsilon, a higher weight, or fewer queries"
        if limit is not None and margin.half_width > limit:
            yield place, f"{stated}, error_at_most is {plain(limit)}", more
        elif margin.half_width >= margin.useless:
            yield place, f"{stated}: noise as large as anything that could be measured", more
