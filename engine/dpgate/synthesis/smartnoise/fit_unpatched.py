"""Running SmartNoise as it is shipped, on tables over public cells."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from snsynth.aim import AIMSynthesizer
from snsynth.utils import cdp_rho

from dpgate.accounting.calibrate import claimed_rho
from dpgate.accounting.compose import epsilon_of_rho
from dpgate.model.event import Event
from dpgate.synthesis.interface import Progress, Task
from dpgate.synthesis.sampling.directed import Coarsening, DirectedModel
from dpgate.synthesis.smartnoise.convert import directed
from dpgate.synthesis.smartnoise.counted import Counted
from dpgate.synthesis.smartnoise.mst import CountedMst
from dpgate.synthesis.smartnoise.quiet import quiet

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import MarginalSource

_DELTA = Decimal("1e-9")
"""At which a claimed ρ is told SmartNoise as an ε."""


def fit_mst(
    task: Task,
    events: Sequence[Event],
    source: MarginalSource,
    mechanisms: Mechanisms,
    progress: Progress,
) -> DirectedModel:
    """See `Synthesizer.fit`.

    Privacy:
        Exact counts and the exact number of rows go to SmartNoise, which adds its own noise.
    """
    mechanisms.foreign(events[0].name)
    progress("fit", 0.0)
    with quiet():
        _seed()
        synthesizer = CountedMst()
        # The same on both sides of replace-one.
        rows = int(source.count([(0,)])[0].sum())
        synthesizer.MST(Counted(source, rows), _epsilon(claimed_rho(events[0])), float(_DELTA))
        fitted = synthesizer.synthesizer
        model = directed(fitted, task.domain, synthesizer.columns, float(rows))
    progress("fit", 1.0)
    return model


def fit_aim(
    task: Task,
    events: Sequence[Event],
    source: MarginalSource,
    mechanisms: Mechanisms,
    progress: Progress,
) -> DirectedModel:
    """See `Synthesizer.fit`.

    Privacy:
        Exact counts go to SmartNoise, which adds its own noise.
    """
    mechanisms.foreign(events[0].name)
    progress("fit", 0.0)
    with quiet():
        _seed()
        synthesizer = AIMSynthesizer()
        synthesizer.rho = float(claimed_rho(events[0]))
        data = Counted(source, 0)  # AIM reads no length
        workload = synthesizer.get_workload(data, synthesizer.degree, synthesizer.max_cells)
        synthesizer.AIM(data, workload)
        fitted = synthesizer.synthesizer
        whole = [Coarsening.none(size) for size in task.domain.sizes]
        model = directed(fitted, task.domain, whole, float(fitted.total))
    progress("fit", 1.0)
    return model


def _seed() -> None:
    """Selections draw from NumPy's global generator: whoever seeded it must not know them."""
    np.random.seed()  # noqa: NPY002 - the generator that SmartNoise uses


def _epsilon(rho: Decimal) -> float:
    """An ε that SmartNoise turns back into at most `rho`."""
    epsilon = float(epsilon_of_rho(rho, _DELTA)) - 1e-6  # it was rounded up to 6 decimals
    step = 1e-6
    while Fraction(cdp_rho(epsilon, float(_DELTA))) > Fraction(rho):
        epsilon *= 1 - step
        step *= 2
    return epsilon
