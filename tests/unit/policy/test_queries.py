"""Each rule about queries denies, by its own id, at the very place, and says what to do."""

from __future__ import annotations

import inspect

import pytest

from dpgate.policy import queries
from tests.unit.policy.test_rules import judge, word_at
from tests.unit.policy.worlds import DATASET, POLICY, RELEASE, Changes

SYNTHESIS = "synthesize: {with: mst, rows: 100000, formats: [parquet, csv]}"
UTILITY = "  utility:\n    - {metric: marginal_tvd, order: 2, at_most: 0.1}\n"
COLUMNS = "columns: [age_group, clinic, length_minutes, reason, follow_up]"


KINDS = ("phi: {title: Health of a person", "demographic: {title: Who a person is")
LIMIT = "epsilon_per_release_at_most: 1, synthesizers: [mst, aim]"
ALLOWED = "statistics: [count, sum, mean, quantiles, top]"


def asking(query: str, columns: str, dataset: dict[str, str] | None = None) -> Changes:
    """Documents of `dpgate init` with one query in place of synthetic rows."""
    return {
        POLICY: {f"{kind}, {LIMIT}}}": f"{kind}, {LIMIT}, {ALLOWED}}}" for kind in KINDS},
        DATASET: dataset or {},
        RELEASE: {
            SYNTHESIS: f"statistics:\n    queries:\n      - {query}",
            UTILITY: "",
            ", evidence_share: 0.1": "",
            COLUMNS: f"columns: [{columns}]",
        },
    }


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("{name: x, type: count, by: [clinic, reason]}", "clinic, reason"),
        ("{name: x, type: count, by: [length_minutes]}", "length_minutes"),
        ("{name: x, type: sum, of: length_minutes, decimals: 0}", "length_minutes"),
        ("{name: x, type: mean, of: length_minutes, by: [clinic]}", "clinic, length_minutes"),
        ("{name: x, type: quantiles, of: length_minutes, at: [0.5]}", "length_minutes"),
        ("{name: x, type: top, of: reason, k: 3}", "reason"),
    ],
)
def test_queries_that_may_be_asked(query: str, columns: str) -> None:
    assert judge(asking(query, columns)) == ()


HUGE = {"{min: 5, max: 120, bins: 23}": "{min: 5, max: 9000000000000, bins: 23}"}
FINE = {"{min: 5, max: 120, bins: 23}": "{min: 5, max: 9999, bins: each}"}
CASES: list[tuple[str, str, str, dict[str, str], str]] = [
    ("query-columns", "{name: x, type: count, by: [clinic, reason]}", "clinic", {}, "reason]"),
    ("query-columns", "{name: x, type: mean, of: weight, by: [clinic]}", "clinic", {}, "weight,"),
    ("query-columns", "{name: x, type: count, by: [clinic]}", "clinic, reason", {}, "reason]"),
    (
        "query-columns",
        "{name: x, type: count, by: [mrn]}",
        "mrn",
        {"    age_group:": "    mrn: {type: identifier, sensitivity: phi}\n    age_group:"},
        "mrn]",
    ),
    ("query-kind", "{name: x, type: sum, of: reason}", "reason", {}, "reason}"),
    ("query-kind", "{name: x, type: mean, of: follow_up}", "follow_up", {}, "follow_up}"),
    ("query-kind", "{name: x, type: quantiles, of: clinic, at: [0.5]}", "clinic", {}, "clinic,"),
    (
        "query-kind",
        "{name: x, type: top, of: length_minutes, k: 3}",
        "length_minutes",
        {},
        "length",
    ),
    ("query-kind", "{name: x, type: top, of: reason, k: 4}", "reason", {}, "4}"),
    (
        "query-size",
        "{name: x, type: count, by: [length_minutes, clinic, reason, follow_up]}",
        "clinic, length_minutes, reason, follow_up",
        FINE,
        "{name: x",
    ),
    ("query-range", "{name: x, type: sum, of: length_minutes}", "length_minutes", HUGE, "{name: x"),
    (
        "query-range",
        "{name: x, type: mean, of: length_minutes, decimals: 9}",
        "length_minutes",
        HUGE,
        "{name: x",
    ),
]


@pytest.mark.parametrize(("rule", "query", "columns", "dataset", "word"), CASES)
def test_a_query_that_may_not_be_asked(
    rule: str, query: str, columns: str, dataset: dict[str, str], word: str
) -> None:
    changes = asking(query, columns, dataset)
    found = [finding for finding in judge(changes) if finding.rule == rule]
    assert len(found) == 1, judge(changes)
    assert found[0].level == "deny"
    assert found[0].fix
    assert word_at(found[0], changes).startswith(word)


def test_a_class_allows_kinds_by_name() -> None:
    changes = asking(
        "{name: x, type: mean, of: length_minutes, by: [clinic]}", "clinic, length_minutes"
    )
    changes[POLICY] = {
        old: new.replace("count, sum, mean, quantiles, top", "count")
        for old, new in changes[POLICY].items()
    }
    found = [finding for finding in judge(changes) if finding.rule == "class-statistics"]
    assert [word_at(finding, changes)[:6] for finding in found] == ["length", "clinic"]
    assert found[0].fix == "allowed: count"
    changes[POLICY] = {}
    found = [finding for finding in judge(changes) if finding.rule == "class-statistics"]
    assert {finding.fix for finding in found} == {"allowed: no statistics at all"}


def test_noise_that_is_no_opendps_is_for_classes_that_allow_it() -> None:
    changes = asking("{name: x, type: count, by: [clinic]}", "clinic")
    found = judge(changes, proofs={"statistics": "real-arithmetic"})
    assert [finding.rule for finding in found] == ["class-proof"]
    assert word_at(found[0], changes).startswith("queries")


def test_synthetic_rows_are_none_of_these_rules_business() -> None:
    assert judge() == ()


def test_every_rule_has_a_case() -> None:
    rules = {
        name.replace("_", "-").removesuffix("s") if name != "query_columns" else "query-columns"
        for name, rule in inspect.getmembers(queries, inspect.isfunction)
        if name.startswith("query_")
    }
    assert rules == {rule for rule, *_ in CASES}
