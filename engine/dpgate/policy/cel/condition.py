"""Conditions in CEL of approvals: whether one holds for a release, by documents and the day."""

from __future__ import annotations

import datetime as dt

from dpgate.model.dataset import Dataset
from dpgate.model.release import Release
from dpgate.policy.cel.compile import ExpressionError, compile_expression
from dpgate.policy.cel.documents import of_documents
from dpgate.policy.cel.evaluate import Scene
from dpgate.policy.cel.roots import CHECKED
from dpgate.policy.cel.schema import environment


def needed(condition: str, dataset: Dataset, release: Release, today: dt.date) -> bool:
    """Whether an approval under this condition is needed; also where that cannot be told."""
    try:
        expression = compile_expression(condition, CHECKED, truth=True)
    except ExpressionError:
        return True  # `policy adopt` refuses it; an older dpgate may have taken it
    scene = Scene(of_documents(dataset, release, today))
    return scene.holds(expression, environment(CHECKED)) is not False
