"""Kinds of kept models, found by name."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from dpgate.errors import SynthesisError
from dpgate.model.domain import Domain
from dpgate.synthesis.kept import container, formats
from dpgate.synthesis.kept.directed import DirectedFormat
from tests.unit.synthesis.kept.test_directed import DOMAIN, model


class Other:
    """A third party's model and its format in one."""

    total = 0.0

    def batches(self, rows: int, progress: Any) -> Any:
        raise NotImplementedError

    def sample(self, rows: int, progress: Any) -> Any:
        raise NotImplementedError

    def holds(self, model: Any) -> bool:
        return isinstance(model, Other)

    def pack(self, model: Any, stamp: Any, domain: Domain) -> container.Parts:
        columns = tuple(formats.described(column) for column in domain.columns)
        return container.Parts(kind="other", stamp=stamp, domain=columns, facts={}, arrays={})

    def unpack(self, parts: container.Parts, domain: Domain) -> Other:
        return self


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    points = (
        SimpleNamespace(name="directed", load=lambda: DirectedFormat),
        SimpleNamespace(name="other", load=lambda: Other),
    )

    def found(*, group: str, name: str = "") -> list[SimpleNamespace]:
        return [point for point in points if name in ("", point.name)]

    monkeypatch.setattr(formats, "entry_points", found)


@pytest.mark.usefixtures("plugin")
def test_a_third_partys_models_are_kept_too() -> None:
    body = formats.dump(Other(), {}, DOMAIN)
    assert isinstance(formats.load(body, DOMAIN), Other)
    assert formats.load(formats.dump(model(), {}, DOMAIN), DOMAIN).total == 123.456


def test_a_model_that_nobody_keeps_is_refused() -> None:
    with pytest.raises(SynthesisError, match="no format keeps a Other"):
        formats.dump(Other(), {}, DOMAIN)


def test_a_synthesizer_whose_models_cannot_be_kept_is_refused_before_anything_is_spent() -> None:
    class Theirs:
        model_kind = "hologram"

    with pytest.raises(SynthesisError, match="no single format keeps models of kind 'hologram'"):
        formats.require(Theirs())  # type: ignore[arg-type]


def test_a_model_of_other_columns_or_cells_is_refused() -> None:
    body = formats.dump(model(), {}, DOMAIN)
    first, *others = DOMAIN.columns
    for changed in (
        dataclasses.replace(first, name="years"),
        dataclasses.replace(first, lows=(0, 11, 20)),
        dataclasses.replace(first, null=None),
    ):
        with pytest.raises(SynthesisError, match="about other columns or cells"):
            formats.load(body, Domain(columns=(changed, *others)))


def test_a_kind_that_nobody_knows_is_refused() -> None:
    parts = container.load(formats.dump(model(), {}, DOMAIN))
    for kind in ("os:system", "../directed", "x" * 1000):
        body = container.dump(dataclasses.replace(parts, kind=kind))
        with pytest.raises(SynthesisError, match="no single format"):
            formats.load(body, DOMAIN)
