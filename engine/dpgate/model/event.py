"""Privacy events: what a mechanism did, necessary and sufficient for accounting.

An event never changes meaning once it is recorded. It carries its own parameters, from
which `dpgate.accounting.curves` recomputes the loss, and the loss that was charged.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, StrictInt, model_validator

from dpgate.model.policy import Proof
from dpgate.model.values import Frozen, Recorded, Relation

Mechanism = Literal[
    "gaussian",
    "noisy-max",
    "laplace",
    "sampled-gaussian",
    "foreign",
    "adaptive-gaussian",
    "adaptive-noisy-max",
]
"""`gaussian`: integer (discrete) Gaussian noise on integers, zCDP by L2 distance.
`noisy-max`: OpenDP's noisy max under zCDP, by L-infinity distance.
`laplace`: integer (discrete) Laplace noise, pure DP by L1 distance.
`sampled-gaussian`: Poisson-subsampled Gaussian (a step of DP-SGD), add-remove only.
`foreign`: a whole run of another program with noise of its own. It says of itself that it is
ρ-zCDP, ρ = 1/2·scale²; an analysis of ours says that it is so at `sensitivity_squared` times
that ρ.
`adaptive-gaussian`, `adaptive-noisy-max`: at most `times` runs whose scales are chosen one after
the other from what came out before, until the ρ of one run at `scale` is used up: a filter."""

ADAPTIVE: Final = ("adaptive-gaussian", "adaptive-noisy-max")
"""Mechanisms whose runs share one loss."""


class Event(Frozen):
    """`times` runs of one mechanism with the same public parameters (adaptive ones: see there)."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")]
    """What it was for: `mst.two_way`."""
    mechanism: Mechanism
    relation: Relation
    sensitivity_squared: Recorded
    """Square of the distance, in the mechanism's own norm, between its integer inputs on
    neighboring datasets. Squared, so that √2 stays exact."""
    scale: Recorded
    """Noise scale in units of the input: σ of a Gaussian, b of a Laplace or a noisy max; for
    `sampled-gaussian` the noise multiplier σ/C (then sensitivity_squared is 1). Adaptive runs have
    this scale or a larger one."""
    sampling_rate: Recorded | None = None
    """Poisson sampling rate; `sampled-gaussian` only."""
    times: Annotated[StrictInt, Field(ge=1, le=10**9)]
    loss: Recorded
    """What is charged for all `times` together: ρ (gaussian, noisy-max, foreign, adaptive), pure ε
    (laplace), or 0 for `sampled-gaussian`, whose loss is its curve."""
    delta0: Recorded
    """δ that the mechanism itself needs, 0 for all of the above."""
    proof: Proof

    @model_validator(mode="after")
    def _consistent(self) -> Event:
        sampled = self.mechanism == "sampled-gaussian"
        if sampled != (self.sampling_rate is not None):
            raise ValueError("sampling_rate goes with sampled-gaussian and with nothing else")
        if self.scale <= 0 or self.sensitivity_squared <= 0:
            raise ValueError("scale and sensitivity_squared must be above 0")
        if sampled and (self.relation != "add-remove" or self.proof != "real-arithmetic"):
            raise ValueError("sampled-gaussian is accounted under add-remove, by real arithmetic")
        if self.mechanism == "foreign" and self.proof != "real-arithmetic":
            raise ValueError("foreign noise is accounted by real arithmetic")
        if self.sampling_rate is not None and not 0 < self.sampling_rate <= 1:
            raise ValueError("sampling_rate must lie in (0, 1]")
        return self
