"""Copulas as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dpgate.model.domain import Domain
from dpgate.synthesis.copula.model import CopulaModel
from dpgate.synthesis.interface import Model
from dpgate.synthesis.kept.arrays import SLACK, broken, finite, probabilities
from dpgate.synthesis.kept.container import Parts
from dpgate.synthesis.kept.formats import described

if TYPE_CHECKING:
    from dpgate.synthesis.kept.container import Array


class CopulaFormat:
    """Kind `copula`; a member of the `Format` protocol."""

    def holds(self, model: Model) -> bool:
        """Whether the model is of this kind."""
        return isinstance(model, CopulaModel)

    def pack(self, model: Model, stamp: Mapping[str, str], domain: Domain) -> Parts:
        """The model in plain values: shares of each column, correlations, the total."""
        if not isinstance(model, CopulaModel):
            raise TypeError(f"no copula: {type(model).__name__}")
        arrays: dict[str, Array] = {
            "total": np.array([model.total], dtype=np.float64),
            "correlation": model.correlation,
        }
        arrays |= {f"shares.{place}": shares for place, shares in enumerate(model.shares)}
        return Parts(
            kind="copula",
            stamp=stamp,
            domain=tuple(described(column) for column in domain.columns),
            facts={},
            arrays=arrays,
        )

    def unpack(self, parts: Parts, domain: Domain) -> CopulaModel:
        """The model again, if it is one of this domain.

        Raises:
            SynthesisError: it is not.
        """
        width = len(domain)
        names = {"total", "correlation", *(f"shares.{place}" for place in range(width))}
        if parts.arrays.keys() != names or parts.facts:
            raise broken("arrays are missing, or too many")
        (total,) = probabilities(parts.arrays["total"], (1,), "the total")
        shares = tuple(
            probabilities(parts.arrays[f"shares.{place}"], (column.size,), f"column {column.name}")
            for place, column in enumerate(domain.columns)
        )
        if any(abs(float(share.sum()) - 1.0) > SLACK for share in shares):
            raise broken("the shares of a column do not sum to 1")
        correlation = finite(parts.arrays["correlation"], (width, width), "the correlation")
        if not np.array_equal(correlation, correlation.T) or (np.diag(correlation) != 1).any():
            raise broken("the correlation is not symmetric with ones on its diagonal")
        if np.linalg.eigvalsh(correlation)[0] <= 0:
            raise broken("the correlation is not positive definite")
        return CopulaModel(
            domain=domain, shares=shares, correlation=correlation, total=float(total)
        )
