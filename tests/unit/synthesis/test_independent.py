"""Independent columns: the suite, its plan, and exact margins."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest

from dpgate.errors import MissingExtraError, SynthesisError
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.synthesis.independent.synthesizer import Independent
from dpgate.synthesis.interface import Model, Task
from dpgate.synthesis.sampling.directed import DirectedModel
from tests.suites import synthesizers, worlds
from tests.suites.synthesizers import SynthesizerSuite


class TestIndependent(SynthesizerSuite):
    synthesizer = Independent()
    misfit = 0.6

    def same(self, one: Model, other: Model) -> bool:
        assert isinstance(one, DirectedModel)
        assert isinstance(other, DirectedModel)
        first, second = (m.batch(500, np.random.default_rng(5)) for m in (one, other))
        return bool(first.equals(second))


def test_all_of_the_budget_goes_to_one_way_tables() -> None:
    task = Task(domain=worlds.domain(), relation="replace-one", rows=1)
    (event,) = Independent().plan(task, Decimal("0.1"))
    assert event.times == 5
    assert event.sensitivity_squared == 2


def test_tasks_that_are_refused() -> None:
    with pytest.raises(SynthesisError, match="at least one column"):
        Independent().plan(
            Task(domain=Domain(columns=()), relation="add-remove", rows=1), Decimal(1)
        )
    odd = Domain(columns=(ColumnDomain(name="x", kind="whole", values=(1, 2**63)),))
    with pytest.raises(SynthesisError, match="64-bit"):
        Independent().plan(Task(domain=odd, relation="add-remove", rows=1), Decimal(1))


def test_columns_are_independent() -> None:
    model = synthesizers.fit(Independent(), worlds.rows(200)).model
    assert isinstance(model, DirectedModel)
    assert all(step.parents == () for step in model.steps)


def test_planning_needs_no_numerics() -> None:
    code = (
        "import sys, dpgate.synthesis.independent.synthesizer, dpgate.synthesis.copula.synthesizer\n"
        "heavy = {'numpy', 'pyarrow', 'opendp'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def without(name: str, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.delitem(sys.modules, f"dpgate.synthesis.{name}.fit", raising=False)
    monkeypatch.delitem(sys.modules, "dpgate.synthesis.independent.margins", raising=False)
    monkeypatch.setitem(sys.modules, package, None)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    without("independent", monkeypatch, "numpy")
    with pytest.raises(MissingExtraError) as caught:
        Independent().fit(None, (), None, None, None)  # type: ignore[arg-type]
    assert caught.value.extra == "synth"


def test_a_module_of_ours_that_is_gone_is_no_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    without("independent", monkeypatch, "dpgate.synthesis.independent.margins")
    with pytest.raises(ModuleNotFoundError, match="margins"):
        Independent().fit(None, (), None, None, None)  # type: ignore[arg-type]
