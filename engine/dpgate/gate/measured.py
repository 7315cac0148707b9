"""What was measured on Adult at ε=3, δ=1e-9, for people to weigh networks against tables.

`python -m benchmarks.networks qualities` makes these figures: means of its runs, in benchmarks/README.md.
"""

from __future__ import annotations

from decimal import Decimal

from dpgate.gate.quality import Quality
from dpgate.gate.recommendation import OnAdult

_TABLES = (("aim", "0.029", "0.913", "5"), ("mst", "0.043", "0.837", "2"))
_NETWORKS: dict[Quality, tuple[tuple[str, str, str, str], ...]] = {
    "fast": (("dp-tvae", "0.065", "0.883", "9"), ("dp-ctgan", "0.090", "0.788", "14")),
    "balanced": (("dp-tvae", "0.062", "0.888", "26"), ("dp-ctgan", "0.083", "0.823", "25")),
    "high": (("dp-tvae", "0.060", "0.889", "44"), ("dp-ctgan", "0.085", "0.836", "45")),
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
