"""What was measured on Adult at ε=3, δ=1e-9, for people to weigh networks against tables.

`python -m benchmarks.networks qualities` makes these figures: means of its runs, in benchmarks/README.md.
"""

from __future__ import annotations

from decimal import Decimal

from dpgate.gate.quality import Quality
from dpgate.gate.recommendation import OnAdult

_TABLES = (("aim", "0.029", "0.913", "5"), ("mst", "0.043", "0.843", "2"))
_NETWORKS: dict[Quality, tuple[tuple[str, str, str, str], ...]] = {
    "fast": (("dp-tvae", "0.052", "0.874", "9"), ("dp-ctgan", "0.075", "0.820", "13")),
    "balanced": (("dp-tvae", "0.048", "0.885", "20"), ("dp-ctgan", "0.074", "0.827", "22")),
    "high": (("dp-tvae", "0.046", "0.891", "33"), ("dp-ctgan", "0.078", "0.832", "40")),
}
"""Name, error, AUC, seconds of one core for the fit."""


def on_adult(quality: Quality) -> tuple[OnAdult, ...]:
    """Figures of both networks at a quality, and of tables; the least error first."""
    rows = (*_TABLES, *((f"{name}, {quality}", *rest) for name, *rest in _NETWORKS[quality]))
    made = (
        OnAdult(
            what=what,
            trains="," in what,
            error=Decimal(error),
            auc=Decimal(auc),
            seconds=Decimal(seconds),
        )
        for what, error, auc, seconds in rows
    )
    return tuple(sorted(made, key=lambda row: row.error))
