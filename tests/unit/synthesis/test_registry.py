"""Synthesizers by name."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from dpgate.errors import MissingExtraError, SynthesisError
from dpgate.synthesis import registry
from dpgate.synthesis.mst.synthesizer import Mst


def test_mst_is_found_by_its_entry_point() -> None:
    assert isinstance(registry.get("mst"), Mst)
    assert "mst" in registry.names()


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(SynthesisError, match="mts is not installed") as caught:
        registry.get("mts")
    assert "mst" in caught.value.fix


@pytest.mark.parametrize("name", ["smartnoise-dpctgan", "smartnoise-patectgan"])
def test_synthesizers_without_privacy_are_refused_with_the_reason(name: str) -> None:
    with pytest.raises(SynthesisError, match=f"{name} is refused: .+"):
        registry.get(name)


def points(monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
    found = [EntryPoint("other", value, registry.GROUP) for value in values]
    monkeypatch.setattr(registry, "entry_points", lambda **wanted: found)


def test_two_packages_with_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    points(monkeypatch, "a:B", "c:D")
    with pytest.raises(SynthesisError, match="claimed by several packages"):
        registry.get("other")


def test_a_broken_package(monkeypatch: pytest.MonkeyPatch) -> None:
    points(monkeypatch, "dpgate_no_such_package:Thing")
    with pytest.raises(SynthesisError, match="cannot be loaded: ModuleNotFoundError") as caught:
        registry.get("other")
    assert "dpgate_no_such_package" in caught.value.fix


def test_packages_that_are_not_there_are_missed_before_anything_is_spent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in registry.names():
        registry.require(registry.get(name))
    monkeypatch.setattr(registry, "find_spec", lambda name: None if name == "mbi" else object())
    for name in registry.names():
        if not name.startswith("smartnoise-"):
            registry.require(registry.get(name))
            continue
        with pytest.raises(MissingExtraError, match=f"the {name} synthesizer") as caught:
            registry.require(registry.get(name))
        assert caught.value.fix == "pip install 'dpgate[smartnoise]'"
