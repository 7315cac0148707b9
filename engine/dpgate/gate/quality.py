"""A training for a quality: steps, batch and widths, from public values alone.

Each quality is a multiple of what a synthesizer chooses by itself (`balanced`), tuned on Adult at ε=1 and 3
(benchmarks/README.md). Adult has 50,000 rows at most and 588 cells; where rows are fewer, cells more or ε lower, the
noise of a step would drown what it says, and the training is made smaller until it does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, get_args

from dpgate.accounting.calibrate import Budget
from dpgate.errors import AccountingError
from dpgate.gate.training import WEAK, Trains
from dpgate.model.event import Event
from dpgate.model.training import Training
from dpgate.synthesis.gan.plan import noise_to_signal
from dpgate.synthesis.interface import PlansWithin, Task

Quality = Literal["fast", "balanced", "high"]
QUALITIES: tuple[Quality, ...] = get_args(Quality)

NOISE_AT_MOST = WEAK
"""Noise of a step relative to the largest sum of a full batch, which a choice stays below if it can: where `plan`
warns. On Adult both synthesizers learned at 0.2 to 1.6."""

_WIDTH_AT_LEAST, _LATENT_AT_LEAST, _STEPS_AT_LEAST = 32, 4, 100
_RATE_AT_MOST = Decimal("0.2")
"""Sampling rate up to which a batch may grow: above it noise grows about as fast as the batch."""


@dataclass(frozen=True, kw_only=True)
class _Times:
    """What a quality multiplies of a synthesizer's own choice."""

    steps: Decimal = Decimal(1)
    batch: Decimal = Decimal(1)
    width: Decimal = Decimal(1)
    learning_rate: Decimal = Decimal(1)
    noise_at_most: float = NOISE_AT_MOST
    """Noise to signal above which it was no better than `balanced`, which is taken instead."""


_HALF = Decimal("0.5")
_OTHERS: dict[Quality, _Times] = {
    "fast": _Times(steps=Decimal("0.375"), width=_HALF, learning_rate=Decimal(2)),
    "high": _Times(batch=Decimal(2)),
}
_TIMES: dict[str, dict[Quality, _Times]] = {
    # In fewer steps its discriminator does not get to what predicts a target.
    "dp-ctgan": {
        "fast": _Times(batch=_HALF, width=_HALF),
        # Better at 0.3 (ε=3), worse at 0.8 (ε=1): so slow a rate needs clear gradients.
        "high": _Times(batch=Decimal(2), learning_rate=_HALF, noise_at_most=0.5),
    },
}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A training that was chosen.

    Attributes:
        training: with nothing left open.
        reasons: where and why it departs from the quality's own numbers.
    """

    training: Training
    reasons: tuple[str, ...]


def choose(
    synthesizer: PlansWithin, task: Task, quality: Quality, budget: Budget, beside: Sequence[Event]
) -> Choice:
    """The training of a quality, made smaller until the noise of a step leaves something to learn.

    Args:
        synthesizer: one that trains.
        task: public.
        quality: what is wanted.
        budget: of the whole release.
        beside: what the release runs beside the synthesizer.

    Returns:
        The first of narrower networks, fewer steps and larger batches whose noise of a step is within
        `NOISE_AT_MOST` times the largest sum of a full batch; if none is, the one with the least.

    Raises:
        SynthesisError: the task is not for a training.
        AccountingError: the promise cannot be kept with any noise.
    """
    best: tuple[float, Choice] | None = None
    failed: AccountingError | None = None
    if _too_loud(synthesizer, task, quality, budget, beside):
        quality = "balanced"
    for choice in _smaller(_wanted(synthesizer, task, quality), task):
        try:
            ratio = _ratio(synthesizer, task, choice.training, budget, beside)
        except AccountingError as error:
            failed = error  # fewer steps may do
            continue
        if best is None or ratio < best[0]:
            best = ratio, choice
        if ratio <= NOISE_AT_MOST:
            break
    if best is None:
        assert failed is not None  # noqa: S101 - there is a first choice
        raise failed
    return best[1]


def _too_loud(
    synthesizer: PlansWithin, task: Task, quality: Quality, budget: Budget, beside: Sequence[Event]
) -> bool:
    """Whether a quality is for less noise than there would be."""
    most = _times(synthesizer, quality).noise_at_most
    if most >= NOISE_AT_MOST:
        return False
    try:
        wanted = _wanted(synthesizer, task, quality)
        return _ratio(synthesizer, task, wanted, budget, beside) > most
    except AccountingError:
        return True


def _times(synthesizer: PlansWithin, quality: Quality) -> _Times:
    return _TIMES.get(getattr(synthesizer, "name", ""), _OTHERS).get(quality, _Times())


def _wanted(synthesizer: PlansWithin, task: Task, quality: Quality) -> Training:
    """What a quality is where noise is no obstacle."""
    assert isinstance(synthesizer, Trains)  # noqa: S101 - the caller saw to it
    own, bound = synthesizer.recipe(replace(task, training=Training())), task.rows_at_most or 1
    times = _times(synthesizer, quality)
    return Training(
        steps=max(1, int(own.steps * times.steps)),
        batch=min(bound, int(own.batch * times.batch)),
        width=max(1, int(own.width * times.width)),
        latent=own.latent,
        learning_rate=Decimal(str(own.learning_rate)) * times.learning_rate,
        clip=Decimal(str(own.clip)),
    )


def _smaller(wanted: Training, task: Task) -> Iterator[Choice]:
    """The training that is wanted, then ever smaller networks, fewer steps and larger batches."""
    now, reasons = wanted, dict[str, str]()
    most = int(_RATE_AT_MOST * (task.rows_at_most or 1))
    yield Choice(training=now, reasons=())
    while True:
        before = now
        for key, value in _less(now, most).items():
            if value != getattr(now, key):
                now = now.model_copy(update={key: value})
                reasons[key] = f"{key} {value} instead of {getattr(wanted, key)}"
                yield Choice(training=now, reasons=tuple(reasons.values()))
        if now == before:
            return


def _less(now: Training, most: int) -> dict[str, int]:
    """One round of changes, each of which lowers the noise of a step relative to what it says."""
    steps, batch = now.steps or 1, now.batch or 1
    return {
        "width": max(min(_WIDTH_AT_LEAST, now.width), now.width // 2),
        "steps": max(min(_STEPS_AT_LEAST, steps), steps // 2),
        "batch": max(batch, min(most, 2 * batch)),
        "latent": max(min(_LATENT_AT_LEAST, now.latent), now.latent // 2),
    }


def _ratio(
    synthesizer: PlansWithin,
    task: Task,
    training: Training,
    budget: Budget,
    beside: Sequence[Event],
) -> float:
    """Noise of a step relative to the largest sum that a full batch can have."""
    assert isinstance(synthesizer, Trains)  # noqa: S101 - the caller saw to it
    trying = replace(task, training=training)
    events = synthesizer.plan_within(trying, budget, beside)
    event = next(event for event in events if event.name == synthesizer.training)
    return noise_to_signal(event, synthesizer.recipe(trying), synthesizer.trained(trying))
