"""A quality is a training from public values alone, made smaller where noise would drown it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from dpgate.accounting.calibrate import Budget, budget_for
from dpgate.errors import AccountingError, SynthesisError
from dpgate.gate.quality import NOISE_AT_MOST, QUALITIES, Choice, Quality, choose
from dpgate.gate.training import Trains
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.model.training import Training
from dpgate.synthesis import registry
from dpgate.synthesis.gan.plan import noise_to_signal
from dpgate.synthesis.gan.synthesizer import DpCtgan, DpTvae, Trained
from dpgate.synthesis.interface import Task

BUDGET = budget_for(Decimal(3), Decimal("1e-9"))


def task(rows: int, *sizes: int) -> Task:
    """A task of such columns, with such a bound."""
    columns = (
        ColumnDomain(name=f"c{place}", kind="whole", values=tuple(range(size)))
        for place, size in enumerate(sizes)
    )
    return Task(
        domain=Domain(columns=tuple(columns)), relation="add-remove", rows=10, rows_at_most=rows
    )


@pytest.mark.parametrize(
    ("rows", "batch"),
    [(100, 100), (1_500, 200), (5_000, 500), (10_000, 1_000), (50_000, 1_000), (75_000, 1_500),
     (10**6, 2_000)],
)  # fmt: skip
def test_a_batch_by_itself_is_a_share_of_the_bound(rows: int, batch: int) -> None:
    for synthesizer in (DpTvae(), DpCtgan()):
        assert synthesizer.recipe(task(rows, 3, 2)).batch == batch


ADULT = task(50_000, 85, 9, 100, 16, 7, 15, 6, 5, 2, 100, 100, 99, 42, 2)


def made(name: str, what: Task, quality: Quality, budget: Budget = BUDGET) -> Choice:
    synthesizer = registry.get(name)
    assert isinstance(synthesizer, Trained)
    return choose(synthesizer, what, quality, budget, ())


def ratio(name: str, what: Task, training: Training, budget: Budget = BUDGET) -> float:
    """Noise to signal of a training, as `plan` would tell it."""
    synthesizer = registry.get(name)
    assert isinstance(synthesizer, Trained)
    assert isinstance(synthesizer, Trains)
    trying = replace(what, training=training)
    event = synthesizer.plan_within(trying, budget, ())[1]
    return noise_to_signal(event, synthesizer.recipe(trying), synthesizer.trained(trying))


def work(training: Training) -> int:
    """Rows that all steps together see, which time is in proportion to."""
    return (training.steps or 0) * (training.batch or 0)


@pytest.mark.parametrize("name", ["dp-tvae", "dp-ctgan"])
def test_balanced_is_what_the_synthesizer_chooses_by_itself(name: str) -> None:
    choice = made(name, ADULT, "balanced")
    synthesizer = registry.get(name)
    assert isinstance(synthesizer, Trained)
    own = synthesizer.recipe(ADULT)
    filled = synthesizer.recipe(replace(ADULT, training=choice.training))
    assert (filled, choice.reasons) == (own, ())


@pytest.mark.parametrize("name", ["dp-tvae", "dp-ctgan"])
def test_fast_sees_a_fraction_of_the_rows_and_high_no_fewer(name: str) -> None:
    fast, balanced, high = (made(name, ADULT, quality).training for quality in QUALITIES)
    assert work(fast) <= work(balanced) / 2
    assert work(high) >= work(balanced)
    assert fast.width <= balanced.width


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dp-tvae", "dp-ctgan"])
@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize(
    ("rows", "epsilon"), [(500_000, "0.5"), (50_000, "1"), (50_000, "0.5"), (10_000, "2")]
)
def test_noise_leaves_something_to_learn(
    name: str, quality: Quality, rows: int, epsilon: str
) -> None:
    what, budget = replace(ADULT, rows_at_most=rows), budget_for(Decimal(epsilon), Decimal("1e-9"))
    choice = made(name, what, quality, budget)
    assert ratio(name, what, choice.training, budget) <= NOISE_AT_MOST
    wanted = made(name, replace(ADULT, rows_at_most=5_000_000), quality).training
    if choice.training.learning_rate != wanted.learning_rate:  # `balanced` was taken
        wanted = made(name, replace(ADULT, rows_at_most=5_000_000), "balanced").training
    for key in ("steps", "width", "latent"):
        told = any(reason.startswith(f"{key} ") for reason in choice.reasons)
        assert told == (getattr(choice.training, key) != getattr(wanted, key))


def test_high_is_balanced_where_noise_would_spoil_it() -> None:
    quiet, loud = BUDGET, budget_for(Decimal(1), Decimal("1e-9"))
    balanced, high = (made("dp-ctgan", ADULT, q, quiet).training for q in QUALITIES[1:])
    assert ratio("dp-ctgan", ADULT, high, quiet) < 0.5
    assert (high.batch, high.learning_rate) == (2_000, Decimal("0.0005"))
    assert high != balanced
    assert made("dp-ctgan", ADULT, "high", loud) == made("dp-ctgan", ADULT, "balanced", loud)
    never = budget_for(Decimal("0.00001"), Decimal("1e-12"))
    with pytest.raises(AccountingError, match="noise multiplier"):
        made("dp-ctgan", ADULT, "high", never)


def test_where_nothing_is_enough_the_least_noise_is_taken() -> None:
    tiny, budget = task(1000, 50, 50), budget_for(Decimal("0.3"), Decimal("1e-9"))
    choice = made("dp-tvae", tiny, "balanced", budget)
    least = ratio("dp-tvae", tiny, choice.training, budget)
    assert least > NOISE_AT_MOST
    assert least < ratio("dp-tvae", tiny, Training(), budget)
    assert choice.training.width == 32
    assert choice.training.steps == 100


def test_what_cannot_be_trained_is_refused() -> None:
    with pytest.raises(SynthesisError, match="samples rows by coins"):
        made("dp-tvae", replace(ADULT, relation="replace-one"), "fast")
    with pytest.raises(AccountingError, match="noise multiplier"):
        made("dp-tvae", ADULT, "fast", budget_for(Decimal("0.00001"), Decimal("1e-12")))
