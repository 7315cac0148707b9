"""White-box canaries: what MST's own measurements tell about single rows, against theory.

Each canary sits in a cell of its own of every column and is present by a coin of its own. The
best score of its presence is Σ y/σ² over its cells; its separation in standard deviations is
√(2ρ) of the measurements (Gaussian differential privacy), neither more (a leak) nor less (waste).
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from dpgate.mechanisms.session import Mechanisms
from dpgate.mechanisms.tape import UnsafeRecorder
from dpgate.model.domain import ColumnDomain, Domain
from dpgate.sources.arrow import table_source
from dpgate.synthesis.interface import Task
from dpgate.synthesis.mst.plan import ONE_WAY
from dpgate.synthesis.mst.synthesizer import Mst
from tests.suites.synthesizers import ignore

pytestmark = pytest.mark.slow

CANARIES, FITS = 40, 100
NAMES = ("a", "b", "c")


def scores() -> tuple[np.ndarray, np.ndarray, float]:
    """Score and presence of each canary in each fit, and the separation in theory."""
    columns = [
        ColumnDomain(name=name, kind="whole", values=tuple(range(CANARIES))) for name in NAMES
    ]
    task = Task(domain=Domain(columns=tuple(columns)), relation="add-remove", rows=10)
    events = Mst().plan(task, Decimal(1))
    measured = next(event for event in events if event.name == ONE_WAY)
    rng = np.random.default_rng()
    score, present = np.zeros((FITS, CANARIES)), rng.random((FITS, CANARIES)) < 0.5
    for turn in range(FITS):
        # The same canary has another cell in each column, so nothing but its own cells tell.
        places = [rng.permutation(CANARIES) for _ in NAMES]
        table = pa.table({n: p[present[turn]] for n, p in zip(NAMES, places, strict=True)})
        tape = UnsafeRecorder()
        mechanisms = Mechanisms(events, "add-remove", tape=tape)
        Mst().fit(task, events, table_source(table, task.domain), mechanisms, ignore)
        outputs = [np.asarray(call.output) for call in tape.calls if call.event == measured]
        for output, place in zip(outputs, places, strict=True):
            score[turn] += output[place] / float(measured.scale) ** 2
    return score, present, float(2 * measured.loss) ** 0.5


def test_single_rows_are_as_visible_as_theory_says() -> None:
    score, present, theory = scores()
    spread = np.sqrt((score[present].var() + score[~present].var()) / 2)
    separation = (score[present].mean() - score[~present].mean()) / spread
    error = 2 / np.sqrt(score.size)
    assert abs(separation - theory) < 5 * error
    # The test could tell a wrong scale: 30 % less or more noise lies outside.
    assert abs(separation - theory / 0.7) > 5 * error
    assert abs(separation - theory / 1.3) > 5 * error
