"""Prediction under DP: neighbors, definitions, refusals."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from dpgate.errors import EvidenceError
from dpgate.evidence.measures import registry
from dpgate.evidence.measures.areas import explained, mean_area, one_area
from dpgate.evidence.measures.interface import Scene
from dpgate.evidence.measures.prediction import SCORES, Prediction, of_threshold
from dpgate.evidence.measures.run import exactly
from dpgate.model.domain import domain_of
from dpgate.model.utility import Prediction as Asked
from dpgate.model.values import Relation
from tests.unit.evidence.attacks.stage import (
    DATASET,
    RELATIONS,
    ROWS,
    TABLES,
    dataset,
    scene,
    subject,
)
from tests.unit.evidence.attacks.test_tally import neighbor
from tests.unit.evidence.worlds import SAMPLE, SYNTHETIC, Row

TARGETS = {"job": 4, "age": 1, "income": 1, "smokes": 1}
"""Cells that a row is in, by target."""


def measure(target: str, given: Scene | None = None) -> Prediction:
    asked = Asked(metric="prediction", target=target, at_least=Decimal("0.5"))
    return of_threshold(asked, given or scene(), "evidence.prediction_1")


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=10, deadline=None)
@given(
    rows=TABLES,
    row=ROWS,
    place=st.integers(0, 7),
    released=st.lists(ROWS, min_size=1, max_size=6),
    held=st.booleans(),
)
def test_neighbors_are_no_farther_apart_than_declared(
    relation: Relation,
    target: str,
    rows: list[Row],
    row: Row,
    place: int,
    released: list[Row],
    held: bool,
) -> None:
    made = measure(target, scene(relation))
    other = neighbor(relation, rows, row, place)
    before, after = (
        made.exact(0, subject(SAMPLE, r, released) if held else subject(r, None, released), ())
        for r in (rows, other)
    )
    (vector,) = made.vectors()
    moved = int(((after - before) ** 2).sum())
    assert moved <= vector.distance_squared
    assert vector.distance_squared == TARGETS[target] * (1 if relation == "add-remove" else 2)
    # Each row is in one cell of each table, whatever it holds.
    tables = before.shape[0] if made.numeric is False else 1
    assert before.sum() == tables * len(rows)
    assert tables <= made.tables


def test_the_holdout_is_what_is_tested_on() -> None:
    made = measure("smokes")
    assert made.exact(0, subject(SAMPLE, SAMPLE[:2], SYNTHETIC), ()).sum() == 2
    assert made.exact(0, subject(SAMPLE, None, SYNTHETIC), ()).sum() == len(SAMPLE)


KINDS: list[Row] = [
    (job, age, income, age >= 18)
    for job in ("none", "part", "full")
    for age in (3, 40)
    for income in (5.0, 50.0)
]
LEARNABLE = KINDS * 20


@pytest.mark.parametrize(("target", "reaches"), [("smokes", 0.95), ("age", 0.9)])
def test_what_can_be_learned_is_found(target: str, reaches: float) -> None:
    ((_, found),) = exactly([measure(target)], subject([], LEARNABLE, LEARNABLE))
    assert found.main.low > Fraction(reaches)
    noise: list[Row] = [(j, 43 - a, i, s) for j, a, i, s in LEARNABLE]
    ((_, lost),) = exactly([measure(target)], subject([], noise, LEARNABLE))
    assert lost.main.high < Fraction(1, 10)


def test_each_class_is_told_where_there_are_many() -> None:
    ((_, found),) = exactly([measure("job")], subject([], LEARNABLE, LEARNABLE))
    assert [part.label for part in found.parts] == [f"class {k} of 4" for k in (1, 2, 3, 4)]
    assert found.given.startswith("AUC")
    ((_, number),) = exactly([measure("age")], subject([], LEARNABLE, LEARNABLE))
    assert number.given.startswith("R²")


@pytest.mark.parametrize("target", TARGETS)
def test_few_rows_and_much_noise_say_nothing(target: str) -> None:
    made = measure(target)
    ((_, found),) = exactly([made], subject([], SAMPLE, SYNTHETIC))
    nothing = (Fraction(0), Fraction(1))
    assert (found.main.low, found.main.high) == nothing
    whole = subject([], LEARNABLE, LEARNABLE)
    drowned = made.figures(whole, [made.exact(0, whole, ())], (Decimal(500),))
    assert (drowned.main.low, drowned.main.high) == nothing


@pytest.mark.parametrize("target", TARGETS)
def test_what_to_expect_grows_with_noise_and_with_fewer_rows(target: str) -> None:
    made = measure(target)
    usual = made.half_width((Decimal(4),), 20_000)
    assert 0 < usual < made.half_width((Decimal(40),), 20_000) <= 1
    assert usual < made.half_width((Decimal(4),), 2_000)
    assert made.half_width((Decimal(4000),), 10) == 1
    five = measure(target, scene(dataset=dataset(5)))
    assert five.half_width((Decimal(4),), 20_000) > usual
    bare = Scene(dataset=DATASET, domain=scene().domain, relation="add-remove")
    assert measure(target, bare).half_width((Decimal(4),), 20_000) < usual


@pytest.mark.parametrize(
    ("columns", "target", "message"),
    [
        (["job", "age"], "income", "income is no column that this release learns"),
        (["job"], "job", "job cannot be predicted"),
    ],
)
def test_targets_that_cannot_be_are_refused_at_planning(
    columns: list[str], target: str, message: str
) -> None:
    with pytest.raises(EvidenceError, match=message):
        measure(target, scene(domain=domain_of(DATASET, columns))).vectors()


def test_sources_without_rows_and_no_released_rows_are_refused() -> None:
    class Counts:
        domain = scene().domain

    made = subject(SAMPLE, None, SYNTHETIC)
    object.__setattr__(made, "source", Counts())
    with pytest.raises(EvidenceError, match="whole rows"):
        measure("age").exact(0, made, ())
    with pytest.raises(EvidenceError, match="no synthetic rows"):
        measure("age").exact(0, subject(SAMPLE, None, []), ())


def test_it_is_found_by_its_metric() -> None:
    asked = Asked(metric="prediction", target="job", at_least=Decimal("0.5"))
    made = registry.measure_of(asked, scene(), "evidence.prediction_1")
    assert cast("Prediction", made).target == "job"
    assert (made.key, made.whole_rows) == (asked.key, True)


# ── areas ────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, SCORES - 1), st.booleans()), min_size=200, max_size=300))
def test_an_area_is_the_rank_statistic(rows: list[tuple[int, bool]]) -> None:
    scores, own = np.array([s for s, _ in rows]), np.array([o for _, o in rows])
    counts = np.zeros((SCORES, 2))
    np.add.at(counts, (scores, own.astype(int)), 1)
    n1, n0 = int(own.sum()), int((~own).sum())
    found, deviation = one_area(counts, 0.0, 1)
    if min(n0, n1) < 30:
        assert (found.low, found.high, deviation) == (0, 1, float("inf"))
        return
    area = (rankdata(scores)[own].sum() - n1 * (n1 + 1) / 2) / n1 / n0
    assert abs(found.value - area) < 1e-9
    assert found.low < area < found.high


def test_a_class_lost_in_noise_widens_the_mean_by_its_weight() -> None:
    clear = np.tile(np.linspace(1, 100, SCORES)[:, None], (1, 2))
    few = np.stack([clear[:, 0], np.ones(SCORES)], axis=1)
    sure, _ = mean_area(np.array([clear, clear]), 0.1, 1)
    unsure, _ = mean_area(np.array([clear, few]), 0.1, 1)
    assert unsure.high - unsure.low > sure.high - sure.low
    none, each = mean_area(np.array([few, few]), 0.1, 1)
    assert (none.low, none.high) == (0, 1) == (each[0].low, each[0].high)


def test_r_squared_needs_values_that_differ() -> None:
    values = np.array([1.0, 2.0])
    perfect = explained(np.array([[500.0, 0.0], [0.0, 500.0]]), values, values, 0.0, 1)
    assert perfect.value == 1
    same = explained(np.array([[500.0, 0.0], [500.0, 0.0]]), values, values, 0.0, 1)
    assert (same.low, same.high) == (0, 1)
    few = explained(np.array([[5.0, 0.0], [0.0, 5.0]]), values, values, 0.0, 1)
    assert (few.low, few.high) == (0, 1)
