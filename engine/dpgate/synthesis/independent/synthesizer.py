"""The baseline that every other synthesizer must beat: noisy one-way tables, nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from dpgate.accounting.calibrate import gaussian_event
from dpgate.accounting.rounding import significant_down
from dpgate.errors import SynthesisError
from dpgate.model.event import Event
from dpgate.synthesis.interface import NoiseRow, Task
from dpgate.synthesis.lazy import LazySynthesizer
from dpgate.synthesis.representable import require_representable

if TYPE_CHECKING:
    from dpgate.synthesis.lazy import Fit

ONE_WAY = "independent.one_way"


class Independent(LazySynthesizer):
    """Every column by itself, as exactly as the budget allows; no two columns together."""

    name: str = "independent"

    def plan(self, task: Task, rho: Decimal) -> tuple[Event, ...]:
        """One-way tables of all columns.

        Args:
            task: public.
            rho: zCDP budget, > 0.

        Raises:
            SynthesisError: there is no column, or a value is too large for released files.

        Privacy:
            Under add-remove one row moves one cell of a table by 1 (L2²: 1); under replace-one
            two cells (L2²: 2).
        """
        if not len(task.domain):
            raise SynthesisError("independent needs at least one column")
        require_representable(task.domain)
        event = gaussian_event(
            name=ONE_WAY,
            rho=significant_down(rho, 12),
            times=len(task.domain),
            sensitivity_squared=2 if task.relation == "replace-one" else 1,
            relation=task.relation,
        )
        return (event,)

    def noise(
        self,
        task: Task,  # noqa: ARG002 - the protocol's
        events: Sequence[Event],
    ) -> tuple[NoiseRow, ...]:
        """Noise per cell of a one-way table."""
        scale = next(float(event.scale) for event in events if event.name == ONE_WAY)
        return (NoiseRow.of(1, scale),)

    def fitter(self) -> Fit:
        """Its fit, imported now."""
        from dpgate.synthesis.independent.fit import fit

        return fit
