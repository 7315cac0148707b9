"""Findings know their place."""

from __future__ import annotations

from dpgate.model.finding import Finding


def test_places() -> None:
    finding = Finding(rule="r", level="deny", message="m", fix="f", file="a.yaml")
    assert finding.place == "a.yaml"
    assert finding.model_copy(update={"line": 3, "column": 7}).place == "a.yaml:3:7"
