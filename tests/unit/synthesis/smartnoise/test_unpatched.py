"""SmartNoise as shipped: what its scores and noise really do, against what is charged for it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from mbi import LinearMeasurement
from snsynth.aim import aim
from snsynth.mst import MSTSynthesizer
from snsynth.utils import cdp_rho

from dpgate.accounting.calibrate import claimed_rho
from dpgate.sources.arrow import table_source
from dpgate.synthesis.interface import Synthesizer
from dpgate.synthesis.sampling.directed import DirectedModel
from dpgate.synthesis.smartnoise.counted import Counted
from dpgate.synthesis.smartnoise.fit_unpatched import _epsilon
from dpgate.synthesis.smartnoise.quiet import quiet
from dpgate.synthesis.smartnoise.unpatched import SmartnoiseAimUnpatched, SmartnoiseMstUnpatched
from tests.suites import synthesizers, worlds

COLUMNS = ("smokes", "job", "grade")


def counted(rows: list[worlds.Row], columns: tuple[str, ...] = COLUMNS) -> Counted:
    return Counted(table_source(worlds.table(rows), worlds.domain(columns)), len(rows))


def scores(data: Counted, log: list[Any], total: int) -> np.ndarray:
    """What MST's first selection sees."""
    seen: list[np.ndarray] = []

    class Spy(MSTSynthesizer):  # type: ignore[misc]
        def exponential_mechanism(self, q: np.ndarray, *rest: Any, **more: Any) -> int:
            seen.append(q)
            return 0

    Spy().select(data, 1.0, log, total)
    return seen[0]


@pytest.mark.slow
def test_scores_of_mst_move_by_more_than_it_declares_and_no_more_than_we_charge() -> None:
    rows = [{**row, "smokes": row["job"] == "smith"} for row in worlds.rows(60)]
    changed = [{**rows[0], "smokes": not rows[0]["smokes"]}, *rows[1:]]
    rng = np.random.default_rng(1)
    log = [
        LinearMeasurement(x.counts + rng.normal(size=x.counts.size), (column,), 1.0)
        for column, x in ((c, counted(rows).project((c,))) for c in ("col0", "col1", "col2"))
    ]
    ours, theirs = (scores(counted(world), log, 60) for world in (rows, changed))
    assert 1.5 < np.abs(ours - theirs).max() <= 2 + 1e-9
    fewer = scores(counted(rows[1:]), log, 59)  # add-remove: the total is exact, and moves them
    assert np.abs(ours - fewer).max() > 1.01


@pytest.mark.slow
def test_all_claims_of_aim_sum_to_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """And selections claim at most a tenth of it: what 11/5 rests on."""
    tables: list[float] = []
    selections: list[float] = []

    def spied(real: Callable[..., Any], seen: list[float], place: int) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            seen.append(given[place])
            return real(*given)

        return call

    monkeypatch.setattr(aim, "gaussian_noise", spied(aim.gaussian_noise, tables, 0))
    monkeypatch.setattr(
        aim, "exponential_mechanism", spied(aim.exponential_mechanism, selections, 1)
    )
    synthesizer = aim.AIMSynthesizer(rounds=4)
    synthesizer.rho = 2.0
    data = counted(worlds.rows(200), ("smokes", "job"))
    with quiet():
        synthesizer.AIM(data, synthesizer.get_workload(data, 2, 10_000))
    selected = sum(epsilon**2 / 8 for epsilon in selections)
    assert selected + sum(0.5 / sigma**2 for sigma in tables) == pytest.approx(2.0)
    assert 0 < selected <= 0.2


@pytest.mark.parametrize("rho", ["0.000001", "0.0123", "3"])
def test_smartnoise_is_told_no_more_than_it_may_spend(rho: str) -> None:
    with quiet():
        spent = Fraction(cdp_rho(_epsilon(Decimal(rho)), 1e-9))
    assert Fraction(rho) * Fraction("0.99") < spent <= Fraction(rho)


@pytest.mark.slow
@pytest.mark.parametrize("synthesizer", [SmartnoiseMstUnpatched(), SmartnoiseAimUnpatched()])
def test_a_run_is_paid_for_and_says_nothing(
    synthesizer: Synthesizer, capfd: pytest.CaptureFixture[str]
) -> None:
    domain = worlds.domain(("smokes", "job"))
    made = []
    for _ in range(2):
        np.random.seed(1)  # noqa: NPY002 - what a careless program might do
        done = synthesizers.fit(
            synthesizer, worlds.rows(2000), relation="replace-one", domain=domain, rho="5"
        )
        assert done.spent == done.events
        assert claimed_rho(done.events[0]) < 5
        assert dict(done.stages)["fit"] == 1.0
        assert isinstance(done.model, DirectedModel)
        assert done.model.total == pytest.approx(2000, abs=50)
        made.append(done.model)
        rows = table_source(done.model.sample(2000, synthesizers.ignore), domain)
        truth = table_source(worlds.table(worlds.rows(2000)), domain)
        (ours,), (theirs,) = rows.count([(0, 1)]), truth.count([(0, 1)])
        assert np.abs(ours - theirs).sum() / 4000 < 0.1
    assert synthesizers.kept(made[0], domain) != synthesizers.kept(made[1], domain)
    assert capfd.readouterr() == ("", "")
