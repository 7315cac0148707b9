"""Bins that hold more than noise, a δ that suits, and a manifest to start from."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from dpgate.gate.recommendation import Candidate
from dpgate.gate.search import EVIDENCE_SHARE
from dpgate.model.columns import Column, DecimalColumn, IntegerColumn, NumberColumn
from dpgate.model.dataset import Dataset
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.training import Training
from dpgate.model.values import plain, short
from dpgate.policy import limits

_SIGMAS = 3.0
"""Cells below so many standard deviations of noise are merged by `mst`: finer bins add noise only."""
_FEWEST = 4
"""Fewer bins than this are not advised: the column would say too little."""
_THRESHOLD = "0.1"
"""Utility threshold of the draft; what can be met depends on the data, so it is the user's to set."""


def fewer_bins(column: Column, cells: int, rows: float, sigma: float | None) -> int | None:
    """How many bins of a numeric column would hold more than noise.

    Args:
        column: its public description.
        cells: cells it has now.
        rows: rows that its bins share, in one line of an average table.
        sigma: standard deviation of the noise on a cell; None: nothing is known.

    Returns:
        A number below `cells`; None where the bins are of another kind, or few enough.
    """
    if sigma is None or not isinstance(column, IntegerColumn | NumberColumn | DecimalColumn):
        return None
    if not isinstance(column.domain.bins, int) and column.domain.bins != "each":
        return None
    most = max(_FEWEST, int(rows / (_SIGMAS * sigma)))
    return most if most < cells - column.nullable else None


def suitable_delta(policy: PrivacyPolicy, dataset: Dataset) -> Decimal:
    """A δ within the ceiling of policy and dataset, and well below one over the public bound on rows."""
    ceiling = limits.delta(policy, dataset).value
    while ceiling * dataset.spec.rows.at_most > Decimal("0.01"):
        ceiling /= 10
    return ceiling


def draft(
    policy: PrivacyPolicy,
    dataset: Dataset,
    columns: tuple[str, ...],
    candidate: Candidate,
    *,
    rows: int,
    delta: Decimal,
    today: dt.date,
    training: Training | None = None,
) -> str:
    """A manifest of one candidate; what only people know is marked.

    Args:
        policy: in force.
        dataset: what is released.
        columns: names.
        candidate: with an ε.
        rows: rows out.
        delta: δ.
        today: retention is counted from it.
        training: of a network, with nothing left open.
    """
    expires = today + dt.timedelta(days=min(365, int(limits.days(policy, dataset).value)))
    epsilon = candidate.epsilon or Decimal(1)
    return f"""apiVersion: dpgate/v1
kind: Release
metadata: {{name: recommended, owner: {dataset.metadata.steward}}}   # the folder's name
spec:
  dataset: {dataset.metadata.name}
  purpose: {policy.spec.purposes[0]}   # of: {", ".join(policy.spec.purposes)}
  recipients: [recipient]   # who gets it
  regions: [US]   # where it goes
  columns: [{", ".join(columns)}]
  synthesize:{_synthesize(candidate.synthesizer, rows, training)}
  privacy: {{epsilon: {plain(epsilon)}, delta: {short(delta)}, evidence_share: {plain(EVIDENCE_SHARE)}}}
  utility:
    - {{metric: marginal_tvd, order: 2, at_most: {_THRESHOLD}}}   # yours: model error counts here too
  retention: {{expires: {expires}}}
  terms: [no-reidentification, no-onward-transfer]   # what recipients agree to
"""


def _synthesize(maker: str, rows: int, training: Training | None) -> str:
    if training is None:
        return f" {{with: {maker}, rows: {rows}}}"
    lines = (
        f"steps: {training.steps}",
        f"batch: {training.batch}   # rows, or whole persons, of a step on average",
        f"width: {training.width}",
        f"latent: {training.latent}",
        f"learning_rate: {plain(training.learning_rate or Decimal(0))}",
        f"clip: {plain(training.clip)}",
    )
    block = "\n".join(f"      {line}" for line in lines)
    return f"\n    with: {maker}\n    rows: {rows}\n    training:\n{block}"
