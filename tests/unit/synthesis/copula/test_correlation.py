"""Quadrants, their inversion, shrinking and mending, against independent computations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from dpgate.synthesis.copula.correlation import (
    HIGHEST,
    nearest,
    polychoric,
    quadrant,
    shrunk,
    thresholds,
)


@pytest.mark.parametrize("r", [-0.99, -0.5, 0.0, 0.3, 0.95])
@pytest.mark.parametrize(("h", "k"), [(0.0, 0.0), (1.5, -0.3), (-2.5, 2.5), (2.0, 2.1)])
def test_quadrants_are_those_of_the_normal_distribution(h: float, k: float, r: float) -> None:
    both = multivariate_normal(mean=[0, 0], cov=[[1, r], [r, 1]]).cdf([-h, -k])
    ours = quadrant(np.array([h]), np.array([k]), np.array([r]))[0]
    assert ours == pytest.approx(both - norm.cdf(-h) * norm.cdf(-k), abs=1e-6)


@pytest.mark.parametrize("r", [-0.9, -0.2, 0.0, 0.6, 0.98])
def test_a_correlation_is_found_again(r: float) -> None:
    one, other = np.array([[-0.7, 0.0, 0.7]]), np.array([[1.2, 1.2, 1.2]])
    h, k = np.repeat(one[0], 3), np.tile(other[0], 3)
    wanted = quadrant(h, k, np.full(9, r)).sum()
    assert polychoric(one, other, np.array([wanted]))[0] == pytest.approx(r, abs=1e-6)


def test_what_no_correlation_explains_is_held_at_the_highest() -> None:
    zero = np.zeros((2, 1))
    found = polychoric(zero, zero, np.array([5.0, -5.0]))
    np.testing.assert_allclose(found, [HIGHEST, -HIGHEST])


def test_thresholds_leave_shares_above_and_stay_finite() -> None:
    found = thresholds(np.array([[0.5, 0.975], [0.0, 1.0]]))
    np.testing.assert_allclose(found[0], [0, -1.959964], atol=1e-6)
    assert found[1, 0] > 6 > -6 > found[1, 1]


def test_numbers_within_their_noise_become_0() -> None:
    np.testing.assert_allclose(
        shrunk(np.array([-4.0, 1.0, 0.0, 0.5, 2.0]), 1.0), [-3.75, 0, 0, 0, 1.5]
    )
    np.testing.assert_allclose(shrunk(np.array([0.0, 3.0]), 0.0), [0, 3])


def test_an_impossible_matrix_is_mended_and_a_possible_one_left_alone() -> None:
    possible = np.array([[1.0, 0.5], [0.5, 1.0]])
    assert nearest(possible) is possible
    impossible = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    mended = nearest(impossible)
    assert np.linalg.eigvalsh(mended)[0] > 0
    np.testing.assert_array_equal(mended, mended.T)
    np.testing.assert_array_equal(np.diag(mended), 1.0)
    np.testing.assert_allclose(mended, impossible, atol=0.5)
