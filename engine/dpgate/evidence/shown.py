"""One result of evidence as people see it: its title, the manifest's threshold, and what it was charged."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from dpgate.accounting.rounding import down, up
from dpgate.evidence.disclosure import DpResult, PublicResult, RestrictedResult, Result
from dpgate.evidence.measures.interface import Figure, Figures
from dpgate.evidence.measures.run import PLACES
from dpgate.evidence.report import Interval, Shown
from dpgate.evidence.thresholds import SCHEMA, key_of, limits_of
from dpgate.model.event import Event
from dpgate.model.release import ReleaseSpec
from dpgate.model.values import Key

_ATTACKS = frozenset(
    ("membership", "membership_density", "attribute", "linkage", "singling_out", "copies")
)
Better = Literal["low", "high", "neither"]


def shown(result: Result, spec: ReleaseSpec, charged: Sequence[Event]) -> Shown:
    """One result, with the manifest's threshold and what it was charged.

    Args:
        result: of any class; a restricted one holds no value.
        spec: of the manifest.
        charged: the events of the release.
    """
    key = key_of(result)
    limit, better = judged(key, spec)
    bare = Shown(
        metric=key.metric,
        title=title_of(key),
        kind=_kind(result),
        disclosure=result.disclosure,
        value=None,
        better=better,
        limit=limit,
    )
    if isinstance(result, DpResult):
        value = Interval(value=result.value, low=result.low, high=result.high)
        paid = sum((e.loss for e in charged if e.name in result.events), Decimal(0))
        parts = tuple(
            Interval(label=p.label, value=p.value, low=p.low, high=p.high) for p in result.parts
        )
        more = {"rho": paid, "given": result.conditional_on, "parts": parts}
    elif isinstance(result, PublicResult):
        value = Interval(value=result.value, low=result.value, high=result.value)
        more = {"details": result.details}
    else:
        passed = result.passed if isinstance(result, RestrictedResult) else None
        return bare.model_copy(update={"passed": passed})
    return bare.model_copy(update={"value": value, "passed": passes(value, limit, better), **more})


def title_of(key: Key) -> str:
    """A measure for people: `marginal tvd of order 2`, `mean visits by health`."""
    words = key.metric.replace("_", " ")
    words += "" if key.order is None else f" of order {key.order}"
    words += "" if key.about is None else f" {key.about}"
    return words + ("" if key.table is None else f", {key.table}")


def judged(key: Key, spec: ReleaseSpec) -> tuple[Decimal | None, Better]:
    """The manifest's threshold of a measure, if it has one, and which values are good."""
    if key.metric == SCHEMA:
        return Decimal(0), "low"
    limit = next((each for each in limits_of(spec) if each.key == key), None)
    if limit is not None:
        return limit.value, limit.better
    measured = key.metric in _ATTACKS or key.order is not None
    return None, "low" if measured else "neither"


def passes(value: Interval, limit: Decimal | None, better: Better) -> bool | None:
    """Whether the bad end of an interval meets a threshold; None without one."""
    if limit is None:
        return None
    return value.low >= limit if better == "high" else value.high <= limit


def _kind(result: Result) -> Literal["utility", "attack", "output", "schema"]:
    if result.metric == SCHEMA:
        return "schema"
    if result.metric in _ATTACKS:
        return "attack"
    return "output" if isinstance(result, PublicResult) else "utility"


def beside(title: str, figures: Figures) -> Shown:
    """An attack on a stand-in that no manifest asks for: exact, since its rows are nobody's.

    Args:
        title: for people.
        figures: what it came to.
    """
    main, *parts = (_stated(figure) for figure in (figures.main, *figures.parts))
    return Shown(
        metric="further",
        title=title,
        kind="attack",
        disclosure="public",
        value=main,
        better="low",
        given=figures.given,
        parts=tuple(parts),
    )


def _stated(figure: Figure) -> Interval:
    low, value, high = (
        down(figure.low, PLACES), up(figure.value, PLACES), up(figure.high, PLACES)
    )  # fmt: skip
    return Interval(label=figure.label, low=min(low, value), value=value, high=max(value, high))
