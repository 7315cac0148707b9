"""SmartNoise's budgets: what is charged, what is refused, and that nothing heavy is loaded."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

import pytest
from snsynth.aim.aim import compile_workload

from dpgate.accounting.calibrate import claimed_rho
from dpgate.accounting.curves import check
from dpgate.errors import SynthesisError
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.model.event import Event
from dpgate.synthesis.interface import Synthesizer, Task
from dpgate.synthesis.smartnoise.plan import SCORE_UNIT, aim_weights
from dpgate.synthesis.smartnoise.synthesizer import SmartnoiseAim, SmartnoiseMst
from dpgate.synthesis.smartnoise.unpatched import SmartnoiseAimUnpatched, SmartnoiseMstUnpatched
from tests.suites import worlds

PATCHED = [SmartnoiseMst(), SmartnoiseAim()]
UNPATCHED = [SmartnoiseMstUnpatched(), SmartnoiseAimUnpatched()]


def task(*sizes: int, relation: str = "replace-one") -> Task:
    columns = [
        ColumnDomain(name=f"c{place}", kind="whole", values=tuple(range(size)))
        for place, size in enumerate(sizes)
    ]
    return Task(domain=Domain(columns=tuple(columns)), relation=relation, rows=1)


def planned(synthesizer: Synthesizer, *sizes: int, relation: str) -> dict[str, Event]:
    events = synthesizer.plan(task(*sizes, relation=relation), Decimal("0.1"))
    return {event.name.rpartition(".")[2]: event for event in events}


@pytest.mark.parametrize("synthesizer", PATCHED, ids=lambda s: s.name)
@pytest.mark.parametrize("relation", ["add-remove", "replace-one"])
@pytest.mark.parametrize("rho", ["0.0000123457", "0.5", "40"])
def test_a_plan_never_costs_more_than_it_may(
    synthesizer: Synthesizer, relation: str, rho: str
) -> None:
    for sizes in ((4,), (4, 2), (4, 2, 9), (200, 200, 3, 2)):
        events = synthesizer.plan(task(*sizes, relation=relation), Decimal(rho))
        assert Decimal(rho) * Decimal("0.999") < sum(e.loss for e in events) <= Decimal(rho)
        assert {(event.relation, event.proof) for event in events} == {(relation, "opendp")}
        for event in events:
            check(event)
        noise = synthesizer.noise(task(*sizes, relation=relation), events)
        assert [row.order for row in noise] == [1, 2][: len(sizes)]


def test_mst_spends_a_third_on_each_step() -> None:
    assert set(planned(SmartnoiseMst(), 3, relation="add-remove")) == {"one_way"}
    assert set(planned(SmartnoiseMst(), 3, 4, relation="add-remove")) == {"one_way", "two_way"}
    events = planned(SmartnoiseMst(), 3, 4, 5, 6, relation="add-remove")
    assert {name: event.times for name, event in events.items()} == {
        "one_way": 4,
        "select": 3,
        "two_way": 3,
    }
    assert max(e.loss for e in events.values()) == pytest.approx(Decimal("0.1") / 3)


@pytest.mark.parametrize("synthesizer", PATCHED, ids=lambda s: s.name)
def test_replacing_a_row_moves_twice_as_much(synthesizer: Synthesizer) -> None:
    one = planned(synthesizer, 3, 4, 5, relation="add-remove")
    other = planned(synthesizer, 3, 4, 5, relation="replace-one")
    for name, event in one.items():
        factor = 4 if name == "select" else 2
        assert other[name].sensitivity_squared == factor * event.sensitivity_squared


def test_weights_are_those_of_smartnoise() -> None:
    domain = task(3, 4, 5, 4000, 2).domain  # some pairs have more than 10,000 cells
    ours = aim_weights(domain)
    sizes = domain.sizes
    pairs = [(a, b) for a, b in combinations(range(5), 2) if sizes[a] * sizes[b] <= 10_000]
    theirs = compile_workload(pairs)
    assert {tuple(sorted(clique)): weight for clique, weight in theirs.items()} == ours
    select = planned(SmartnoiseAim(), *sizes, relation="add-remove")["select"]
    assert select.sensitivity_squared == (SCORE_UNIT * max(ours.values())) ** 2


def test_a_column_that_no_pair_holds_is_measured_all_the_same() -> None:
    assert aim_weights(task(9000, 9000).domain) == {(0,): 1, (1,): 1}


@pytest.mark.parametrize("synthesizer", [*PATCHED, *UNPATCHED], ids=lambda s: s.name)
def test_tasks_that_are_refused(synthesizer: Synthesizer) -> None:
    with pytest.raises(SynthesisError, match="at least one column"):
        synthesizer.plan(task(), Decimal(1))
    with pytest.raises(SynthesisError, match="have 100000000 cells together"):
        synthesizer.plan(task(10_000, 10_000), Decimal(1))
    odd = ColumnDomain(name="x", kind="whole", values=(1, 2**63))
    domain = Domain(columns=(odd, *worlds.domain().columns))
    with pytest.raises(SynthesisError, match=r"64-bit numbers: x$"):
        synthesizer.plan(Task(domain=domain, relation="replace-one", rows=1), Decimal(1))


@pytest.mark.parametrize(
    ("synthesizer", "factor"), [(UNPATCHED[0], Fraction(8, 3)), (UNPATCHED[1], Fraction(11, 5))]
)
def test_as_shipped_it_claims_less_than_it_costs(
    synthesizer: Synthesizer, factor: Fraction
) -> None:
    (event,) = synthesizer.plan(task(3, 4), Decimal("0.8"))
    check(event)
    assert (event.mechanism, event.proof, event.relation) == (
        "foreign",
        "real-arithmetic",
        "replace-one",
    )
    assert Decimal("0.7999") < event.loss <= Decimal("0.8")
    claimed = Fraction(claimed_rho(event))
    assert claimed * factor <= Fraction(event.loss)
    assert claimed * factor == pytest.approx(float(event.loss), rel=1e-6)
    assert [row.order for row in synthesizer.noise(task(3, 4), (event,))] == [1, 2]


@pytest.mark.parametrize("synthesizer", UNPATCHED, ids=lambda s: s.name)
def test_as_shipped_it_is_for_replace_one_and_two_columns(synthesizer: Synthesizer) -> None:
    with pytest.raises(SynthesisError, match="accounted under replace-one alone") as caught:
        synthesizer.plan(task(3, 4, relation="add-remove"), Decimal(1))
    assert caught.value.fix == f"use {synthesizer.name.removesuffix('-unpatched')}"
    for sizes in ((3,), (200, 200)):
        with pytest.raises(SynthesisError, match="needs two columns with at most 10000 cells"):
            synthesizer.plan(task(*sizes), Decimal(1))


def test_planning_needs_no_numerics() -> None:
    code = (
        "import sys\n"
        "from dpgate.synthesis import registry\n"
        "assert {'smartnoise-mst', 'smartnoise-aim'} <= set(registry.proofs())\n"
        "heavy = {'numpy', 'pandas', 'opendp', 'jax', 'mbi', 'snsynth'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
