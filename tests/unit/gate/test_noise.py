"""Noise of whole marginals: the formula against draws, and against OpenDP's noise on real data."""

from __future__ import annotations

import csv
import math
from collections import Counter
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from dpgate.gate.noise import marginals, mean_tvd, of_cells, tables
from dpgate.mechanisms.session import Mechanisms
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.model.values import Relation
from dpgate.model.workload import Marginal, Workload
from dpgate.synthesis.interface import NORMAL_95, NoiseRow, Task
from dpgate.synthesis.registry import get
from tests.team import MANIFEST, RELEASE, Team


def domain(*sizes: int) -> Domain:
    return Domain(
        columns=tuple(
            ColumnDomain(
                name=f"c{place}", kind="whole", values=tuple(range(size)), fallback=0, null=None
            )
            for place, size in enumerate(sizes)
        )
    )


@pytest.mark.parametrize("cells", [1, 2, 5, 40, 1_000])
def test_the_figures_are_those_of_gaussian_noise(cells: int) -> None:
    stated = of_cells(("a",), cells, 50.0, 1_000_000)
    drawn = np.abs(np.random.default_rng().normal(0, 50, (8_000, cells))).sum(axis=1) / 2
    assert float(stated.records) == pytest.approx(drawn.mean(), rel=0.02)
    above = float((drawn > float(stated.records_95)).mean())
    assert 0.02 < above < 0.065  # 5 %, less what rounding up to three digits takes
    assert float(stated.tvd) == pytest.approx(float(stated.records) / 1_000_000, rel=0.01)
    assert stated.tvd_95 <= 1


def test_no_distance_is_above_one() -> None:
    drowned = of_cells(("a", "b"), 10_000, 1_000.0, 100)
    assert drowned.tvd == drowned.tvd_95 == 1
    assert mean_tvd(domain(100, 100), 2, 1_000.0, 100) == 1


@pytest.mark.parametrize("sizes", [(2, 3), (5, 5, 5, 2), (2, 2, 3, 3, 3, 7, 100)])
@pytest.mark.parametrize("order", [1, 2])
def test_marginals_are_counted_by_their_cells(sizes: tuple[int, ...], order: int) -> None:
    each = [math.prod(clique) for clique in combinations(sizes, order)]
    assert tables(domain(*sizes), order) == Counter(each)
    one = 3.0 * math.sqrt(2 / math.pi) / 200
    expected = sum(min(1.0, cells * one) for cells in each) / len(each)
    assert mean_tvd(domain(*sizes), order, 3.0, 100) == pytest.approx(expected)


def test_every_column_and_the_largest_pairs_are_listed() -> None:
    rows = (NoiseRow(order=1, half_width=10.0), NoiseRow(order=2, half_width=20.0))
    few = marginals(domain(2, 3, 4), rows, 1_000)
    assert [m.cells for m in few] == [2, 3, 4, 12, 8, 6]
    assert few[3].columns == ("c1", "c2")
    many = marginals(domain(*range(2, 42)), rows, 1_000)
    pairs = [m for m in many if len(m.columns) == 2]
    assert (len(many), len(pairs)) == (340, 300)
    left_out = sorted(a * b for a, b in combinations(range(2, 42), 2))[: 780 - 300]
    assert min(m.cells for m in pairs) >= max(left_out)
    assert marginals(domain(2, 3), (NoiseRow(order=3, half_width=1.0),), 10) == ()


def test_tables_that_the_workload_names_are_listed() -> None:
    rows = (NoiseRow(order=2, half_width=20.0), NoiseRow(order=3, half_width=20.0))
    wanted = Workload(
        subgroups=(("c2", "c0"),),
        marginals=(Marginal(columns=("c0", "c3", "c1"), weight=Decimal(2)),),
    )
    found = marginals(domain(2, 3, 4, 5), rows, 1_000, wanted)
    assert len(found) == 6 + 1
    assert {m.columns for m in found if m.named} == {("c0", "c2"), ("c0", "c1", "c3")}
    assert found[-1].cells == 2 * 3 * 5


@pytest.mark.parametrize("relation", ["add-remove", "replace-one"])
def test_the_noise_on_real_tables_is_as_stated(data_file: object, relation: Relation) -> None:
    """Adult, as a release would measure it: 14 one-way and 13 two-way tables."""
    path = data_file("adult.csv")  # type: ignore[operator]
    codes = _codes(path)
    columns = domain(*(int(column.max()) + 1 for column in codes))
    task = Task(domain=columns, relation=relation, rows=len(codes[0]))
    mst = get("mst")
    events = mst.plan(task, Decimal("0.01"))
    rows = mst.noise(task, events)
    stated = {m.columns: m for m in marginals(columns, rows, len(codes[0]))}
    session = Mechanisms(events, relation)
    outside = cells = over = 0
    shares = []
    for clique, event in [((c,), "mst.one_way") for c in range(14)] + [
        ((c, c + 1), "mst.two_way") for c in range(13)
    ]:
        shape = [columns.sizes[c] for c in clique]
        flat = np.ravel_multi_index([codes[c] for c in clique], shape)
        counts = np.bincount(flat, minlength=math.prod(shape)).astype(np.int64)
        noise = np.abs(session.gaussian(event, counts) - counts)
        wanted = stated.get(tuple(columns.names[c] for c in clique))
        assert wanted is not None
        shares.append(noise.sum() / 2 / float(wanted.records))
        over += int(noise.sum() / 2 > float(wanted.records_95))
        outside += int((noise > rows[len(clique) - 1].half_width).sum())
        cells += noise.size
    assert 0.85 < np.mean(shares) < 1.15
    assert over <= 6  # of 27 at 5 %: more than 6 once in 3,000 runs
    assert outside / cells == pytest.approx(0.05, abs=5 * math.sqrt(0.05 * 0.95 / cells))


def _codes(path: Path) -> list[np.ndarray]:
    with path.open(encoding="utf-8") as file:
        lines = csv.reader(file)
        next(lines)
        return list(np.array([[int(v) for v in line] for line in lines], dtype=np.int64).T)


def test_the_half_width_is_that_of_a_normal_interval() -> None:
    assert pytest.approx(1.96, abs=1e-4) == NORMAL_95


def test_a_plan_says_the_noise_of_every_marginal(team: Team) -> None:
    plan = team.api.plan(RELEASE)
    assert len(plan.marginals) == 5 + 10
    assert plan.rows_at_most == 500_000
    for row in plan.marginals:
        assert 0 < row.records < row.records_95
        width = plan.noise[len(row.columns) - 1].half_width
        expected = float(width) / NORMAL_95 * row.cells * math.sqrt(2 / math.pi) / 2
        assert float(row.records) == pytest.approx(expected, rel=0.02)


@pytest.mark.slow
def test_a_plan_in_text_lists_what_the_workload_names(fresh_team: Team) -> None:
    team = fresh_team
    team.edit(MANIFEST, "with: mst", "with: aim")
    named = "workload:\n    subgroups: [[clinic, reason]]\n  retention:"
    team.edit(MANIFEST, "retention:", named)
    team.commit()
    team.approve("policy")
    team.adopt()
    plan = team.api.plan(RELEASE)
    assert [m.columns for m in plan.marginals if m.named] == [("clinic", "reason")]
    assert "\n  clinic × reason (16 cells): 0.0" in team.dpgate("plan", RELEASE).stdout


def test_a_threshold_below_its_own_noise_is_told_before_it_is_paid_for(team: Team) -> None:
    assert not [f for f in team.api.plan(RELEASE).findings if f.rule == "threshold-out-of-reach"]
    team.edit(MANIFEST, "at_most: 0.9", "at_most: 0.00001")
    (finding,) = [f for f in team.api.plan(RELEASE).findings if f.rule == "threshold-out-of-reach"]
    assert finding.level == "warn"
    assert "is above the threshold 0.00001" in finding.message
    assert finding.file == MANIFEST
    assert finding.line > 1
