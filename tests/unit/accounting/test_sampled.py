"""Noise solved from a promise: kept, used, and as independent accountants see it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal

import pytest

from dpgate.accounting.calibrate import Promise, budget_for, gaussian_event
from dpgate.accounting.compose import REPORT_ORDERS, release_epsilon
from dpgate.accounting.curves import curve
from dpgate.accounting.sampled import SCALE_AT_LEAST, sampled_event, training
from dpgate.errors import AccountingError
from dpgate.model.event import Event

TRAININGS = [
    ("3", "1e-9", 1_000, "0.02"),
    ("1", "1e-6", 500, "0.01"),
    ("0.5", "1e-9", 2_000, "0.005"),
    ("8", "1e-5", 300, "0.25"),
    ("2", "1e-6", 50, "1"),
]


def beside(epsilon: str, delta: str) -> tuple[Event, ...]:
    """A tenth of ρ for each of two things that run beside a training."""
    rho = budget_for(Decimal(epsilon), Decimal(delta)).amount / 10
    return tuple(
        gaussian_event(
            name=name, rho=rho, times=times, sensitivity_squared=1, relation="add-remove"
        )
        for name, times in (("one_way", 14), ("evidence", 1))
    )


def solved(epsilon: str, delta: str, steps: int, rate: str, others: Sequence[Event] = ()) -> Event:
    promise = Promise(Decimal(epsilon), Decimal(delta))
    return sampled_event(
        name="training", promise=promise, beside=others, steps=steps, rate=Decimal(rate)
    )


@pytest.mark.parametrize(("epsilon", "delta", "steps", "rate"), TRAININGS)
@pytest.mark.parametrize("alone", [True, False])
def test_the_promise_is_kept_and_used(
    epsilon: str, delta: str, steps: int, rate: str, *, alone: bool
) -> None:
    others = () if alone else beside(epsilon, delta)
    event = solved(epsilon, delta, steps, rate, others)
    spent = release_epsilon((*others, event), Decimal(delta))
    assert spent <= Decimal(epsilon)
    assert spent > Decimal(epsilon) * Decimal("0.995")
    less = training("training", event.scale * Decimal("0.9999"), steps, Decimal(rate))
    assert release_epsilon((*others, less), Decimal(delta)) > Decimal(epsilon)
    assert event.proof == "real-arithmetic"
    assert (event.times, event.sampling_rate) == (steps, Decimal(rate))


@pytest.mark.parametrize(("epsilon", "delta", "steps", "rate"), TRAININGS)
def test_dp_accounting_and_opacus_agree(epsilon: str, delta: str, steps: int, rate: str) -> None:
    """Both by Rényi divergence at our orders; theirs may take the better conversion."""
    import dp_accounting
    from dp_accounting import rdp
    from opacus.accountants.analysis import rdp as theirs

    others = beside(epsilon, delta)
    event = solved(epsilon, delta, steps, rate, others)
    orders = [float(order) for order in REPORT_ORDERS]
    accountant = rdp.RdpAccountant(orders)
    for other in others:
        sigma = float(other.scale)
        accountant.compose(dp_accounting.GaussianDpEvent(sigma), other.times)
    step = dp_accounting.PoissonSampledDpEvent(
        float(rate), dp_accounting.GaussianDpEvent(float(event.scale))
    )
    accountant.compose(step, steps)
    found = accountant.get_epsilon(float(delta))
    assert found == pytest.approx(float(epsilon), rel=5e-3)
    assert found <= float(epsilon)
    opacus = theirs.compute_rdp(
        q=float(rate), noise_multiplier=float(event.scale), steps=steps, orders=orders
    )
    ours = curve(event, REPORT_ORDERS)
    for order, value in zip(REPORT_ORDERS, opacus, strict=True):
        assert float(ours[order]) == pytest.approx(float(value), rel=1e-6)


def test_prv_says_that_rdp_overstates() -> None:
    """For information: a tighter accountant of Opacus, never what is charged."""
    from opacus.accountants.prv import PRVAccountant

    event = solved("3", "1e-6", 500, "0.02")
    prv = PRVAccountant()
    prv.history = [(float(event.scale), 0.02, 500)]
    tight = prv.get_epsilon(1e-6)
    assert 2.0 < tight < 3.0


def test_what_nothing_can_spoil_gets_the_least_noise_that_is_tried() -> None:
    assert solved("1000", "1e-6", 1, "0.0001").scale == SCALE_AT_LEAST


def test_more_steps_or_a_higher_rate_need_more_noise() -> None:
    base = solved("1", "1e-6", 500, "0.01").scale
    assert solved("1", "1e-6", 2_000, "0.01").scale > base
    assert solved("1", "1e-6", 500, "0.02").scale > base
    assert solved("2", "1e-6", 500, "0.01").scale < base
    assert solved("1", "1e-5", 500, "0.01").scale < base


def refused(epsilon: str, delta: str, steps: int, rate: str, at_most: str = "5") -> AccountingError:
    with pytest.raises(AccountingError) as caught:
        sampled_event(
            name="training",
            promise=Promise(Decimal(epsilon), Decimal(delta)),
            beside=(),
            steps=steps,
            rate=Decimal(rate),
            at_most=Decimal(at_most),
        )
    return caught.value


def test_an_unreachable_promise_says_what_to_change_and_by_how_much() -> None:
    """Each way that is named works, and half a percent more of it does not."""
    error = refused("0.5", "1e-9", 5_000, "0.1")
    assert "5000 steps at sampling rate 0.1 do not keep epsilon 0.5 at delta 1e-9" in error.message
    ways = error.fix.removeprefix("change one: ").split("; or ")
    named = {way.split(":")[0]: way.split(": ")[1].split()[0] for way in ways}
    assert set(named) == {"steps", "sampling rate", "epsilon"}

    def keeps(epsilon: str = "0.5", steps: int = 5_000, rate: str = "0.1") -> bool:
        event = training("training", Decimal(5), steps, Decimal(rate))
        return release_epsilon((event,), Decimal("1e-9")) <= Decimal(epsilon)

    steps = int(named["steps"])
    assert keeps(steps=steps)
    assert not keeps(steps=steps + 1)
    rate = named["sampling rate"]
    assert keeps(rate=rate)
    assert not keeps(rate=str(Decimal(rate) * Decimal("1.02")))
    assert keeps(epsilon=named["epsilon"])
    assert not keeps(epsilon=str(Decimal(named["epsilon"]) * Decimal("0.995")))


def test_where_delta_is_what_stands_in_the_way() -> None:
    error = refused("0.02", "1e-9", 100, "0.001", at_most="1000")
    assert "delta: 1e-" in error.fix
    assert "steps" not in error.fix  # not even one step keeps it at so small a δ


def test_planning_needs_neither_torch_nor_numpy() -> None:
    program = (
        "import sys\n"
        "from decimal import Decimal\n"
        "from dpgate.accounting.calibrate import Promise\n"
        "from dpgate.accounting.sampled import sampled_event\n"
        "from dpgate.synthesis.gan import synthesizer\n"
        "sampled_event(name='t', promise=Promise(Decimal(1), Decimal('1e-6')), beside=(), steps=9,"
        " rate=Decimal('0.1'))\n"
        "print(*sorted({'torch', 'numpy', 'opacus', 'opendp', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
