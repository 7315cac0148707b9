"""Kept generators: what comes back, and files that are none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dpgate.errors import SynthesisError
from dpgate.synthesis.kept.network import NetworkFormat
from dpgate.synthesis.sampling.directed import DirectedModel
from dpgate.synthesis.sampling.network import Layer, NetworkModel
from tests.suites import worlds
from tests.suites.synthesizers import ignore

DOMAIN = worlds.domain(("smokes", "job"))  # 2 and 3 cells


def model(*, conditional: bool = True) -> NetworkModel:
    rng = np.random.default_rng(3)
    begin = 4 + 5 * conditional
    layers = tuple(
        Layer(weight=rng.normal(size=(after, before)), bias=rng.normal(size=after))
        for before, after in ((begin, 7), (7, 5))
    )
    shares = (np.array([0.5, 0.5]), np.array([0.2, 0.3, 0.5])) if conditional else None
    return NetworkModel(
        domain=DOMAIN, layers=layers, slope=0.1, latent=4, shares=shares, total=80.5
    )


@pytest.mark.parametrize("conditional", [True, False])
def test_it_comes_back_and_draws_the_same(*, conditional: bool) -> None:
    made = model(conditional=conditional)
    again = NetworkFormat().unpack(NetworkFormat().pack(made, {}, DOMAIN), DOMAIN)
    assert (again.total, again.slope, again.latent) == (80.5, 0.1, 4)
    one, other = (m.batch(300, np.random.default_rng(1)) for m in (made, again))
    assert one.equals(other)


def test_a_condition_holds_in_the_row_that_is_made_of_it() -> None:
    """With all chance on one cell of each column, the column that is held has that cell."""
    made = replace(model(), shares=(np.array([0.0, 1.0]), np.array([0.0, 0.0, 1.0])))
    rng = np.random.default_rng(2)
    cells = made.cells(4_000, rng)
    held = [(cells[:, 0] == 1).mean(), (cells[:, 1] == 2).mean()]
    assert min(held) >= 0.5  # a half of the rows hold each column


def test_scores_are_drawn_by_their_softmax() -> None:
    """A generator of no weights: its last biases are logarithms of shares."""
    shares = np.array([0.1, 0.9, 0.2, 0.3, 0.5])
    flat = Layer(weight=np.zeros((5, 4)), bias=np.log(shares))
    made = NetworkModel(domain=DOMAIN, layers=(flat,), slope=0.1, latent=4, shares=None, total=1.0)
    cells = made.cells(40_000, np.random.default_rng(4))
    np.testing.assert_allclose(np.bincount(cells[:, 0]) / 40_000, shares[:2], atol=0.01)
    np.testing.assert_allclose(np.bincount(cells[:, 1]) / 40_000, shares[2:], atol=0.01)


def test_many_rows_are_made_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpgate.synthesis.sampling.network._NUMBERS_AT_ONCE", 7 * 64)
    parts: list[float] = []
    table = model().sample(150, lambda stage, part: parts.append(part))
    assert table.num_rows == 150
    assert parts == [64 / 150, 128 / 150, 1.0]
    assert model().sample(0, ignore).num_rows == 0


def test_other_models_are_no_networks() -> None:
    other = DirectedModel(domain=worlds.domain(()), columns=(), steps=(), total=1.0)
    assert not NetworkFormat().holds(other)
    with pytest.raises(TypeError, match="DirectedModel"):
        NetworkFormat().pack(other, {}, other.domain)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"more": np.zeros(1)}, "missing, or too many"),
        ({"total": np.array([-1.0])}, "the total holds"),
        ({"slope": np.array([np.nan])}, "the slope holds"),
        ({"bias.0": np.zeros((2, 2))}, "layer 0 has another shape"),
        ({"bias.0": np.zeros(0)}, "layer 0 has another shape"),
        ({"bias.0": np.zeros(6)}, "layer 0 has another shape"),
        ({"weight.0": np.zeros((7, 8))}, "layer 0 has another shape"),
        ({"weight.1": np.full((5, 7), np.inf)}, "layer 1 holds"),
        ({"weight.1": np.zeros((4, 7)), "bias.1": np.zeros(4)}, "no score for each cell"),
        ({"shares.0": np.array([0.5, 0.4])}, "do not sum to 1"),
        ({"shares.1": np.array([0.5, 0.5])}, "column job has another shape"),
    ],
)
def test_broken_files(arrays: dict[str, Any], message: str) -> None:
    parts = NetworkFormat().pack(model(), {}, DOMAIN)
    with pytest.raises(SynthesisError, match=message):
        NetworkFormat().unpack(replace(parts, arrays={**parts.arrays, **arrays}), DOMAIN)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"steps": []}, "a network says whether"),
        ({"conditional": 1}, "another type"),
        ({"latent": True}, "another type"),
        ({"layers": "2"}, "another type"),
        ({"latent": 0}, "another size"),
        ({"layers": 17}, "another size"),
        ({"latent": 5}, "layer 0 has another shape"),
        ({"layers": 1}, "missing, or too many"),
    ],
)
def test_facts_that_are_none(facts: dict[str, Any], message: str) -> None:
    parts = NetworkFormat().pack(model(), {}, DOMAIN)
    with pytest.raises(SynthesisError, match=message):
        NetworkFormat().unpack(replace(parts, facts={**parts.facts, **facts}), DOMAIN)
