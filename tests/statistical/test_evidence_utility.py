"""The noise of measured utility, two-sided: neither less than declared nor more."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from scipy import stats

from dpgate.evidence import utility
from dpgate.evidence.marginals import marginals
from dpgate.mechanisms.tape import UnsafeRecorder
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.model.event import Event
from dpgate.sources.arrow import table_source
from dpgate.synthesis.interface import Task
from tests.unit.evidence.worlds import quiet, session

pa = pytest.importorskip("pyarrow")
pytestmark = pytest.mark.slow

RUNS = 4_000
DOMAIN = Domain(columns=tuple(ColumnDomain(name=n, kind="whole", values=(0, 1, 2)) for n in "abc"))
GENERATOR = np.random.default_rng(7)  # for the tables only; noise cannot be seeded
PRIVATE = pa.table({n: GENERATOR.integers(0, 3, 3_000) for n in "abc"})
RELEASED = pa.table({n: GENERATOR.binomial(2, 0.4, 2_000) for n in "abc"})
TOTAL = 2_990


def runs(relation: str) -> tuple[Event, np.ndarray, np.ndarray]:
    """The event, RUNS noise draws in units of 1/K record, and RUNS intervals."""
    task = Task(domain=DOMAIN, relation=relation, rows=2_000)
    events = utility.plan(task, (2,), Decimal("0.0005"), relation)
    source = table_source(PRIVATE, DOMAIN)
    noise, intervals = [], []
    for _ in range(RUNS):
        recorder = UnsafeRecorder()
        result = utility.measure(
            task, events, source, RELEASED, TOTAL, session(events, recorder), quiet
        )[0]
        call = recorder.calls[0]
        noise.append(int(np.asarray(call.output)[0]) - int(call.inputs[0]))
        intervals.append((float(result.low), float(result.high)))
    return events[0], np.array(noise), np.array(intervals)


def calibrated(noise: np.ndarray, scale: float) -> bool:
    """Whether draws fit a Gaussian of this scale, by χ² at one in ten thousand a side."""
    statistic = float(((noise / scale) ** 2).sum())
    low, high = stats.chi2.ppf([1e-4, 1 - 1e-4], len(noise))
    return bool(low < statistic < high)


def covers(intervals: np.ndarray, truth: float) -> bool:
    """Whether coverage is 95 %, by the exact binomial at one in ten thousand a side."""
    inside = int(((intervals[:, 0] <= truth) & (truth <= intervals[:, 1])).sum())
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], len(intervals), 0.95)
    return bool(low <= inside <= high)


@pytest.mark.parametrize("relation", ["add-remove", "replace-one"])
def test_noise_and_interval_are_as_declared(relation: str) -> None:
    event, noise, intervals = runs(relation)
    scale = float(event.scale)
    assert calibrated(noise, scale)
    assert not calibrated(noise, scale * 0.7)
    assert not calibrated(noise, scale * 1.3)

    exact = utility.statistic(
        table_source(PRIVATE, DOMAIN),
        table_source(RELEASED, DOMAIN),
        TOTAL,
        marginals(DOMAIN, 2),
        quiet,
    )
    truth = exact / (utility.RESOLUTION * TOTAL)
    assert 0.05 < truth < 0.5  # far from the clipping at 0 and 1
    assert covers(intervals, truth)
    middle = intervals.mean(axis=1, keepdims=True)
    assert not covers(middle + (intervals - middle) * 0.7, truth)
    assert not covers(middle + (intervals - middle) * 1.3, truth)
