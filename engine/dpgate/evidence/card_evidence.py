"""The words of a card about evidence: each result with its class and interval, and what was required."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from dpgate.evidence.card_words import safe
from dpgate.model.values import plain

ATTACKS = frozenset(
    ("membership", "membership_density", "attribute", "linkage", "singling_out", "copies")
)
"""Metrics that are the advantage of an attack."""


def evidence(content: Mapping[str, Any]) -> Iterator[str]:
    """A table of results, and the thresholds."""
    if not content["evidence"]:
        yield "None was measured."
        return
    yield "| measure | class | value | interval |"
    yield "|---|---|---|---|"
    for result in content["evidence"]:
        value = result.get("value", "sealed for stewards")
        yield f"| {_name(result)} | {result['disclosure']} | {value} | {_interval(result)} |"
    for limit in content["thresholds"]:
        word = "at most" if "at_most" in limit else "at least"
        yield f"\nRequired: {safe(limit['what'])}, {word} {limit[word.replace(' ', '_')]}."
    if any(result["metric"] in ATTACKS for result in content["evidence"]):
        yield ""
        yield (
            "The value of an attack is its advantage: how much more often it is right about rows that the model "
            "learned from than about rows that were held out. An attack that fails proves nothing about others."
        )


def _name(result: Mapping[str, Any]) -> str:
    name = str(result["metric"]).replace("_", " ")
    if "order" in result:
        name += f", order {result['order']}"
    if "about" in result:
        name += f", {safe(result['about'])}"
    if "marginals" in result:
        name += f", of {result['marginals']} marginals"
    if "table" in result:
        name += f" ({result['table']})"
    return name


def _interval(result: Mapping[str, Any]) -> str:
    if "passed" in result:
        return f"{'met' if result['passed'] else 'missed'} its threshold (one unprotected bit)"
    if "low" not in result:
        return "–"
    percent = plain(Decimal(result["confidence"]) * 100)
    given = safe(result["conditional_on"])
    return f"{result['low']} to {result['high']} ({percent} %, given {given})"
