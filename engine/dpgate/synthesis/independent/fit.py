"""Measuring one-way tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dpgate.model.event import Event
from dpgate.synthesis.independent.margins import measure
from dpgate.synthesis.independent.synthesizer import ONE_WAY
from dpgate.synthesis.interface import Progress, Task
from dpgate.synthesis.sampling.directed import Coarsening, DirectedModel, Step

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import MarginalSource


def fit(
    task: Task,
    events: Sequence[Event],
    source: MarginalSource,
    mechanisms: Mechanisms,
    progress: Progress,
) -> DirectedModel:
    """See `Synthesizer.fit`.

    Privacy:
        `source` is read in `measure` alone.
    """
    sigma = next(float(event.scale) for event in events if event.name == ONE_WAY)
    margins = measure(source, mechanisms, ONE_WAY, sigma, progress)
    return DirectedModel(
        domain=task.domain,
        columns=tuple(Coarsening.none(size) for size in task.domain.sizes),
        steps=tuple(
            Step(column=column, parents=(), table=shares[None, :])
            for column, shares in enumerate(margins.shares)
        ),
        total=margins.total,
    )
