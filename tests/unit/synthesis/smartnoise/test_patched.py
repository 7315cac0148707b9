"""SmartNoise with its noise replaced: the suite, the audits, and the faults that are mended."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from mbi import CliqueVector, Domain, Factor, MarkovRandomField, estimation, marginal_oracles

from dpgate.errors import MissingExtraError, SynthesisError
from dpgate.mechanisms.session import Mechanisms
from dpgate.sources.arrow import table_source
from dpgate.synthesis.interface import Model, Synthesizer, Task
from dpgate.synthesis.sampling.directed import Coarsening, DirectedModel
from dpgate.synthesis.smartnoise.convert import directed
from dpgate.synthesis.smartnoise.counted import Counted
from dpgate.synthesis.smartnoise.mst import PatchedMst
from dpgate.synthesis.smartnoise.synthesizer import SmartnoiseAim, SmartnoiseMst
from tests.suites import synthesizers, worlds
from tests.suites.synthesizers import SynthesizerSuite

pytestmark = pytest.mark.slow


class _Suite(SynthesizerSuite):
    """Fewer cases of each test: XLA compiles for seconds before anything is fitted."""

    def same(self, one: Model, other: Model) -> bool:
        assert isinstance(one, DirectedModel)
        assert isinstance(other, DirectedModel)
        first, second = (m.batch(500, np.random.default_rng(5)) for m in (one, other))
        return bool(first.equals(second))

    @pytest.mark.parametrize("rho", ["0.000001", "200"])
    @pytest.mark.parametrize("names", [("grade",), ("smokes", "job")])
    @pytest.mark.parametrize("count", [0])
    def test_tiny_problems(self, names: tuple[str, ...], count: int, rho: str) -> None:
        super().test_tiny_problems(names, count, rho)

    @pytest.mark.parametrize(("relation", "harm"), [("replace-one", None), ("add-remove", "email")])
    def test_record_and_replay(
        self, relation: str, harm: str | None, capfd: pytest.CaptureFixture[str]
    ) -> None:
        super().test_record_and_replay(relation, harm, capfd)


class TestSmartnoiseMst(_Suite):
    synthesizer = SmartnoiseMst()
    columns = ("smokes", "job", "grade")


class TestSmartnoiseAim(_Suite):
    synthesizer = SmartnoiseAim()
    columns = ("smokes", "job")


@pytest.mark.parametrize(
    ("suite", "relation", "harm"),
    [(TestSmartnoiseMst, "add-remove", "nan")],
)
def test_record_and_replay(
    suite: type[_Suite], relation: str, harm: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    suite().test_record_and_replay(relation, harm, capfd)


def session(columns: tuple[str, ...]) -> tuple[Counted, Mechanisms]:
    """Counts of 300 rows, and mechanisms for an MST of these columns."""
    domain = worlds.domain(columns)
    task = Task(domain=domain, relation="add-remove", rows=1)
    events = SmartnoiseMst().plan(task, Decimal(5))
    source = table_source(worlds.table(worlds.rows(300)), domain)
    return Counted(source, 300), Mechanisms(events, "add-remove")


def compressed(noisy: list[np.ndarray]) -> tuple[Counted, list[Any], PatchedMst]:
    """What MST goes on with after one-way tables of σ = 1."""
    data, mechanisms = session(("job", "grade")[: len(noisy)])
    mst = PatchedMst(noisy, (1.0, 1.0), mechanisms, synthesizers.ignore)
    log = mst.measure(data, [(column,) for column in data.domain], 1.0)
    data, log, _ = mst.compress_domain(data, log)
    return data, log, mst


def test_a_merged_cell_is_fitted_as_it_was_measured() -> None:
    """SmartNoise scales it by 1/√k and fits it as if it had not: k − 1 of √k records are lost."""
    counts = [np.array([200, 50, 50]), np.array([1, 200, 2, 97, 0])]
    data, log, mst = compressed(counts)
    assert data.domain.shape == (3, 3)
    np.testing.assert_array_equal(mst.columns[1].cells, [2, 0, 2, 1, 2])
    np.testing.assert_allclose(mst.columns[1].within, [1 / 3, 1, 1 / 3, 1, 1 / 3])
    np.testing.assert_allclose(np.asarray(log[1].noisy_measurement), [200, 97, 3 / np.sqrt(3)])
    fitted = estimation.mirror_descent(
        data.domain,
        log,
        known_total=300.0,
        iters=300,
        marginal_oracle=marginal_oracles.message_passing_stable,
    )
    np.testing.assert_allclose(fitted.project(("col1",)).datavector(), [200, 97, 3], atol=0.1)


def test_a_single_rare_cell_comes_last_and_is_not_scaled() -> None:
    _, log, mst = compressed([np.array([1, 200, 99])])
    np.testing.assert_array_equal(mst.columns[0].cells, [2, 0, 1])
    np.testing.assert_allclose(log[0].noisy_measurement, [200, 99, 1])


def test_where_all_drowns_nothing_is_merged() -> None:
    _, log, mst = compressed([np.array([-1, 2, 0])])
    np.testing.assert_array_equal(mst.columns[0].cells, [0, 1, 2])
    np.testing.assert_allclose(log[0].noisy_measurement, [-1, 2, 0])


def test_a_column_of_one_cell_is_not_scaled() -> None:
    domain = worlds.domain(("smokes",))
    source = table_source(worlds.table(worlds.rows(9)), domain)
    data = Counted(source, 9, [np.zeros(2, dtype=np.int64)])
    _, mechanisms = session(("job",))
    mst = PatchedMst([np.array([1])], (1.0, 1.0), mechanisms, synthesizers.ignore)
    _, log, _ = mst.compress_domain(data, mst.measure(data, [("col0",)], 1.0))
    np.testing.assert_allclose(log[0].noisy_measurement, [1])


def random_field(
    shape: Domain, cliques: list[tuple[str, ...]], factor: float = 3.0
) -> MarkovRandomField:
    """A model of 500 records."""
    rng = np.random.default_rng(3)
    factors = {
        c: Factor(shape.project(c), factor * rng.random(shape.project(c).shape)) for c in cliques
    }
    potentials = CliqueVector(shape, cliques, factors)
    marginals = marginal_oracles.message_passing_stable(potentials, 500.0)
    return MarkovRandomField(potentials=potentials, marginals=marginals, total=500.0)


def test_a_model_with_a_circle_keeps_its_marginals() -> None:
    """The junction tree fills it in; the steps have the marginals of SmartNoise's own model."""
    names = ("job", "grade", "smokes", "income")
    domain = worlds.domain(names)
    shape = Domain([f"col{place}" for place in range(4)], domain.sizes)
    pairs: list[tuple[str, ...]] = [
        ("col0", "col1"),
        ("col1", "col2"),
        ("col0", "col3"),
        ("col2", "col3"),
    ]
    fitted = random_field(shape, pairs)
    columns = [Coarsening.none(size) for size in domain.sizes]
    model = directed(fitted, domain, columns, 500.0)
    assert max(len(step.scope) for step in model.steps) == 3
    for clique in pairs:
        places = shape.axes(clique)
        expected = np.asarray(fitted.project(clique).datavector(flatten=False)) / 500
        for cells in np.ndindex(expected.shape):
            weights = {
                place: np.eye(domain.sizes[place])[cell]
                for place, cell in zip(places, cells, strict=True)
            }
            held = model.conditioned(weights).total / 500
            assert held == pytest.approx(expected[cells], abs=1e-9)


def test_an_estimation_that_diverged_is_told() -> None:
    domain = worlds.domain(("smokes",))
    fitted = random_field(Domain(["col0"], [2]), [("col0",)], factor=np.nan)
    with pytest.raises(SynthesisError, match="diverged"):
        directed(fitted, domain, [Coarsening.none(2)], 5.0)


@pytest.mark.parametrize("synthesizer", [SmartnoiseMst(), SmartnoiseAim()], ids=lambda s: s.name)
def test_without_the_extra(synthesizer: Synthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.startswith("dpgate.synthesis.smartnoise.") or name == "mbi":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mbi", None)
    with pytest.raises(MissingExtraError) as caught:
        synthesizers.fit(synthesizer, worlds.rows(5), domain=worlds.domain(("smokes", "job")))
    assert caught.value.extra == "smartnoise"
