"""Measuring a source for SmartNoise's MST, and running it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dpgate.model.event import Event
from dpgate.synthesis.interface import Progress, Task
from dpgate.synthesis.mst.merge import total_of
from dpgate.synthesis.sampling.directed import DirectedModel
from dpgate.synthesis.smartnoise.convert import directed
from dpgate.synthesis.smartnoise.counted import Counted
from dpgate.synthesis.smartnoise.mst import PatchedMst
from dpgate.synthesis.smartnoise.plan import MST, scales
from dpgate.synthesis.smartnoise.quiet import quiet

if TYPE_CHECKING:
    from dpgate.mechanisms.session import Mechanisms
    from dpgate.sources.interface import MarginalSource

_ANY_EPSILON, _ANY_DELTA = 1.0, 1e-9
"""What SmartNoise computes from them is not used: the events decide."""


def fit(
    task: Task,
    events: Sequence[Event],
    source: MarginalSource,
    mechanisms: Mechanisms,
    progress: Progress,
) -> DirectedModel:
    """See `Synthesizer.fit`.

    Privacy:
        One-way tables are measured here, and their noisy sum is what SmartNoise takes for the
        number of rows; everything else is read in `PatchedMst`.
    """
    sigma = scales(events, MST)
    tables = source.count([(column,) for column in range(len(task.domain))])
    one_way = [mechanisms.gaussian(MST.one_way, table) for table in tables]
    progress("measure one-way", 1.0)
    total = total_of([(table, sigma[0]) for table in one_way])
    with quiet():
        synthesizer = PatchedMst(one_way, sigma, mechanisms, progress)
        synthesizer.MST(Counted(source, max(1, round(total))), _ANY_EPSILON, _ANY_DELTA)
        model = directed(synthesizer.synthesizer, task.domain, synthesizer.columns, total)
    progress("fit", 1.0)
    return model
