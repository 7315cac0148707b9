"""What a training runs, planned from public values alone: neither NumPy nor torch is needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from dpgate.accounting import groups
from dpgate.accounting.calibrate import Budget, gaussian_event
from dpgate.accounting.rounding import significant_down
from dpgate.accounting.sampled import sampled_event
from dpgate.errors import SynthesisError
from dpgate.model.event import Event
from dpgate.synthesis.interface import NoiseRow, Task
from dpgate.synthesis.representable import require_representable

MARGIN_SHARE = Decimal("0.1")
"""Part of ρ that measures one-way tables; the training has what the promise leaves beside it."""

MAX_CELLS = 20_000
"""Cells of all columns together: the width of a network's input."""

_RATE_DIGITS = 9


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A training with nothing left open.

    Attributes:
        steps: of DP-SGD.
        batch: records of a step, on average, if the data has as many as its bound; divides sums.
        rate: Poisson sampling rate, batch over the public bound on rows, which persons cannot exceed.
        clip: largest norm of a record's gradient.
        learning_rate: of the network that sees private rows.
        width: neurons of its hidden layers.
        latent: normal numbers that a row is made from.
        at_once: rows whose gradients are computed together.
        processes: that compute them.
        person_rows: most rows of one person, where a record is a person; None: it is a row.
    """

    steps: int
    batch: int
    rate: Decimal
    clip: float
    learning_rate: float
    width: int
    latent: int
    at_once: int
    processes: int
    person_rows: int | None = None

    @property
    def records(self) -> Literal["rows", "persons"]:
        """What is sampled."""
        return "rows" if self.person_rows is None else "persons"


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """What a synthesizer chooses where a manifest is silent."""

    steps: int
    learning_rate: Decimal


def recipe(task: Task, defaults: Defaults) -> Recipe:
    """The training of a task, defaults filled in.

    Raises:
        SynthesisError: the batch is larger than the data may be, no bound on rows is known, or the
            rows of one person are more than are computed together.
    """
    given, bound = task.training, task.rows_at_most
    if bound is None:
        raise SynthesisError("a training needs the public bound on rows")
    batch = given.batch or default_batch(bound)
    if batch > bound:
        raise SynthesisError(
            f"a batch of {batch} is more than the {bound} rows that the data has at most",
            fix=f"training.batch: {default_batch(bound)}",
        )
    if task.person_rows is not None and task.person_rows > given.at_once:
        raise SynthesisError(
            f"a person has up to {task.person_rows} rows, whose gradients are computed together, and "
            f"training.at_once is {given.at_once}",
            fix=f"training.at_once: {task.person_rows}; or a lower max_rows_per_person",
        )
    return Recipe(
        steps=given.steps or defaults.steps,
        batch=batch,
        rate=significant_down(Decimal(batch) / bound, _RATE_DIGITS),
        clip=float(given.clip),
        learning_rate=float(given.learning_rate or defaults.learning_rate),
        width=given.width,
        latent=given.latent,
        at_once=given.at_once,
        processes=given.processes,
        person_rows=task.person_rows,
    )


def default_batch(bound: int) -> int:
    """Rows of a step where the manifest is silent: a fiftieth of the bound, at most 2,000.

    At least 1,000, or a tenth of the bound where that is less, but no fewer than 200: noise grows more
    slowly than the batch there.
    """
    return min(bound, max(200, min(1_000, bound // 10), min(2_000, bound // 50)))


def events(
    task: Task, made: Recipe, budget: Budget, beside: Sequence[Event], *, one_way: str, name: str
) -> tuple[Event, ...]:
    """One-way tables, then the training.

    Args:
        task: public.
        made: its training.
        budget: of the whole release.
        beside: what the release runs beside them, accounted for the rows of a person.
        one_way: name of the event of one-way tables.
        name: name of the event of the training.

    Returns:
        Two events, accounted likewise, that keep the budget's promise together with `beside`.

    Raises:
        SynthesisError: the task is not for a training.
        AccountingError: no noise keeps the promise with so many steps at such a rate.

    Privacy:
        Under add-remove one row moves one cell of each table by 1 (L2²: 1), and a clipped sum by
        the clipping norm, in whose units the event counts. A person moves tables by all rows, and a
        clipped sum by one norm, since all rows are sampled and clipped together.
    """
    refuse(task, budget)
    margins = gaussian_event(
        name=one_way,
        rho=significant_down(budget.amount * MARGIN_SHARE, 12),
        times=len(task.domain),
        sensitivity_squared=1,
        relation=task.relation,
    )
    (margins,) = groups.for_persons((margins,), budget.rows)
    assert budget.promise is not None  # noqa: S101 - `refuse` saw to it
    training = sampled_event(
        name=name,
        promise=budget.promise,
        beside=(margins, *beside),
        steps=made.steps,
        rate=made.rate,
    )
    return margins, training


def refuse(task: Task, budget: Budget) -> None:
    """Refuses what a training by DP-SGD cannot protect or hold.

    Raises:
        SynthesisError: says why.
    """
    if not len(task.domain):
        raise SynthesisError("a training needs at least one column")
    require_representable(task.domain)
    if task.relation != "add-remove":
        raise SynthesisError(
            "a training samples rows by coins, which is accounted under add-remove alone",
            fix="synthesize with mst or aim, or declare neighboring: add-remove",
        )
    if budget.promise is None or budget.rows != (task.person_rows or 1):
        raise SynthesisError(
            "a training protects a person of several rows by sampling and clipping them together, and "
            "nothing says whose each row is",
            fix="name the column of persons (unit.column); or synthesize with mst or aim",
        )
    cells = sum(task.domain.sizes)
    if cells > MAX_CELLS:
        raise SynthesisError(
            f"a network would read {cells} cells, more than {MAX_CELLS}",
            fix="release fewer or coarser columns",
        )


def margin_noise(events: Sequence[Event], one_way: str) -> tuple[NoiseRow, ...]:
    """Noise per cell of the one-way tables; no other table is measured."""
    scale = next(float(event.scale) for event in events if event.name == one_way)
    return (NoiseRow.of(1, scale),)


def weights(sizes: Sequence[int]) -> int:
    """Numbers that linear layers between such widths learn."""
    return sum((before + 1) * after for before, after in pairwise(sizes))


def noise_to_signal(training: Event, made: Recipe, trained: int) -> float:
    """Norm of a step's noise relative to the largest sum that a full batch can have.

    σ·C·√P over C·batch, for P trained numbers: above 1, what a step learns is less than its noise,
    and only the average over many steps says anything. Each record adds C at most, whether it is a
    row or a person.
    """
    return float(training.scale) * math.sqrt(trained) / made.batch
