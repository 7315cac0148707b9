"""docs/utility.md: every metric has its place, and its examples are thresholds."""

from __future__ import annotations

import re
from decimal import Decimal
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from dpgate.accounting.calibrate import budget_for
from dpgate.evidence.measures import registry
from dpgate.evidence.measures.interface import Scene
from dpgate.evidence.measures.plan import plan
from dpgate.model.utility import Threshold
from tests.suites import worlds

PAGE = (Path(__file__).parents[4] / "docs/utility.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^ +- (\{metric: .*\})$", PAGE, re.MULTILINE)
THRESHOLDS: TypeAdapter[Threshold] = TypeAdapter(Threshold)

TABLE: list[tuple[dict[str, Any], str, str]] = [
    ({"metric": "marginal_tvd", "order": 2}, "add-remove", "0.0009"),
    ({"metric": "ks"}, "replace-one", "0.0018"),
    ({"metric": "wasserstein"}, "add-remove", "0.0018"),
    ({"metric": "chi_square"}, "add-remove", "0.0036"),
    ({"metric": "chi_square"}, "replace-one", "0.0072"),
    ({"metric": "correlation"}, "add-remove", "0.016"),
    ({"metric": "correlation"}, "replace-one", "0.032"),
    ({"metric": "cramers_v"}, "add-remove", "0.0022"),
    ({"metric": "cramers_v"}, "replace-one", "0.0045"),
    ({"metric": "rare_events", "columns": ("job",)}, "add-remove", "0.0018"),
    ({"metric": "subgroup_tvd", "columns": ("job",)}, "add-remove", "0.0038"),
    ({"metric": "subgroup_tvd", "columns": ("job",)}, "replace-one", "0.0076"),
]


def read(given: Any) -> Any:
    """As the loader has it: exact decimals, and lists as they are in models."""
    if isinstance(given, float):
        return Decimal(str(given))
    if isinstance(given, list):
        return tuple(read(each) for each in given)
    return {key: read(each) for key, each in given.items()} if isinstance(given, dict) else given


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_a_threshold(text: str) -> None:
    assert THRESHOLDS.validate_python(read(yaml.safe_load(text))).metric in text


def test_every_metric_that_is_measured_with_noise_has_its_place() -> None:
    shown = {yaml.safe_load(text)["metric"] for text in EXAMPLES}
    metrics = {found.name for found in entry_points(group=registry.MEASURES)}
    assert shown == metrics - {"prediction"}
    headings = "\n".join(re.findall("^### .*$", PAGE, re.MULTILINE))
    assert all(f"`{metric}`" in headings for metric in shown)


@pytest.mark.parametrize(("given", "relation", "half"), TABLE)
def test_the_noise_to_expect_is_as_the_table_says(
    given: dict[str, Any], relation: str, half: str
) -> None:
    threshold = THRESHOLDS.validate_python({"at_most": Decimal("0.1"), **given})
    scene = Scene(dataset=worlds.dataset(relation), domain=worlds.domain(), relation=relation)
    one = registry.measure_of(threshold, scene, "evidence.asked")
    rho = budget_for(Decimal(1), Decimal("1e-9")).amount / 10
    scales = [event.scale for event in plan([one], rho, relation)]
    found = one.half_width(scales, 20_000)
    places = len(half) - 2
    assert round(float(found), places) == float(half)
