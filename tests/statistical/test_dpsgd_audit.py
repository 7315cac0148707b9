"""White-box audit of a training's step: what an attacker who sees every noisy gradient can tell.

The code that trains runs as it is, with a learning rate of 0: a step's noisy gradient is all there is
to see. A lower bound on ε (Clopper and Pearson, with a threshold chosen on half of the trials) must
not exceed the ε that is accounted, at ε ≤ 2, where a fault of this size shows. Each fault that DP-SGD
is known to be built with is put in by a test, and must be caught; for rows as records, and for persons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import log
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import beta
from torch import Tensor, nn

from dpgate.accounting.calibrate import Promise
from dpgate.accounting.sampled import sampled_event
from dpgate.mechanisms.sampled import SampledGaussian
from dpgate.mechanisms.session import Mechanisms
from dpgate.model.event import Event
from dpgate.synthesis.gan import trainer
from dpgate.synthesis.gan.clip import clipped_sum, parameters
from dpgate.synthesis.gan.layers import Mlp, Tap, linear
from dpgate.synthesis.gan.records import Records

pytestmark = pytest.mark.slow

DELTA = Decimal("1e-3")
EPSILON = Decimal("1.5")
STEPS, RATE = 20, Decimal("0.05")
CLIP = 0.5
FAR = 200.0
"""Size of a record's input, so that its gradient is all weight and no bias, and far above `CLIP`."""
DOUBT = 1e-3

Scores = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Under:
    """What is audited: the event that is accounted, and the parts that a fault replaces.

    Attributes:
        accounted: the event, whose ε is claimed.
        run: the event that runs; a halved σ makes another of it.
        sampler: chooses records and adds noise.
        divisor: of sums, from the number of records.
        records: what is sampled, from the cells of those who are there.
    """

    accounted: Event
    run: Event
    sampler: type[SampledGaussian] = SampledGaussian
    divisor: Callable[[int], float] = lambda records: 1_000.0
    records: Callable[[NDArray[np.uint16]], Records] = Records


def promised() -> Event:
    return sampled_event(
        name="t.training", promise=Promise(EPSILON, DELTA), beside=(), steps=STEPS, rate=RATE
    )


def sound() -> Under:
    event = promised()
    return Under(accounted=event, run=event)


def gradients(under: Under, there: NDArray[np.uint16], cells: int) -> Iterator[Scores]:
    """The noisy gradient of each step, in clipping norms times what sums are divided by at first."""
    network = Mlp([cells, 1], torch.Generator())
    layers = linear(network)

    def losses(rows: Tensor, taps: list[Tap]) -> Tensor:
        out: Tensor = network(rows, taps)
        return out[:, 0]

    def far(codes: NDArray[np.uint16]) -> Tensor:
        places = torch.from_numpy(codes[:, 0].astype(np.int64))
        return nn.functional.one_hot(places, cells).float() * FAR

    records = under.records(there)
    trained = trainer.Trained(
        layers=layers,
        losses=losses,
        optimizer=torch.optim.SGD(parameters(layers), lr=0.0),
        clip=CLIP,
        divisor=under.divisor(len(records)),
        at_once=1_024,
    )
    paid = Mechanisms([under.run], "add-remove")
    sampled = under.sampler(paid, "t.training", CLIP)
    for _ in range(under.run.times):
        gradient = trainer.private_gradient(trained, sampled, records, far)
        trainer.apply(trained, gradient)
        yield gradient[0].numpy()[0].astype(np.float64) * 1_000.0 / CLIP


def log_ratio(seen: Scores, event: Event) -> Scores:
    """Of one step: that a record was there, against that it was not, by what its place shows."""
    variance, rate = float(event.scale) ** 2, float(event.sampling_rate or 1)
    return np.log1p(rate * np.expm1(np.clip((seen - 0.5) / variance, -50, 50)))


def canaries(under: Under, runs: int = 120, cells: int = 1_000) -> tuple[Scores, Scores]:
    """Records with a cell of their own, each there by a coin: scores of absent and present ones.

    Their gradients are orthogonal and noise is independent in each cell, so every canary is a trial.
    """
    rng = np.random.default_rng(11)
    absent, present = [], []
    for _ in range(runs):
        there = rng.random(cells) < 0.5
        records = np.flatnonzero(there).astype(np.uint16)[:, None]
        score = sum(log_ratio(g, under.accounted) for g in gradients(under, records, cells))
        absent.append(np.asarray(score)[~there])
        present.append(np.asarray(score)[there])
    return np.concatenate(absent), np.concatenate(present)


def crowds(
    under: Under, statistic: Callable[[list[Scores]], float], runs: int = 200, cells: int = 400
) -> tuple[Scores, Scores]:
    """29 equal records, or 30 of them: one score a run."""
    found = []
    for count in (29, 30):
        records = np.zeros((count, 1), dtype=np.uint16)
        found.append([statistic(list(gradients(under, records, cells))) for _ in range(runs)])
    return np.array(found[0]), np.array(found[1])


def total(seen: list[Scores]) -> float:
    """What the records added up to."""
    return float(sum(gradient[0] for gradient in seen))


def loudness(seen: list[Scores]) -> float:
    """How loud the noise is where no record can be."""
    return -float(np.std(np.concatenate([gradient[1:] for gradient in seen])))


def lower_bound(absent: Scores, present: Scores) -> float:
    """ε that the guarantee is at least, with confidence 1 − 2·`DOUBT`, in the better direction."""
    return max(_one_way(absent, present), _one_way(-present, -absent), 0.0)


def _one_way(absent: Scores, present: Scores) -> float:
    half = (len(absent) // 2, len(present) // 2)
    grid = np.unique(np.quantile(np.concatenate([absent[: half[0]], present[: half[1]]]),
                                 np.linspace(0, 1, 400)))  # fmt: skip
    tried = [(_bound(absent[: half[0]], present[: half[1]], cut), cut) for cut in grid]
    return _bound(absent[half[0] :], present[half[1] :], max(tried)[1])


def _bound(absent: Scores, present: Scores, cut: float) -> float:
    wrong, right = int((absent >= cut).sum()), int((present >= cut).sum())
    high = (
        float(beta.ppf(1 - DOUBT, wrong + 1, len(absent) - wrong)) if wrong < len(absent) else 1.0
    )
    low = float(beta.ppf(DOUBT, right, len(present) - right + 1)) if right else 0.0
    return log((low - float(DELTA)) / high) if low > float(DELTA) else 0.0


def test_a_sound_training_passes_and_the_audit_is_not_blind() -> None:
    bound = lower_bound(*canaries(sound()))
    assert bound <= float(EPSILON)
    assert bound > 0.25 * float(EPSILON)


@pytest.mark.parametrize("statistic", [total, loudness])
def test_a_sound_training_does_not_count_its_records(
    statistic: Callable[[list[Scores]], float],
) -> None:
    assert lower_bound(*crowds(sound(), statistic)) <= float(EPSILON)


def test_half_the_noise_is_caught() -> None:
    event = promised()
    loud = event.model_copy(update={"scale": event.scale / 2})
    assert lower_bound(*canaries(Under(accounted=event, run=loud))) > float(EPSILON)


def test_a_missing_clip_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def unclipped(losses: Tensor, taps: list[Tap], bound: float, sizes: object) -> list[Tensor]:
        return clipped_sum(losses, taps, bound * 1e9)

    monkeypatch.setattr(trainer, "clipped_sum", unclipped)
    assert lower_bound(*canaries(sound(), runs=8)) > float(EPSILON)


class WithReplacement(SampledGaussian):
    """As many records as the rate comes to, drawn with replacement, accounted as if by coins."""

    def sample(self, records: int) -> NDArray[np.int64]:
        super().sample(records)
        return np.sort(np.random.default_rng().integers(0, records, round(records * float(RATE))))


def test_a_sampler_with_replacement_is_caught() -> None:
    """Of 29 records 1 is drawn, of 30 records 2: the sum says which, at each step."""
    event = promised()
    faulty = Under(accounted=event, run=event, sampler=WithReplacement)
    assert lower_bound(*crowds(faulty, total)) > float(EPSILON)


def test_a_divisor_that_counts_records_is_caught() -> None:
    """The noise itself is divided by it, so its loudness says how many records there are."""
    event = promised()
    faulty = Under(accounted=event, run=event, divisor=lambda records: 30.0 * records)
    assert lower_bound(*crowds(faulty, loudness)) > float(EPSILON)


def test_a_tape_of_nothing_but_noise_has_no_bound() -> None:
    rng: Any = np.random.default_rng(5)
    assert lower_bound(rng.normal(size=4_000), rng.normal(size=4_000)) < 0.2


EACH = 4
"""Rows of a person, all alike: what they add up to is four times what one of them is."""


def persons(there: NDArray[np.uint16]) -> Records:
    """Everybody who is there has several rows."""
    rows = np.repeat(there, EACH, axis=0)
    return Records(rows, np.arange(0, len(rows) + 1, EACH, dtype=np.int64))


def test_a_sound_training_on_persons_passes_and_the_audit_is_not_blind() -> None:
    event = promised()
    bound = lower_bound(*canaries(Under(accounted=event, run=event, records=persons)))
    assert bound <= float(EPSILON)
    assert bound > 0.25 * float(EPSILON)


def test_rows_clipped_one_by_one_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Persons are sampled, but each of their rows adds a clipping norm of its own."""

    def by_row(losses: Tensor, taps: list[Tap], bound: float, sizes: object) -> list[Tensor]:
        assert sizes is not None
        return clipped_sum(losses, taps, bound)

    monkeypatch.setattr(trainer, "clipped_sum", by_row)
    event = promised()
    faulty = Under(accounted=event, run=event, records=persons)
    assert lower_bound(*canaries(faulty, runs=20)) > float(EPSILON)


class SampledByRow(Records):
    """A coin for each row; what is there of a person is then clipped together."""

    def __len__(self) -> int:
        return len(self.codes)

    def chosen(self, places: NDArray[np.int64]) -> Records:
        _, sizes = np.unique(places // EACH, return_counts=True)
        starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
        return Records(self.codes[places], starts)


def test_rows_sampled_one_by_one_are_caught() -> None:
    """Then a person is in a step almost four times as often as accounted."""
    event = promised()
    faulty = Under(
        accounted=event,
        run=event,
        records=lambda there: SampledByRow(persons(there).codes, persons(there).starts),
    )
    assert lower_bound(*canaries(faulty)) > float(EPSILON)


def test_rows_that_are_taken_for_persons_are_caught() -> None:
    """Sampled and clipped one by one, as where rows are protected."""
    event = promised()
    faulty = Under(accounted=event, run=event, records=lambda there: Records(persons(there).codes))
    assert lower_bound(*canaries(faulty)) > float(EPSILON)
