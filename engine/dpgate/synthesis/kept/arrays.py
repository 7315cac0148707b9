"""Reading arrays that anybody may have written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dpgate.errors import SynthesisError

if TYPE_CHECKING:
    from dpgate.synthesis.kept.container import Array
    from dpgate.synthesis.sampling.ancestral import Table

SLACK = 1e-6
"""How far a sum of probabilities may be from 1."""


def broken(reason: str) -> SynthesisError:
    """What to raise where a file makes no model."""
    return SynthesisError(
        f"the kept model is broken: {reason}", fix="give the file that the release made"
    )


def probabilities(array: Array, shape: tuple[int, ...], what: str) -> Table:
    """Finite floats ≥ 0 of a shape.

    Raises:
        SynthesisError: they are not; `what` names them.
    """
    table = finite(array, shape, what)
    if (table < 0).any():
        raise broken(f"{what} holds numbers that are no probabilities")
    return table


def finite(array: Array, shape: tuple[int, ...], what: str) -> Table:
    """Finite floats of a shape.

    Raises:
        SynthesisError: they are not; `what` names them.
    """
    if array.dtype.kind != "f" or array.shape != shape:
        raise broken(f"{what} has another shape or type")
    if not np.isfinite(array).all():
        raise broken(f"{what} holds numbers that are no probabilities")
    numbers: Table = array.astype(np.float64)
    return numbers
