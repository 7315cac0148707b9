"""Measuring the queries: everything is counted first, then each vector goes through its mechanism."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dpgate.model.event import Event
from dpgate.model.statistics import CountQuery, MeanQuery, QuantilesQuery, SumQuery, TopQuery
from dpgate.sources.interface import Sum
from dpgate.statistics import interval
from dpgate.statistics.table import Answer, answer
from dpgate.statistics.task import Ask, Role, Task

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import Counts, MarginalSource

    Vectors: TypeAlias = dict[Role, Counts]

Progress = Callable[[str, float], None]


def measure(
    task: Task,
    events: Sequence[Event],
    source: MarginalSource,
    mechanisms: Mechanisms,
    progress: Progress,
) -> tuple[Answer, ...]:
    """Answers every query.

    Args:
        task: as planned.
        events: what `dpgate.statistics.plan.plan` returned.
        source: private counts and sums over the task's domain.
        mechanisms: the session that the events were reserved in.
        progress: told about the stages `count` and `measure`.

    Returns:
        One table for each query, in their order.

    Raises:
        SourceError: the data became unreadable.

    Privacy:
        Reads private data in `_exact` alone; every vector of it goes through the mechanism of its
        event, once (a selection: k times). The rest is post-processing.
    """
    named = {event.name: event for event in events}
    progress("count", 0.0)
    vectors = _exact(task, source)
    answers = []
    for place, (ask, exact) in enumerate(zip(task.asks, vectors, strict=True)):
        answers.append(_answered(task, ask, exact, named, mechanisms))
        progress("measure", (place + 1) / len(task.asks))
    return tuple(answers)


def _exact(task: Task, source: MarginalSource) -> list[Vectors]:
    """The exact vectors of each query, in as few passes over the data as they allow.

    Privacy:
        Private. Each is at most `Ask.distance` apart on neighboring datasets.
    """
    found: list[Vectors] = [{} for _ in task.asks]
    _counted(task, source, found)
    summed = [place for place, ask in enumerate(task.asks) if "sum" in ask.roles]
    totals = source.sums([_sum(task.asks[place]) for place in summed])
    for place, total in zip(summed, totals, strict=True):
        found[place]["sum"] = total
    return found


def _counted(task: Task, source: MarginalSource, found: list[Vectors]) -> None:
    """Counts of rows; a mean counts those alone that have a value."""
    groups: dict[int | None, list[int]] = {}
    for place, ask in enumerate(task.asks):
        if "count" in ask.roles:
            apart = ask.of if _partial(task, ask) else None
            groups.setdefault(apart, []).append(place)
    for apart, places in groups.items():
        cliques = [_clique(task.asks[place], apart) for place in places]
        merged = None if apart is None else _null_apart(task, apart)
        for place, table in zip(places, source.count(cliques, merged=merged), strict=True):
            found[place]["count"] = _shaped(task, task.asks[place], table, apart)


def _partial(task: Task, ask: Ask) -> bool:
    """Whether a group can hold rows that have no value: for a mean of a nullable column."""
    if not isinstance(ask.query, MeanQuery) or ask.of is None or ask.of in ask.by:
        return False
    return task.column(ask.of).null is not None


def _clique(ask: Ask, apart: int | None) -> tuple[int, ...]:
    if apart is not None:
        return (*ask.by, apart)
    if isinstance(ask.query, QuantilesQuery | TopQuery) and ask.of is not None:
        return (*ask.by, ask.of)
    return ask.by or (0,)


def _null_apart(task: Task, apart: int) -> list[Counts]:
    """Every column as it is, but one merged into value (0) and no value (1)."""
    merged = [np.arange(size) for size in task.domain.sizes]
    merged[apart] = np.zeros(task.domain.sizes[apart], dtype=np.int64)
    merged[apart][task.column(apart).null] = 1
    return merged


def _shaped(task: Task, ask: Ask, table: Counts, apart: int | None) -> Counts:
    """The counts of a query, from the table that was counted."""
    if apart is not None:
        return table[..., 0]
    if isinstance(ask.query, QuantilesQuery | TopQuery) and ask.of is not None:
        null = task.column(ask.of).null
        return table if null is None else np.delete(table, null, axis=-1)
    if isinstance(ask.query, MeanQuery) and ask.of in ask.by:
        return _without_null(table, ask.by.index(ask.of), task.column(ask.of).null)
    return table if ask.by else np.asarray(table.sum())


def _without_null(table: Counts, axis: int, null: int | None) -> Counts:
    """The group of missing values has none to take the mean of."""
    if null is None:
        return table
    kept = table.copy()
    np.moveaxis(kept, axis, 0)[null] = 0
    return kept


def _sum(ask: Ask) -> Sum:
    assert ask.grid is not None  # noqa: S101 - sums and means have a grid
    assert ask.of is not None  # noqa: S101 - and a column
    grid = ask.grid
    return Sum(
        column=ask.of, by=ask.by, per=grid.per, low=grid.low, high=grid.high, origin=ask.origin
    )


def _answered(
    task: Task, ask: Ask, exact: Vectors, events: Mapping[str, Event], mechanisms: Mechanisms
) -> Answer:
    """One query, from its exact vectors through its mechanisms to its table."""
    query = ask.query
    if isinstance(query, TopQuery):
        return _top(task, ask, exact["count"], events, mechanisms)
    noisy = {role: _noisy(ask, role, exact[role], mechanisms).ravel() for role in ask.roles}
    event = {role: events[ask.event_name(role)] for role in ask.roles}
    if isinstance(query, CountQuery):
        made = interval.counts(noisy["count"], event["count"], nonnegative=query.nonnegative)
    elif isinstance(query, QuantilesQuery):
        assert ask.of is not None  # noqa: S101 - narrows the type
        lines = noisy["count"].reshape(-1, exact["count"].shape[-1])
        shares = [float(share) for share in query.at]
        made = interval.quantiles(lines, event["count"], shares, task.column(ask.of))
    else:
        assert ask.grid is not None  # noqa: S101 - sums and means have a grid
        if isinstance(query, SumQuery):
            made = interval.sums(noisy["sum"], event["sum"], ask.grid)
        else:
            made = interval.means(
                noisy["sum"], event["sum"], noisy["count"], event["count"], ask.grid
            )
    return answer(task, ask, made)


def _noisy(ask: Ask, role: Role, exact: Counts, mechanisms: Mechanisms) -> Counts:
    add = mechanisms.laplace if ask.noise == "laplace" else mechanisms.gaussian
    return add(ask.event_name(role), np.ascontiguousarray(exact))


def _top(
    task: Task, ask: Ask, exact: Counts, events: Mapping[str, Event], mechanisms: Mechanisms
) -> Answer:
    """The most frequent values: selected one after the other, then counted with noise."""
    assert isinstance(ask.query, TopQuery)  # noqa: S101 - narrows the type
    left = list(range(len(exact)))
    name = ask.event_name("select")
    chosen = [left.pop(mechanisms.select(name, exact[left])) for _ in range(ask.query.k)]
    noisy = _noisy(ask, "count", exact[chosen], mechanisms)
    order = np.argsort(-noisy, kind="stable")
    made = interval.counts(noisy[order], events[ask.event_name("count")])
    return answer(task, ask, made, chosen=[chosen[place] for place in order])
