"""The gate fails closed: what is missing, doubled or restricted does not pass."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dpgate.evidence.disclosure import DpResult, PublicResult, RestrictedResult, Result
from dpgate.evidence.thresholds import Limit, judge
from dpgate.model.utility import MarginalTvd
from dpgate.model.values import Key


def tvd(order: int, high: str) -> DpResult:
    return DpResult(
        disclosure="dp",
        metric="marginal_tvd",
        events=(f"evidence.tvd_{order}",),
        value=Decimal(high) / 2,
        low=Decimal(0),
        high=Decimal(high),
        confidence=Decimal("0.95"),
        conditional_on="the noisy total",
        order=order,
    )


def conformity(faults: int) -> PublicResult:
    return PublicResult(disclosure="public", metric="schema_conformity", value=Decimal(faults))


SEALED = RestrictedResult(
    disclosure="restricted", metric="marginal_tvd", ciphertext="sha256:" + "0" * 64, size=65_536
)
MADE = MarginalTvd(metric="marginal_tvd", order=2, at_most=Decimal("0.08"))
LIMIT = Limit(key=MADE.key, value=MADE.limit)
BOTH = ("schema_conformity", "marginal_tvd")


@pytest.mark.parametrize(
    ("value", "passes"), [("0.08", True), ("0.079999", True), ("0.080001", False), ("1", False)]
)
def test_the_upper_end_of_the_interval_is_held_against_the_threshold(
    value: str, passes: bool
) -> None:
    outcome = judge([tvd(2, value)], [LIMIT], [])[0]
    assert bool(outcome) is passes
    assert (outcome.value, outcome.limit) == (Decimal(value), Decimal("0.08"))
    assert f"marginal_tvd of order 2: upper end {value}" in outcome.message


@pytest.mark.parametrize(
    "results",
    [[], [SEALED], [tvd(1, "0.01")], [tvd(2, "0.01"), tvd(2, "0.01")], [conformity(0)]],
    ids=["nothing", "restricted", "other order", "twice", "other metric"],
)
def test_a_threshold_without_its_one_result_fails(results: list[Result]) -> None:
    outcomes = [o for o in judge(results, [LIMIT], []) if o.key.metric == "marginal_tvd"]
    assert [o.passed for o in outcomes] == [False]
    assert outcomes[0].value is None


def test_schema_conformity_must_be_exact() -> None:
    assert [bool(o) for o in judge([conformity(0)], [], BOTH[:1])] == [True]
    assert [bool(o) for o in judge([conformity(1)], [], BOTH[:1])] == [False]


def test_broken_schema_fails_though_nothing_requires_it() -> None:
    assert [bool(o) for o in judge([conformity(1)], [], [])] == [False]


@pytest.mark.parametrize("results", [[], [SEALED]], ids=["nothing", "restricted"])
def test_required_and_missing_fails(results: list[Result]) -> None:
    outcomes = judge(results, [], BOTH)
    assert [(o.key.metric, o.passed) for o in outcomes] == [(metric, False) for metric in BOTH]


def test_required_without_threshold_passes_when_measured() -> None:
    outcomes = judge([conformity(0), tvd(1, "0.9")], [], BOTH)
    assert [(o.key.metric, o.passed, o.limit) for o in outcomes] == [
        ("schema_conformity", True, Decimal(0)),
        ("marginal_tvd", True, None),
    ]


def test_a_metric_with_a_threshold_is_judged_once() -> None:
    outcomes = judge([conformity(0), tvd(2, "0.9")], [LIMIT], BOTH)
    assert [(o.key.metric, o.passed) for o in outcomes] == [
        ("schema_conformity", True),
        ("marginal_tvd", False),
    ]


def test_an_unknown_requirement_fails() -> None:
    assert [o.passed for o in judge([conformity(0)], [], ["membership"])] == [True, False]


# ── where high values are good, and bits ─────────────────────────────────────────────────────────

RATIO = Limit(
    key=Key(metric="prediction_ratio", about="income"),
    value=Decimal("0.9"),
    better="high",
    restricted=True,
)


def sealed(*, passed: bool | None, about: str = "income") -> RestrictedResult:
    return RestrictedResult(
        disclosure="restricted",
        metric="prediction_ratio",
        about=about,
        ciphertext="sha256:" + "0" * 64,
        size=65_536,
        passed=passed,
    )


@pytest.mark.parametrize(("low", "passes"), [("0.8", True), ("0.799999", False)])
def test_where_high_is_good_the_lower_end_is_held_against_the_threshold(
    low: str, passes: bool
) -> None:
    result = DpResult(
        disclosure="dp",
        metric="prediction",
        about="income",
        events=("evidence.prediction_1",),
        value=Decimal("0.85"),
        low=Decimal(low),
        high=Decimal("0.9"),
        confidence=Decimal("0.95"),
        conditional_on="nothing",
    )
    limit = Limit(key=Key(metric="prediction", about="income"), value=Decimal("0.8"), better="high")
    outcome = judge([result], [limit], ())[0]
    assert bool(outcome) is passes
    assert outcome.message.startswith(f"prediction (income): lower end {low} is ")


@pytest.mark.parametrize("passed", [True, False])
def test_a_bit_gates_where_the_policy_names_its_metric(passed: bool) -> None:
    outcome = judge([sealed(passed=passed)], [RATIO], (), ("prediction_ratio",))[0]
    assert (outcome.passed, outcome.value) == (passed, None)
    assert "one bit" in outcome.message


@pytest.mark.parametrize(
    ("results", "bits"),
    [
        ([sealed(passed=True)], ()),
        ([sealed(passed=True)], ("detectability",)),
        ([sealed(passed=None)], ("prediction_ratio",)),
        ([sealed(passed=True, about="age")], ("prediction_ratio",)),
        ([sealed(passed=True), sealed(passed=False)], ("prediction_ratio",)),
        ([], ("prediction_ratio",)),
    ],
    ids=["not named", "another named", "no bit", "another target", "twice", "nothing"],
)
def test_a_threshold_without_its_one_bit_fails(
    results: list[Result], bits: tuple[str, ...]
) -> None:
    assert [bool(outcome) for outcome in judge(results, [RATIO], (), bits)] == [False]


def test_results_about_something_else_do_not_count() -> None:
    other = tvd(2, "0.01").model_copy(update={"about": "age, sex"})
    assert [bool(outcome) for outcome in judge([other], [LIMIT], ())] == [False]
