"""Noise and intervals of measures, two-sided: neither narrower than they say nor wider."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter
from scipy import stats

from dpgate.evidence.disclosure import DpResult
from dpgate.evidence.measures import registry
from dpgate.evidence.measures.interface import RESOLUTION, Measure, Scene
from dpgate.evidence.measures.plan import plan
from dpgate.evidence.measures.run import exactly, measure
from dpgate.evidence.measures.subject import Subject
from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import Call, UnsafeRecorder
from dpgate.model.domain import domain_of
from dpgate.model.utility import Threshold
from dpgate.sources.arrow import table_source
from dpgate.synthesis.interface import Task
from tests.suites import worlds

pytestmark = pytest.mark.slow

RUNS = 1_000
ALPHA = 1e-6
RHO = Decimal("0.002")
NAMES = ("age", "job", "grade", "smokes")
ROWS = worlds.rows(3_000)
RELEASED = [
    {**row, "age": (row["age"] or 0) // 2, "smokes": row["smokes"] and row["age"] > 75}
    for row in worlds.rows(2_000, seed=11)
]
TOTAL = 2_990

Asked = dict[str, Any]
CASES: tuple[Asked, ...] = (
    {"metric": "marginal_tvd", "order": 2, "at_most": Decimal("0.1")},
    {"metric": "ks", "columns": ("age",), "at_most": Decimal("0.1")},
    {"metric": "mean", "of": "age", "by": ("job",), "relative_error_at_most": Decimal("0.1")},
    {"metric": "rate", "name": "smoking", "where": ("smokes=true",), "at_most": Decimal("0.1")},
)


def world(relation: str) -> tuple[Scene, Subject]:
    data = worlds.dataset(relation)
    domain = domain_of(data, NAMES)
    subject = Subject(
        task=Task(domain=domain, relation=relation, rows=len(RELEASED)),
        released=worlds.table(RELEASED),
        total=TOTAL,
        source=table_source(worlds.table(ROWS), domain),
        progress=lambda _stage, _done: None,
    )
    return Scene(dataset=data, domain=domain, relation=relation), subject


def made(asked: Asked, scene: Scene) -> Measure:
    return registry.measure_of(
        TypeAdapter(Threshold).validate_python(asked), scene, "evidence.asked"
    )


def runs(one: Measure, subject: Subject, relation: str) -> list[tuple[DpResult, list[Call]]]:
    events = plan([one], RHO, relation)
    found = []
    for _ in range(RUNS):
        recorder = UnsafeRecorder()
        session = Mechanisms(events, relation, tape=recorder)
        found.append((measure([one], events, subject, session)[0], recorder.calls))
    return found


def calibrated(noise: NDArray[np.int64], scale: float) -> bool:
    """Whether draws fit a Gaussian of this scale, by χ² at one in a million a side."""
    statistic = float(((noise / scale) ** 2).sum())
    low, high = stats.chi2.ppf([ALPHA, 1 - ALPHA], len(noise))
    return bool(low < statistic < high)


def covers(intervals: NDArray[np.float64], truths: Sequence[float], factor: float = 1) -> bool:
    """Whether coverage is 95 %, by the exact binomial; of intervals made wider by a factor."""
    middle = intervals.mean(axis=1)
    half = (intervals[:, 1] - intervals[:, 0]) / 2 * factor
    inside = int((np.abs(np.asarray(truths) - middle) <= half).sum())
    low, high = stats.binom.ppf([ALPHA, 1 - ALPHA], len(intervals), 0.95)
    return bool(low <= inside <= high)


@pytest.mark.parametrize("relation", ["add-remove", "replace-one"])
@pytest.mark.parametrize("asked", CASES, ids=lambda asked: str(asked["metric"]))
def test_noise_and_interval_are_as_declared(asked: Asked, relation: str) -> None:
    scene, subject = world(relation)
    one = made(asked, scene)
    found = runs(one, subject, relation)
    call = found[0][1][0]
    noise = np.array([int(np.asarray(c.output)[0]) - int(c.inputs[0]) for _, (c,) in found])
    scale = float(call.scale)
    assert calibrated(noise, scale)
    assert not calibrated(noise, scale * 0.7)
    assert not calibrated(noise, scale * 1.3)

    ((_, exact),) = exactly([one], subject)
    truth = [float(exact.main.value)] * RUNS
    assert truth[0] > 0.1  # far from clipping at 0; none of them comes near 1 but a mean, which may
    intervals = np.array([(float(r.low), float(r.high)) for r, _ in found])
    assert covers(intervals, truth)
    assert not covers(intervals, truth, 0.7)
    assert not covers(intervals, truth, 1.5)


def test_intervals_of_subgroups_hold_given_their_noisy_sizes() -> None:
    scene, subject = world("add-remove")
    one = made({"metric": "subgroup_tvd", "columns": ("smokes",), "at_most": Decimal("0.1")}, scene)
    intervals, truths, worst = [], [], 0
    for result, (sizes, distances) in runs(one, subject, "add-remove"):
        true = distances.inputs / (RESOLUTION * np.asarray(sizes.output))
        parts = {part.label: part for part in result.parts}
        assert set(parts) == {"smokes=false", "smokes=true"}
        for group, part in enumerate(parts[label] for label in sorted(parts)):
            intervals.append((float(part.low), float(part.high)))
            truths.append(float(true[group]))
        worst += float(result.low) <= true.max() <= float(result.high)
    assert covers(np.array(intervals), truths)
    assert not covers(np.array(intervals), truths, 0.7)
    # The worst one's interval allows for its choice: it covers at least as often as it says.
    assert worst >= stats.binom.ppf(ALPHA, RUNS, 0.95)
