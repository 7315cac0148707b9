"""The gate's decision on evidence: a pure function, closed where anything is missing.

A `dp` result gates by the bad end of its interval: noise must not make a poor release, or one of nobody's
data, look good. A `restricted` one gates by the one bit that it lets out, where the policy names its
metric. The decision is post-processing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from dpgate.evidence.disclosure import DpResult, PublicResult, RestrictedResult, Result
from dpgate.model.release import ReleaseSpec
from dpgate.model.values import Frozen, Key, Recorded, plain

SCHEMA = "schema_conformity"
"""Metric of `dpgate.evidence.schema`: the number of ways in which the output breaks its schema."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One threshold, whatever it is about.

    Attributes:
        key: what its result is found by.
        value: the worst value that passes.
        better: which values are good.
        restricted: whether its result is sealed, so that one bit of it gates.
    """

    key: Key
    value: Decimal
    better: Literal["low", "high"] = "low"
    restricted: bool = False


class Outcome(Frozen):
    """What one threshold or requirement came to. True when it passed."""

    key: Key
    passed: bool
    value: Recorded | None
    """The value that was judged; null if there was none, or if it is sealed."""
    limit: Recorded | None
    """The threshold; null where being measured is all that is required."""
    message: str

    def __bool__(self) -> bool:
        return self.passed


def limits_of(spec: ReleaseSpec) -> tuple[Limit, ...]:
    """Every threshold of a manifest: of utility, then of attacks."""
    utility = (
        Limit(key=each.key, value=each.limit, better=each.better, restricted=each.restricted)
        for each in spec.utility
    )
    attacks = (Limit(key=each.key, value=each.advantage_at_most) for each in spec.attacks)
    return (*utility, *attacks)


def judge(
    results: Sequence[Result],
    limits: Sequence[Limit],
    required: Sequence[str],
    bits: Collection[str] = (),
) -> tuple[Outcome, ...]:
    """Every threshold of the manifest and every requirement of the policy, judged.

    Args:
        results: all results of the attempt, of any class.
        limits: the manifest's thresholds.
        required: metrics of the policy's `evidence.required`.
        bits: metrics of its `evidence.restricted_gates`, each of which may let out one bit.

    Returns:
        One outcome per threshold and per required metric without a threshold of its own. Schema
        conformity is judged whenever it is required or was measured. The gate passes if there
        is no failed outcome; nothing to judge passes.

    Privacy:
        Reads `public` and `dp` results, and of restricted ones the bit that the policy lets out; any
        other restricted one counts as missing.
    """
    outcomes = []
    if SCHEMA in required or any(item.metric == SCHEMA for item in _open(results)):
        outcomes.append(_against(results, Limit(key=Key(metric=SCHEMA), value=Decimal(0))))
    for limit in limits:
        judged = _by_bit(results, limit, bits) if limit.restricted else _against(results, limit)
        outcomes.append(judged)
    known = {outcome.key.metric for outcome in outcomes}
    outcomes += [_measured(results, metric) for metric in required if metric not in known]
    return tuple(outcomes)


def _open(results: Sequence[Result]) -> Iterator[PublicResult | DpResult]:
    return (item for item in results if isinstance(item, PublicResult | DpResult))


def key_of(result: Result) -> Key:
    """What a result is found by."""
    of_dp = {"order", "table"} if isinstance(result, DpResult) else set()
    named = {"about"} if isinstance(result, DpResult | RestrictedResult) else set()
    return Key(metric=result.metric, **{name: getattr(result, name) for name in of_dp | named})


def _against(results: Sequence[Result], limit: Limit) -> Outcome:
    found = [item for item in _open(results) if key_of(item) == limit.key]
    if len(found) != 1:
        return _missing(limit, len(found))
    result, low = found[0], limit.better == "low"
    value, what = result.value, ""
    if isinstance(result, DpResult):
        value = result.high if low else result.low
        what = "upper end " if low else "lower end "
    passed = value <= limit.value if low else value >= limit.value
    relation = "is within" if passed else "is above" if low else "is below"
    return Outcome(
        key=limit.key, passed=passed, value=value, limit=limit.value,
        message=f"{limit.key}: {what}{plain(value)} {relation} {plain(limit.value)}",
    )  # fmt: skip


def _by_bit(results: Sequence[Result], limit: Limit, bits: Collection[str]) -> Outcome:
    sealed = [item for item in results if isinstance(item, RestrictedResult)]
    found = [item for item in sealed if key_of(item) == limit.key and item.passed is not None]
    if len(found) != 1 or limit.key.metric not in bits:
        return _missing(limit, len(found))
    passed = bool(found[0].passed)
    return Outcome(
        key=limit.key, passed=passed, value=None, limit=limit.value,
        message=f"{limit.key}: {'met' if passed else 'missed'} {plain(limit.value)} (sealed, one bit)",
    )  # fmt: skip


def _missing(limit: Limit, count: int) -> Outcome:
    fault = f"was measured {count} times: ambiguous" if count > 1 else "was not measured"
    return Outcome(
        key=limit.key, passed=False, value=None, limit=limit.value, message=f"{limit.key} {fault}"
    )


def _measured(results: Sequence[Result], metric: str) -> Outcome:
    found = any(item.metric == metric for item in _open(results))
    return Outcome(
        key=Key(metric=metric), passed=found, value=None, limit=None,
        message=f"{metric} was measured" if found else f"{metric} is required and was not measured",
    )  # fmt: skip
