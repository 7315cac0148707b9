"""Kept copulas: what comes back, and files that are none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dpgate.errors import SynthesisError
from dpgate.synthesis.copula.model import CopulaModel
from dpgate.synthesis.copula.synthesizer import Copula
from dpgate.synthesis.kept.copula import CopulaFormat
from dpgate.synthesis.sampling.directed import DirectedModel
from tests.suites import synthesizers, worlds

DOMAIN = worlds.domain(("smokes", "job"))


@pytest.fixture(scope="module")
def model() -> CopulaModel:
    made = synthesizers.fit(Copula(), worlds.rows(80), domain=DOMAIN).model
    assert isinstance(made, CopulaModel)
    return made


def test_it_comes_back(model: CopulaModel) -> None:
    again = CopulaFormat().unpack(CopulaFormat().pack(model, {}, DOMAIN), DOMAIN)
    assert again.total == model.total
    np.testing.assert_array_equal(again.correlation, model.correlation)
    for one, other in zip(again.shares, model.shares, strict=True):
        np.testing.assert_array_equal(one, other)


def test_other_models_are_no_copulas() -> None:
    model = DirectedModel(domain=worlds.domain(()), columns=(), steps=(), total=1.0)
    assert not CopulaFormat().holds(model)
    with pytest.raises(TypeError, match="DirectedModel"):
        CopulaFormat().pack(model, {}, model.domain)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"more": np.zeros(1)}, "missing, or too many"),
        ({"total": np.array([-1.0])}, "the total holds"),
        ({"total": np.array([np.inf])}, "the total holds"),
        ({"total": np.array([1])}, "another shape or type"),
        ({"shares.0": np.array([0.5, 0.4])}, "do not sum to 1"),
        ({"shares.1": np.array([0.5, 0.5])}, "column job has another shape"),
        ({"correlation": np.eye(3)}, "the correlation has another shape"),
        ({"correlation": np.array([[1.0, 0.5], [0.4, 1.0]])}, "not symmetric"),
        ({"correlation": 2 * np.eye(2)}, "ones on its diagonal"),
        ({"correlation": np.array([[1.0, 1.5], [1.5, 1.0]])}, "not positive definite"),
    ],
)
def test_broken_files(model: CopulaModel, arrays: dict[str, Any], message: str) -> None:
    parts = CopulaFormat().pack(model, {}, DOMAIN)
    with pytest.raises(SynthesisError, match=message):
        CopulaFormat().unpack(replace(parts, arrays={**parts.arrays, **arrays}), DOMAIN)


def test_facts_that_a_copula_has_not(model: CopulaModel) -> None:
    parts = replace(CopulaFormat().pack(model, {}, DOMAIN), facts={"steps": []})
    with pytest.raises(SynthesisError, match="missing, or too many"):
        CopulaFormat().unpack(parts, DOMAIN)
