"""The gate's decision on evidence: a pure function, closed where anything is missing.

Only `public` and `dp` results gate. A `dp` result gates by the upper end of its interval: noise must
not make a poor release, or one of nobody's data, look good. The decision is post-processing.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from dpgate.evidence.disclosure import DpResult, PublicResult, Result
from dpgate.model.utility import MarginalTvd
from dpgate.model.values import Frozen, Recorded, plain

SCHEMA = "schema_conformity"
"""Metric of `dpgate.evidence.schema`: the number of ways in which the output breaks its schema."""


class Outcome(Frozen):
    """What one threshold or requirement came to. True when it passed."""

    metric: str
    order: int | None = None
    passed: bool
    value: Recorded | None
    """The value that was judged; null if there was none."""
    at_most: Recorded | None
    """The threshold; null where being measured is all that is required."""
    message: str

    def __bool__(self) -> bool:
        return self.passed


def judge(
    results: Sequence[Result], thresholds: Sequence[MarginalTvd], required: Sequence[str]
) -> tuple[Outcome, ...]:
    """Every threshold of the manifest and every requirement of the policy, judged.

    Args:
        results: all results of the attempt, of any class.
        thresholds: the manifest's `utility`.
        required: the policy's `evidence.required`.

    Returns:
        One outcome per threshold and per required metric without a threshold of its own. Schema
        conformity is judged whenever it is required or was measured. The gate passes if there
        is no failed outcome; nothing to judge passes.

    Privacy:
        Reads `public` and `dp` results alone; a restricted one counts as missing.
    """
    open_results = [item for item in results if isinstance(item, PublicResult | DpResult)]
    outcomes = []
    if SCHEMA in required or any(item.metric == SCHEMA for item in open_results):
        outcomes.append(_against(open_results, SCHEMA, None, None, Decimal(0)))
    outcomes += [
        _against(open_results, limit.metric, limit.order, limit.table, limit.at_most)
        for limit in thresholds
    ]
    judged = {outcome.metric for outcome in outcomes}
    outcomes += [_measured(open_results, metric) for metric in required if metric not in judged]
    return tuple(outcomes)


def _against(
    results: Sequence[PublicResult | DpResult],
    metric: str,
    order: int | None,
    table: str | None,
    at_most: Decimal,
) -> Outcome:
    wanted = (metric, order, table)
    found = [
        r
        for r in results
        if (r.metric, getattr(r, "order", None), getattr(r, "table", None)) == wanted
    ]
    name = metric if order is None else f"{metric} of order {order}"
    name += f" of {table}" if table else ""
    if len(found) != 1:
        fault = "was not measured" if not found else f"was measured {len(found)} times: ambiguous"
        return Outcome(
            metric=metric, order=order, passed=False, value=None, at_most=at_most,
            message=f"{name} {fault}",
        )  # fmt: skip
    result = found[0]
    value = result.high if isinstance(result, DpResult) else result.value
    what = "upper end " if isinstance(result, DpResult) else ""
    passed = value <= at_most
    relation = "is within" if passed else "is above"
    return Outcome(
        metric=metric, order=order, passed=passed, value=value, at_most=at_most,
        message=f"{name}: {what}{plain(value)} {relation} {plain(at_most)}",
    )  # fmt: skip


def _measured(results: Sequence[PublicResult | DpResult], metric: str) -> Outcome:
    found = any(result.metric == metric for result in results)
    return Outcome(
        metric=metric, passed=found, value=None, at_most=None,
        message=f"{metric} was measured" if found else f"{metric} is required and was not measured",
    )  # fmt: skip
