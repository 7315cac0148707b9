"""Running SmartNoise's AIM on a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dpgate.model.event import Event
from dpgate.synthesis.interface import Progress, Task
from dpgate.synthesis.sampling.directed import Coarsening, DirectedModel
from dpgate.synthesis.smartnoise.aim import PatchedAim
from dpgate.synthesis.smartnoise.convert import directed
from dpgate.synthesis.smartnoise.counted import Counted
from dpgate.synthesis.smartnoise.plan import aim_weights
from dpgate.synthesis.smartnoise.quiet import quiet

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
        Data is read in `PatchedAim` alone.
    """
    with quiet():
        data = Counted(source, 0)
        columns = list(data.domain)
        weights = {
            tuple(columns[place] for place in clique): weight
            for clique, weight in aim_weights(task.domain).items()
        }
        synthesizer = PatchedAim(weights, events, mechanisms, progress)
        synthesizer.AIM(data, list(weights))
        fitted = synthesizer.synthesizer
        whole = [Coarsening.none(size) for size in task.domain.sizes]
        model = directed(fitted, task.domain, whole, float(fitted.total))
    progress("fit", 1.0)
    return model
