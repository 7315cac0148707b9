"""Mean total variation of marginals, measured under DP on one integer.

For a set of M marginals with private counts x (integers), released shares p and a noisy total N̂
that the synthesizer already paid for, T = (1/M) Σ ½‖x − N̂·p‖₁ in records. Adding or removing a
row moves one entry of each x by one, so T by at most ½; replacing a row moves two entries, so T
by at most 1. That holds because N̂·p is fixed before x is read here: the true total appears
nowhere. The mechanism gets the integer S = ⌊K·T⌋ at distance K·½ + 1 (K·1 + 1 under replace-one);
the result is (S + noise)/(K·N̂), clipped to [0, 1].

Everything from x to S is integer arithmetic: N̂·p enters as whole multiples of 1/K records, which
is a function of released values alone. Floating-point sums are not used, so the stated distance
holds for the program and not just on paper.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from dpgate.accounting.calibrate import gaussian_event
from dpgate.accounting.rounding import down, significant_down, up
from dpgate.errors import EvidenceError
from dpgate.evidence.disclosure import DpResult
from dpgate.evidence.marginals import Clique, batches, marginals
from dpgate.model.event import Event
from dpgate.model.values import Relation

if TYPE_CHECKING:
    import pyarrow as pa

    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import Counts, MarginalSource
    from dpgate.synthesis.interface import Progress, Task

METRIC = "marginal_tvd"
RESOLUTION = 1024
"""K: steps per record of the integer statistic; even, so that K·½ is whole."""
PLACES = 6
"""Decimal places of reported values."""
CONFIDENCE = Decimal("0.95")
_Z = Fraction(1_959_964, 1_000_000)
_NAME = re.compile(r"evidence\.tvd_([0-9]+)")


def plan(task: Task, orders: Sequence[int], rho: Decimal, relation: Relation) -> tuple[Event, ...]:
    """The events that measure mean total variation, one for each order.

    Args:
        task: what is released; only its public domain is looked at.
        orders: numbers of columns per marginal, such as (1, 2); none: nothing is measured.
        rho: zCDP budget for all of them together, > 0 unless `orders` is empty.
        relation: neighboring relation of the population.

    Returns:
        Events named `evidence.tvd_1` and so on, in increasing order, with equal parts of `rho`.

    Raises:
        EvidenceError: an order cannot be measured on this domain, or rho is not above 0.

    Privacy:
        Data-independent, and free of numpy.
    """
    wanted = sorted(set(orders))
    if not wanted:
        return ()
    if relation != task.relation:
        raise EvidenceError(f"evidence under {relation} for a task under {task.relation}")
    if rho <= 0:
        raise EvidenceError(
            "no budget to measure utility with", fix="raise evidence_share of the release above 0"
        )
    for order in wanted:
        marginals(task.domain, order)
    part = significant_down(Fraction(rho) / len(wanted), 9)
    return tuple(
        gaussian_event(
            name=event_name(order),
            rho=part,
            times=1,
            sensitivity_squared=distance(relation) ** 2,
            relation=relation,
        )
        for order in wanted
    )


def event_name(order: int) -> str:
    """Name of the event that measures the marginals of an order."""
    return f"evidence.tvd_{order}"


def half_width(event: Event, total: int) -> Fraction:
    """Half the 95 % interval of a measured distance, as a share of `total` records."""
    return _Z * Fraction(event.scale) / (RESOLUTION * total)


def distance(relation: Relation) -> int:
    """How far the integer statistic can be apart on neighboring datasets, in 1/K records."""
    return RESOLUTION // 2 + 1 if relation == "add-remove" else RESOLUTION + 1


def measure(
    task: Task,
    events: Sequence[Event],
    source: MarginalSource,
    synthetic: pa.Table,
    total: float,
    mechanisms: Mechanisms,
    progress: Progress,
) -> tuple[DpResult, ...]:
    """Measures each planned order once.

    Args:
        task: what is released.
        events: the events of the release; those that `plan` named are run, others left alone.
        source: private counts over `task.domain`.
        synthetic: the rows as they will be released.
        total: the noisy total N̂ of the synthesizer's model, in records.
        mechanisms: the session that the events were reserved in.
        progress: called with a stage and a fraction.

    Returns:
        One result per order: the noisy mean total variation in [0, 1], and the 95 % interval
        that its own noise implies, given N̂. Thresholds judge its upper end.

    Raises:
        EvidenceError: the synthetic table is empty.
        SourceError: it lacks a column of the task.
        InsufficientBudgetError: an event is used up.

    Privacy:
        Reads private counts; emits one `gaussian` event per order at the distance of
        `distance`. `synthetic` and `total` must be outputs of mechanisms already paid for.
    """
    if not synthetic.num_rows:
        raise EvidenceError("there are no synthetic rows to compare with")
    from dpgate.sources.arrow import table_source

    released = table_source(synthetic, task.domain)
    public_total = max(1, round(total))
    results = []
    for event in events:
        match = _NAME.fullmatch(event.name)
        if not match:
            continue
        order = int(match[1])
        cliques = marginals(task.domain, order)
        exact = statistic(source, released, public_total, cliques, progress)
        noisy = _noisy(mechanisms, event.name, exact)
        results.append(_result(event, order, len(cliques), noisy, public_total))
    return tuple(results)


def statistic(
    source: MarginalSource,
    released: MarginalSource,
    total: int,
    cliques: Sequence[Clique],
    progress: Progress,
) -> int:
    """S = ⌊K·T⌋ over the given marginals: exact, private, and before any noise.

    Args:
        source: private counts.
        released: counts of the released rows, at least one, in the same cells.
        total: N̂, whole records, ≥ 1.
        cliques: the marginals to average over, at least one.
        progress: called with a stage and a fraction.

    Privacy:
        Private. Moves by at most `distance(relation)` between neighboring datasets.
    """
    sum_of_distances = 0
    for _, counts, others in compared(source, released, cliques, progress):
        sum_of_distances += _distance_in_steps(counts, others, total)
    return sum_of_distances // (2 * len(cliques))


def compared(
    source: MarginalSource,
    released: MarginalSource,
    cliques: Sequence[Clique],
    progress: Progress,
) -> Iterator[tuple[Clique, Counts, Counts]]:
    """Private and released counts of each marginal, read in bounded memory.

    Privacy:
        The middle one of each triple is private.
    """
    done = 0
    for batch in batches(source.domain, cliques):
        yield from zip(batch, source.count(batch), released.count(batch), strict=True)
        done += len(batch)
        progress("evidence", done / len(cliques))


def _distance_in_steps(counts: Counts, released: Counts, total: int) -> int:
    """‖K·x − round(K·N̂·p)‖₁ as an exact integer."""
    import numpy as np

    # Floats touch released values alone, so their rounding is the same whatever the private data.
    target = np.rint(released * (RESOLUTION * total / released.sum())).astype(np.int64)
    return int(np.abs(counts * RESOLUTION - target).sum())


def _noisy(mechanisms: Mechanisms, name: str, exact: int) -> int:
    import numpy as np

    # Clamping to a public range keeps distances and keeps the number within 64 bits.
    bounded = min(exact, 2**62)
    return int(mechanisms.gaussian(name, np.array([bounded], dtype=np.int64))[0])


def _result(event: Event, order: int, count: int, noisy: int, total: int) -> DpResult:
    """Post-processing: back to a share of records, rounded up, with the interval of the noise."""
    half, unit = half_width(event, total), RESOLUTION * total
    low, value, high = (
        min(max(share, Fraction(0)), Fraction(1))
        # S lies up to one step below K·T, hence the +1.
        for share in (
            Fraction(noisy, unit) - half,
            Fraction(noisy, unit),
            Fraction(noisy + 1, unit) + half,
        )
    )
    return DpResult(
        disclosure="dp",
        metric=METRIC,
        events=(event.name,),
        value=up(value, PLACES),
        low=down(low, PLACES),
        high=up(high, PLACES),
        confidence=CONFIDENCE,
        conditional_on=f"the noisy total of {total} records",
        order=order,
        marginals=count,
    )
