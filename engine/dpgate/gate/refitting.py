"""Attacks that run a synthesizer again and again: shadow models and canaries, on a stand-in alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa

from dpgate.evidence.exact.canaries import canaries
from dpgate.evidence.exact.shadow import shadow
from dpgate.evidence.whole_rows import blocks
from dpgate.gate.costing import planned_events
from dpgate.gate.synthetic import Synthetic
from dpgate.mechanisms.session import Mechanisms
from dpgate.sources.arrow import ArrowSource, table_source

if TYPE_CHECKING:
    from dpgate.evidence.measures.interface import Figures
    from dpgate.evidence.whole_rows import Cells
    from dpgate.gate.product import Progress
    from dpgate.gate.rehearsal_report import Further
    from dpgate.gate.rehearsing import Rehearsed
    from dpgate.gate.workspace import Case
    from dpgate.sources.interface import RowSource


def further(
    case: Case, run: Rehearsed, wanted: Further, progress: Progress
) -> Iterator[tuple[str, Figures]]:
    """Both attacks on the manifest as it stands, each with its title.

    Args:
        case: manifest and dataset.
        run: a run of it, for the stand-in's rows.
        wanted: how often.
        progress: told about each time.

    Privacy:
        Exact numbers of a stand-in. The noise of every refit is real, and nobody is charged.
    """
    if not wanted:
        return
    (part,) = run.parts
    source = cast("RowSource", part.source)  # a stand-in's rows pass through this machine
    rows = np.concatenate([*blocks(source), *_no_rows(part.product)])
    scene = part.product.gauges.scene

    times, done = wanted.rounds + bool(wanted.canaries), count()

    def refit(cells: Cells) -> Cells:
        progress("run the synthesizer anew", next(done) / times)
        return _refitted(case, part.product, cells)

    if wanted.rounds:
        title = f"shadow models, {wanted.rounds} rounds"
        yield title, shadow(scene, rows, refit, wanted.rounds)
    if wanted.canaries:
        yield f"canaries, {wanted.canaries}", canaries(scene, rows, refit, wanted.canaries)


def _no_rows(product: Synthetic) -> list[Cells]:
    return [np.zeros((0, len(product.task.domain)), dtype=np.uint16)]


def _refitted(case: Case, product: Synthetic, cells: Cells) -> Cells:
    """Cells of rows that a model of these alone draws, as many as the manifest asks for."""
    # By this process alone, which comes to the same: workers elsewhere go after one training.
    alone = product.task.training.model_copy(update={"processes": 1})
    task, domain = replace(product.task, training=alone), product.task.domain
    table = pa.table({name: cells[:, place] for place, name in enumerate(domain.names)})
    source = ArrowSource(domain, lambda: iter(table.to_batches()), coded=domain.names)
    events = tuple(e for e in planned_events(case) if not e.name.startswith("evidence."))
    mechanisms = Mechanisms(events, task.relation)
    model = product.synthesizer.fit(task, events, source, mechanisms, _quiet)
    drawn = table_source(model.sample(task.rows, _quiet), domain)
    return np.concatenate([*blocks(drawn), *_no_rows(product)])


def _quiet(stage: str, fraction: float) -> None:
    """Progress of a part of a run is nobody's concern."""
