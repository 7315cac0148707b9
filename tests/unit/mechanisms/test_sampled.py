"""Steps of a sampled Gaussian: paid before they are drawn, one noise each, coins that are fair."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from dpgate.accounting.sampled import training
from dpgate.errors import AccountingError, InsufficientBudgetError
from dpgate.mechanisms.fresh import Fresh
from dpgate.mechanisms.sampled import SampledGaussian
from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import UnsafePlayer, UnsafeRecorder


def session(
    steps: int = 3, rate: str = "0.1", scale: str = "2", tape: UnsafeRecorder | None = None
) -> Mechanisms:
    event = training("t.training", Decimal(scale), steps, Decimal(rate))
    return Mechanisms([event], "add-remove", tape=tape)


def test_a_step_is_paid_when_it_is_sampled_and_has_one_noisy_sum() -> None:
    paid = session(steps=2)
    steps = SampledGaussian(paid, "t.training", 0.5)
    with pytest.raises(AccountingError, match="one noisy sum"):
        steps.noisy(np.zeros(3))
    steps.sample(10)
    assert [event.times for event in paid.spent] == [1]
    with pytest.raises(AccountingError, match="only after the one before"):
        steps.sample(10)
    steps.noisy(np.zeros(3))
    with pytest.raises(AccountingError, match="one noisy sum"):
        steps.noisy(np.zeros(3))
    steps.sample(0)
    steps.noisy(np.zeros(3))
    with pytest.raises(InsufficientBudgetError):
        steps.sample(10)
    assert [event.times for event in paid.spent] == [2]


def test_only_what_was_reserved_for_it_pays() -> None:
    with pytest.raises(InsufficientBudgetError):
        SampledGaussian(session(), "t.other", 1.0).sample(1)
    with pytest.raises(AccountingError, match="reserved for sampled-gaussian"):
        session().gaussian("t.training", np.zeros(1, dtype=np.int64))


@pytest.mark.parametrize("rate", ["0.001", "0.25", "1"])
def test_every_record_falls_by_a_coin_of_its_own(rate: str) -> None:
    count, steps = 2_000, 200
    drawn = SampledGaussian(session(steps, rate), "t.training", 1.0)
    seen = np.zeros((steps, count), dtype=np.int64)
    for step in range(steps):
        chosen = drawn.sample(count)
        assert (np.diff(chosen) > 0).all()
        seen[step, chosen] = 1
        drawn.noisy(np.zeros(1))
    q = float(rate)
    spread = np.sqrt(q * (1 - q) / (steps * count))
    assert abs(seen.mean() - q) <= 5 * spread
    sizes = seen.sum(axis=1)  # of a Poisson sample, they vary
    expected = np.sqrt(count * q * (1 - q))
    assert 0.75 * expected <= sizes.std() <= 1.3 * expected


def test_noise_has_the_scale_of_the_event_and_the_norm() -> None:
    drawn = SampledGaussian(session(1, scale="3"), "t.training", 0.25)
    drawn.sample(0)
    noise = drawn.noisy(np.full(200_000, 7.0)) - 7.0
    assert abs(noise.mean()) < 0.01
    assert noise.std() == pytest.approx(0.75, rel=0.01)
    assert (noise**4).mean() / noise.var() ** 2 == pytest.approx(3.0, rel=0.03)


def test_two_generators_differ_and_no_seed_reaches_them() -> None:
    np.random.seed(1)  # noqa: NPY002 - the global generator is what is under suspicion
    one = Fresh()
    np.random.seed(1)  # noqa: NPY002 - as above
    other = Fresh()
    a, b = one.words(100_000), other.words(100_000)
    assert (a == b).mean() < 0.001
    assert (a == one.words(100_000)).mean() < 0.001
    assert a.mean() / 2**32 == pytest.approx(0.5, abs=0.005)
    assert abs(np.corrcoef(a[:-1], a[1:])[0, 1]) < 0.02
    assert len(one.normal(7)) == 7


def test_many_records_are_looked_at_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpgate.mechanisms.sampled._AT_ONCE", 7)
    drawn = SampledGaussian(session(1, "1"), "t.training", 1.0)
    np.testing.assert_array_equal(drawn.sample(30), np.arange(30))


def test_a_tape_sees_sums_in_units_of_the_norm_and_answers() -> None:
    tape = UnsafeRecorder()
    first = SampledGaussian(session(1, tape=tape), "t.training", 0.5)
    first.sample(4)
    noisy = first.noisy(np.array([0.5, 0.0]))
    np.testing.assert_array_equal(tape.calls[0].inputs, [1.0, 0.0])
    player = UnsafePlayer(outputs=[call.output for call in tape.calls])
    second = SampledGaussian(session(1, tape=player), "t.training", 0.5)
    second.sample(4)
    np.testing.assert_array_equal(second.noisy(np.array([9.0, 9.0])), noisy)
