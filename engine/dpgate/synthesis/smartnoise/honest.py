"""What SmartNoise's MST and AIM really cost as they are shipped. No NumPy here.

SmartNoise 1.0.8 accounts both as if a table or a score moved by 1 between neighboring datasets.
Under replace-one, with the number of rows the same on both sides, a row leaves one cell of a
table and enters another: the table moves by √2 in L2, and a score ‖x − x̂‖₁ by 2 either way.

- A Gaussian of σ costs Δ₂²/2σ² (Bun and Steinke 2016, lemma 2.5): 2/2σ², twice the claim.
- A selection with probability ∝ exp(ε·q/2) is accounted as ε²/8. With q moving by at most 2 the
  log-ratio of two outcomes moves by at most 2·(ε/2)·2 = 2ε, so it is 2ε-bounded-range and
  (2ε)²/8-zCDP (Cesar and Rogers 2021, lemma 3.2): four times the claim.

**MST** spends ρ/3 on one-way tables, ρ/3 on selections and ρ/3 on two-way tables; x̂ comes of noisy
tables and of the number of rows, which does not change. Cost: (2 + 4 + 2)·ρ/3 = 8/3·ρ.
Under add-remove the number of rows changes x̂ and stands in the output exactly: no finite cost.

**AIM** spends, in every round whatever its scale, 9/10 of the round on a Gaussian and 1/10 on a
selection (σ² = T/(2·0.9·ρ) and ε² = 8·0.1·ρ/T; halving σ and doubling ε multiplies both by four;
the last round splits the rest alike). One-way tables cost Gaussians alone. A score is
w·(‖x − x̂‖₁ − bias) with 0 ≤ w ≤ max w and is divided by max w; x̂, its total and bias follow from
noisy tables. A round is not begun unless it is within what is left, so the claims of all steps
sum to at most ρ with probability one, and adaptive scales cost no more than that sum (zCDP
filters: Whitehouse, Ramdas, Rogers, Wu 2023, theorem 1). With selections claiming S ≤ ρ/10:
2·(ρ − S) + 4·S = 2ρ + 2S ≤ 11/5·ρ.

All of it by real arithmetic: floats are added to noise outside OpenDP, and selections draw from
NumPy's global generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import sqrt
from typing import Final

from dpgate.accounting.calibrate import claimed_rho, foreign_event
from dpgate.accounting.rounding import significant_down, significant_up
from dpgate.errors import SynthesisError
from dpgate.model.event import Event
from dpgate.synthesis.interface import NoiseRow, Task
from dpgate.synthesis.smartnoise.plan import AIM_CELLS_AT_MOST, require_small

MST_FACTOR = significant_up(Fraction(8, 3), 12)
AIM_FACTOR = Decimal("2.2")

FACTORS: Final = {"smartnoise-mst-unpatched": MST_FACTOR, "smartnoise-aim-unpatched": AIM_FACTOR}
"""By synthesizer; `verify` accepts no record of less."""

_AIM_ROUNDS = 16
"""Rounds for each column that SmartNoise plans its noise for."""


def plan(task: Task, rho: Decimal, name: str, factor: Decimal) -> tuple[Event, ...]:
    """One run of SmartNoise, with so small a claim that its honest cost is at most `rho`.

    Args:
        task: public.
        rho: zCDP budget, > 0.
        name: synthesizer.
        factor: honest ρ of a claimed one.

    Raises:
        SynthesisError: the population's relation is not replace-one, or the domain is not for
            SmartNoise.

    Privacy:
        Emits one `foreign` event.
    """
    if task.relation != "replace-one":
        raise SynthesisError(
            f"{name} takes the exact number of rows as known, so it is accounted under replace-one "
            f"alone; the population is accounted under {task.relation}",
            fix=f"use {name.removesuffix('-unpatched')}",
        )
    require_small(task.domain, name)
    smallest = sorted(task.domain.sizes)[:2]
    if len(smallest) < 2 or smallest[0] * smallest[1] > AIM_CELLS_AT_MOST:
        raise SynthesisError(
            f"{name} needs two columns with at most {AIM_CELLS_AT_MOST} cells together",
            fix="give columns fewer bins",
        )
    event = foreign_event(
        name=name.replace("-", "_") + ".run",
        rho=significant_down(rho, 12),
        factor=factor,
        relation=task.relation,
    )
    return (event,)


def noise_mst(task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
    """σ² = 3/2ρ a step, shared by the tables of the step."""
    sigma = sqrt(1.5 / float(claimed_rho(events[0])))
    columns = len(task.domain)
    return (
        NoiseRow.of(1, sigma * sqrt(columns)),
        NoiseRow.of(2, sigma * sqrt(columns - 1)),
    )


def noise_aim(task: Task, events: Sequence[Event]) -> tuple[NoiseRow, ...]:
    """σ² = T/(2·0.9·ρ), as long as SmartNoise does not halve σ."""
    rounds = _AIM_ROUNDS * len(task.domain)
    sigma = sqrt(rounds / (1.8 * float(claimed_rho(events[0]))))
    return tuple(NoiseRow.of(order, sigma) for order in (1, 2))
