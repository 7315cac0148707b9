"""The copula: the suite, its statistic, and what comes back of a copula."""

from __future__ import annotations

import sys
from decimal import Decimal
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

from dpgate.errors import MissingExtraError, SynthesisError
from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import UnsafePlayer, UnsafeRecorder
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.model.event import Event
from dpgate.sources.arrow import table_source
from dpgate.synthesis.copula.fit import products, split
from dpgate.synthesis.copula.model import CopulaModel
from dpgate.synthesis.copula.synthesizer import SPLITS, Copula
from dpgate.synthesis.interface import Model, Task
from tests.suites import synthesizers, worlds
from tests.suites.synthesizers import SynthesizerSuite


class TestCopula(SynthesizerSuite):
    synthesizer = Copula()
    misfit = 0.2

    def same(self, one: Model, other: Model) -> bool:
        assert isinstance(one, CopulaModel)
        assert isinstance(other, CopulaModel)
        first, second = (m.batch(500, np.random.default_rng(5)) for m in (one, other))
        return bool(first.equals(second))


def domain_of_sizes(*sizes: int) -> Domain:
    return Domain(
        columns=tuple(
            ColumnDomain(name=f"c{place}", kind="whole", values=tuple(range(size)))
            for place, size in enumerate(sizes)
        )
    )


def planned(columns: int, relation: str = "add-remove") -> dict[str, Event]:
    task = Task(domain=domain_of_sizes(*[4] * columns), relation=relation, rows=1)
    return {event.name: event for event in Copula().plan(task, Decimal("0.1"))}


def test_events_of_a_plan() -> None:
    assert set(planned(1)) == {"copula.one_way"}
    one, other = planned(4), planned(4, "replace-one")
    assert [event.times for event in one.values()] == [4, 1]
    assert one["copula.pairs"].sensitivity_squared == SPLITS**4 * 6
    assert other["copula.pairs"].sensitivity_squared == 4 * SPLITS**4 * 6
    assert other["copula.one_way"].sensitivity_squared == 2


def test_tasks_that_are_refused() -> None:
    with pytest.raises(SynthesisError, match="at least one column"):
        planned(0)
    odd = Domain(columns=(ColumnDomain(name="x", kind="whole", values=(1, 2**63)),))
    with pytest.raises(SynthesisError, match="64-bit"):
        Copula().plan(Task(domain=odd, relation="add-remove", rows=1), Decimal(1))


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "dpgate.synthesis.copula.fit")
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(MissingExtraError) as caught:
        Copula().fit(None, (), None, None, None)  # type: ignore[arg-type]
    assert caught.value.extra == "synth"
    monkeypatch.setitem(sys.modules, "dpgate.synthesis.copula.fit", None)
    with pytest.raises(ModuleNotFoundError, match="dpgate"):
        Copula().fit(None, (), None, None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shares", "cells", "score", "above"),
    [
        ([1.0], [0], [-3], [0, 0, 0]),
        ([0.6, 0.4], [0, 1], [-3, 3], [0.4, 0.4, 0.4]),
        ([0.25] * 4, [0, 1, 2, 3], [-3, -1, 1, 3], [0.75, 0.5, 0.25]),
        ([0.24, 0.06, 0.2, 0.2, 0.3], [0, 1, 1, 2, 3], [-3, -1, 1, 3], [0.76, 0.5, 0.3]),
        ([0.0, 0.0, 1.0], [0, 1, 1], [-3, 3], [1, 1, 1]),
        ([0.2, 0.2, 0.6], [0, 1, 2], [-3, -1, 3], [0.8, 0.6, 0.6]),
    ],
)
def test_splits_are_near_quartiles(
    shares: list[float], cells: list[int], score: list[int], above: list[float]
) -> None:
    levels = split(np.array(shares))
    np.testing.assert_array_equal(levels.cells, cells)
    np.testing.assert_array_equal(levels.score, score)
    np.testing.assert_allclose(levels.above, above, atol=1e-12)


def test_a_row_moves_the_products_by_no_more_than_is_declared_and_some_row_by_as_much() -> None:
    """Every row of a small domain, added to a dataset; and every replacement of one by another."""
    domain = domain_of_sizes(4, 2, 1)
    levels = [split(np.full(size, 1.0 / size)) for size in domain.sizes]
    empty = np.zeros(3, dtype=np.int64)
    each = []
    for cells in np.ndindex(*domain.sizes):
        row = pa.table({c.name: [cell] for c, cell in zip(domain.columns, cells, strict=True)})
        each.append(products(table_source(row, domain), levels) - empty)
    assert max(int((p**2).sum()) for p in each) == SPLITS**4 * 3
    assert max(int(((p - q) ** 2).sum()) for p, q in combinations(each, 2)) <= 4 * SPLITS**4 * 3
    two = [p[:1] for p in each]  # opposite corners of one pair
    assert max(int(((p - q) ** 2).sum()) for p, q in combinations(two, 2)) == 4 * SPLITS**4


def test_correlations_of_a_copula_come_back() -> None:
    truth = np.array([[1.0, 0.7, -0.4], [0.7, 1.0, 0.1], [-0.4, 0.1, 1.0]])
    rng = np.random.default_rng(3)
    normal = rng.standard_normal((60_000, 3)) @ np.linalg.cholesky(truth).T
    domain = domain_of_sizes(20, 2, 6)
    cuts = [np.linspace(-2, 2, 19), np.array([1.2]), np.array([-1, -0.5, 0, 0.3, 2])]
    codes = {f"c{p}": np.searchsorted(cut, normal[:, p]) for p, cut in enumerate(cuts)}
    source = table_source(pa.table(codes), domain)
    task = Task(domain=domain, relation="add-remove", rows=1)
    events = Copula().plan(task, Decimal("0.5"))
    mechanisms = Mechanisms(events, "add-remove")
    model = Copula().fit(task, events, source, mechanisms, synthesizers.ignore)
    assert isinstance(model, CopulaModel)
    np.testing.assert_allclose(model.correlation, truth, atol=0.03)
    again = table_source(model.sample(60_000, synthesizers.ignore), domain)
    for pair in combinations(range(3), 2):
        ours, theirs = again.count([pair])[0], source.count([pair])[0]
        assert np.abs(ours - theirs).sum() / 120_000 < 0.035
    for place in range(3):  # margins as exact as their noise
        ours, theirs = again.count([(place,)])[0], source.count([(place,)])[0]
        assert np.abs(ours - theirs).max() < 60


def test_what_drowns_in_noise_is_no_correlation() -> None:
    model = synthesizers.fit(Copula(), worlds.rows(200), rho="0.000001").model
    assert isinstance(model, CopulaModel)
    assert np.linalg.eigvalsh(model.correlation)[0] > 0
    columns = np.abs(model.correlation[~np.eye(5, dtype=bool)])
    assert np.median(columns) < 0.9


def test_mechanisms_are_all_that_reads_the_source() -> None:
    """With every output on tape, a fit on no rows at all equals the fit on the data."""
    tape = UnsafeRecorder()
    one = synthesizers.fit(Copula(), worlds.rows(300), tape=tape).model
    player = UnsafePlayer(outputs=[call.output for call in tape.calls])
    other = synthesizers.fit(Copula(), [], tape=player).model
    assert TestCopula().same(one, other)


def test_a_large_release_is_made_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpgate.synthesis.copula.model._ROWS_AT_ONCE", 64)
    model = synthesizers.fit(Copula(), worlds.rows(50)).model
    parts: list[float] = []
    table = model.sample(150, lambda stage, part: parts.append(part))
    assert table.num_rows == 150
    assert parts == [64 / 150, 128 / 150, 1.0]
