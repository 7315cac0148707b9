"""Correlations of normal variables from the sides of thresholds that they fall on."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

HIGHEST = 0.999
"""Correlations stay below it, so that no column is made a function of another."""

_LEAST = 1e-6
_HALVINGS = 40
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


def thresholds(upper: Array) -> Array:
    """The normal quantiles that leave these shares above them."""
    normal = NormalDist()
    inside = np.clip(1.0 - upper, 1e-12, 1 - 1e-12)
    flat = [normal.inv_cdf(float(share)) for share in inside.ravel()]
    return np.array(flat).reshape(upper.shape)


def quadrant(one: Array, other: Array, correlation: Array) -> Array:
    """P(X > h, Y > k) − P(X > h)·P(Y > k) of standard normal X and Y.

    Args:
        one: thresholds h.
        other: thresholds k.
        correlation: of X and Y, within ±1; all three of one length.

    Returns:
        ∫ φ₂(h, k; r) dr from 0 to the correlation (Plackett 1954), after r = sin t, by
        Gauss–Legendre quadrature. It rises with the correlation.
    """
    end = np.arcsin(correlation)[:, None]
    t = end * (_NODES + 1.0) / 2.0
    h, k = one[:, None], other[:, None]
    exponent = (h * h - 2.0 * h * k * np.sin(t) + k * k) / (2.0 * np.cos(t) ** 2)
    return np.asarray((end[:, 0] / (4.0 * np.pi)) * (np.exp(-exponent) @ _WEIGHTS))


def polychoric(one: Array, other: Array, wanted: Array) -> Array:
    """The correlations at which quadrants sum to the wanted values, within ±`HIGHEST`.

    Args:
        one: for each pair of variables the thresholds of one of them.
        other: those of the other; the sum is over all pairs of thresholds.
        wanted: one number for each pair of variables.
    """
    low, high = np.full(len(wanted), -HIGHEST), np.full(len(wanted), HIGHEST)
    splits = one.shape[1]
    h, k = np.repeat(one, splits, axis=1).ravel(), np.tile(other, splits).ravel()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        each = quadrant(h, k, np.repeat(middle, splits * splits))
        below = each.reshape(len(wanted), -1).sum(axis=1) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2.0)


def shrunk(values: Array, sigma: float) -> Array:
    """Noisy numbers drawn to 0, those within their noise all the way (positive-part James–Stein).

    Args:
        values: each with noise of standard deviation `sigma`.
        sigma: ≥ 0.
    """
    squared = values * values
    kept = np.divide(sigma * sigma, squared, out=np.ones_like(values), where=squared > 0)
    return np.asarray(values * np.maximum(0.0, 1.0 - kept))


def nearest(matrix: Array) -> Array:
    """A correlation matrix near a symmetric matrix with ones on its diagonal.

    Eigenvalues below `_LEAST` are raised to it and rows scaled back to ones on the diagonal
    (Rousseeuw and Molenberghs 1993).
    """
    values, vectors = np.linalg.eigh(matrix)
    if values[0] >= _LEAST:
        return matrix
    mended = (vectors * np.maximum(values, _LEAST)) @ vectors.T
    scale = 1.0 / np.sqrt(np.diag(mended))
    scaled = mended * np.outer(scale, scale)
    np.fill_diagonal(scaled, 1.0)
    return np.asarray((scaled + scaled.T) / 2.0)
