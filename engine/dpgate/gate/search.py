"""The smallest ε at which the noise of what a synthesizer would measure meets a goal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dpgate.accounting import calibrate, compose, groups
from dpgate.accounting.rounding import significant_down, significant_up, up
from dpgate.errors import UsageError
from dpgate.gate.noise import mean_tvd, tables
from dpgate.model.domain import Domain
from dpgate.model.event import Event
from dpgate.model.values import counted, plain
from dpgate.synthesis.interface import NORMAL_95, NoiseRow, PlansWithin, Synthesizer, Task

DEFAULT = Decimal("0.05")
"""The goal if none is given: expected two-way total variation by noise."""
EVIDENCE_SHARE = Decimal("0.1")
"""Part of ρ that a recommended manifest spends on measuring its own utility."""
EPSILON_AT_MOST = 20
"""Above it nothing is recommended: it would promise next to nothing."""
UNPROMISED = (
    "it trains a network, and no noise of a table says how well that learns (--quality fills in a training); on "
    "Adult aim is more accurate at the same ε, and far faster (docs/training.md)"
)
_STEPS = 24
"""Halvings of the logarithm of ρ: to within one part in a million."""


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What is to be reached.

    Attributes:
        at_most: the goal.
        relative_to_rows: True: mean total variation distance; False: noise of an average cell
            relative to its expected count.
        order: columns of the marginals it is about.
        rows: rows that are assumed; public.
        together: rows that one step of the neighboring relation moves: 1, or a person's.
    """

    at_most: Decimal
    relative_to_rows: bool
    order: int
    rows: int
    together: int

    @staticmethod
    def of(
        tvd: Decimal | None, noise: Decimal | None, *, order: int, rows: int, together: int
    ) -> Aim:
        """The goal that was asked for, or `DEFAULT`.

        Raises:
            UsageError: two goals, or one out of range.
        """
        if tvd is not None and noise is not None:
            raise UsageError("one goal at a time: target_tvd or noise_at_most")
        if order not in (1, 2):
            raise UsageError(f"order is 1 or 2, not {order}")
        value = noise if noise is not None else DEFAULT if tvd is None else tvd
        if value <= 0 or (noise is None and value >= 1):
            raise UsageError(f"a goal of {plain(value)} is out of range")
        return Aim(
            at_most=value,
            relative_to_rows=noise is None,
            order=order,
            rows=rows,
            together=together,
        )

    def sigma(self, rows: Iterable[NoiseRow]) -> float | None:
        """Noise on each cell of the marginals in question; None if no such marginal is measured."""
        found = [row.half_width / NORMAL_95 for row in rows if row.order == self.order]
        return found[0] if found else None

    def reached(self, domain: Domain, rows: Iterable[NoiseRow]) -> Decimal | None:
        """The measure of the goal, rounded up; None if no such marginal is measured."""
        sigma = self.sigma(rows)
        if sigma is None:
            return None
        if self.relative_to_rows:
            value = mean_tvd(domain, self.order, sigma, self.rows)
        else:
            found = tables(domain, self.order)
            mean = sum(cells * many for cells, many in found.items()) / found.total()
            value = NORMAL_95 * sigma * mean / self.rows
        return significant_up(Decimal(value), 3)


@dataclass(frozen=True)
class Found:
    """What a search came to."""

    epsilon: Decimal | None
    measures: tuple[str, ...]
    reason: str


def smallest(synthesizer: Synthesizer, task: Task, aim: Aim, delta: Decimal) -> Found:
    """The smallest ε, two decimals, at which a synthesizer's noise meets the goal.

    Args:
        synthesizer: plans what it would measure.
        task: public.
        aim: the goal.
        delta: δ of the release.

    Raises:
        DpgateError: the synthesizer cannot plan this task at all.
    """
    if isinstance(synthesizer, PlansWithin):
        return Found(None, (), UNPROMISED)

    def events(rho: Decimal) -> tuple[Event, ...]:
        return _events(synthesizer, task, aim, rho)

    def meets(rho: Decimal) -> bool:
        reached = aim.reached(task.domain, synthesizer.noise(task, events(rho)))
        return reached is not None and reached <= aim.at_most

    high = calibrate.rho_for(Decimal(EPSILON_AT_MOST), delta)
    if aim.sigma(synthesizer.noise(task, events(high))) is None:
        return Found(None, (), f"it measures no marginal of order {aim.order}")
    if not meets(high):
        return Found(None, _words(events(high)), f"not at any ε up to {EPSILON_AT_MOST}")
    low = high / 10**10
    for _ in range(_STEPS):
        middle = significant_down((low * high).sqrt(), 12)
        low, high = (low, middle) if meets(middle) else (middle, high)
    epsilon = max(up(compose.epsilon_of_rho(high, delta), 2), Decimal("0.01"))
    while not meets(calibrate.rho_for(epsilon, delta)):  # ε is rounded twice on the way
        epsilon += Decimal("0.01")
    return Found(epsilon, _words(events(calibrate.rho_for(epsilon, delta))), "")


def reached_at(
    synthesizer: Synthesizer, task: Task, aim: Aim, epsilon: Decimal, delta: Decimal
) -> Decimal | None:
    """The measure of the goal at one ε, rounded up; None if no such marginal is measured."""
    events = _events(synthesizer, task, aim, calibrate.rho_for(epsilon, delta))
    return aim.reached(task.domain, synthesizer.noise(task, events))


def _events(synthesizer: Synthesizer, task: Task, aim: Aim, rho: Decimal) -> tuple[Event, ...]:
    """What a release of this ρ would run, evidence left out."""
    share = groups.row_share(rho, aim.together, task.relation)
    return synthesizer.plan(task, significant_down(share * (1 - EVIDENCE_SHARE), 12))


def _words(events: Sequence[Event]) -> tuple[str, ...]:
    """What is measured, how often, with what noise."""
    return tuple(
        f"{event.name}: {counted(event.times, 'run')}, {event.mechanism} of scale {plain(event.scale)}"
        for event in events
    )
