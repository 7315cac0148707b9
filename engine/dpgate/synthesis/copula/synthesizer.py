"""The copula synthesizer: every column as it is, and one correlation for each pair."""

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

ONE_WAY, PAIRS = "copula.one_way", "copula.pairs"

SPLITS = 3
"""Splits of each column, near its quartiles."""

_SHARES = {ONE_WAY: Decimal("0.8"), PAIRS: Decimal("0.2")}
"""Shares of ρ, found on public data (Adult, ε 0.1 to 1): halves err a tenth more at ε=0.1."""


class Copula(LazySynthesizer):
    """DP Gaussian copula, after Li, Xiong, Jiang 2014 (DPCopula, EDBT), from integer statistics.

    Differences: margins by integer Gaussian noise instead of Laplace histograms; instead of
    Kendall's τ over pairs of rows, whose sensitivity needs the number of rows, the sum over rows
    of the product of two levels. A level is a sum of `SPLITS` signs, above or below splits near
    the noisy quartiles, so that one row moves a sum by `SPLITS`² at most. The correlation then
    solves for the normal probabilities of the quadrants, margins as they are (polychoric; one
    split is Blomqvist's quadrant statistic, many are Spearman's, whose signal is half as strong).

    Good for many ordered columns that move together; cells are taken in their public order, a
    null cell as the highest, so an unordered category is served badly.
    """

    name: str = "copula"
    model_kind: str = "copula"

    def plan(self, task: Task, rho: Decimal) -> tuple[Event, ...]:
        """One-way tables of all columns, then one vector with a number for each pair.

        Args:
            task: public.
            rho: zCDP budget, > 0.

        Raises:
            SynthesisError: there is no column, or a value is too large for released files.

        Privacy:
            Under add-remove one row moves one cell of a table by 1 (L2²: 1) and the number of
            each of the p pairs by K = `SPLITS`² at most (L2²: K²p); under replace-one two cells
            (L2²: 2), and each pair by 2K at most (L2²: 4K²p).
        """
        columns = len(task.domain)
        if not columns:
            raise SynthesisError("copula needs at least one column")
        require_representable(task.domain)
        replaces = task.relation == "replace-one"
        pairs = columns * (columns - 1) // 2
        wanted = [(ONE_WAY, columns, 2 if replaces else 1)]
        if pairs:
            wanted.append((PAIRS, 1, (4 if replaces else 1) * SPLITS**4 * pairs))
        whole = sum(_SHARES[name] for name, _, _ in wanted)
        return tuple(
            gaussian_event(
                name=name,
                rho=significant_down(rho * _SHARES[name] / whole, 12),
                times=times,
                sensitivity_squared=moved,
                relation=task.relation,
            )
            for name, times, moved in wanted
        )

    def noise(
        self,
        task: Task,  # noqa: ARG002 - the protocol's
        events: Sequence[Event],
    ) -> tuple[NoiseRow, ...]:
        """Noise per cell of a one-way table; no table of two columns is measured."""
        scale = next(float(event.scale) for event in events if event.name == ONE_WAY)
        return (NoiseRow.of(1, scale),)

    def fitter(self) -> Fit:
        """Its fit, imported now."""
        from dpgate.synthesis.copula.fit import fit

        return fit
