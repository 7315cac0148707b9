"""Groups of the output: against a slow definition, and where there are none."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from dpgate.evidence.anonymity import NO_GUARANTEE, anonymity
from dpgate.evidence.disclosure import records
from dpgate.model.domain import domain_of
from tests.unit.evidence.attacks.stage import DATASET, DOMAIN, ROWS, cell
from tests.unit.evidence.worlds import SAMPLE, SYNTHETIC, Row, table


@settings(max_examples=50, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=12))
def test_groups_are_what_their_definition_says(rows: list[Row]) -> None:
    groups: dict[tuple[int, ...], list[tuple[int, ...]]] = defaultdict(list)
    for row in rows:
        groups[cell(row)[1::2]].append(cell(row))
    found = {r.metric: r.value for r in anonymity(table(rows), DOMAIN, DATASET)}
    alone = sum(len(group) == 1 for group in groups.values())
    assert abs(float(found["uniqueness"]) - alone / len(rows)) <= 1e-6
    assert found["k_anonymity"] == min(map(len, groups.values()))
    assert found["l_diversity"] == min(
        len({row[c] for row in group}) for group in groups.values() for c in (0, 2)
    )


def test_results_are_public_and_say_that_they_are_no_guarantee() -> None:
    results = anonymity(table(SYNTHETIC), DOMAIN, DATASET)
    assert [r.metric for r in results] == ["uniqueness", "k_anonymity", "l_diversity"]
    assert all(NO_GUARANTEE in r.details for r in results)
    assert len(records(results, [])) == 3
    assert results[2].details[2:] == ("income: 1", "job: 1") or len(results[2].details) == 4


def test_without_quasi_identifiers_or_rows_nothing_is_said() -> None:
    assert anonymity(table(SAMPLE), domain_of(DATASET, ["job", "income"]), DATASET) == ()
    assert anonymity(table([]), DOMAIN, DATASET) == ()


def test_where_every_column_identifies_there_is_no_diversity() -> None:
    results = anonymity(table(SAMPLE), domain_of(DATASET, ["age", "smokes"]), DATASET)
    assert [r.metric for r in results] == ["uniqueness", "k_anonymity"]


def test_many_rows_in_one_group() -> None:
    rows: list[Row] = [("full", 40, float(k % 2 * 50), True) for k in range(5_000)]
    found = {r.metric: r.value for r in anonymity(table(rows), DOMAIN, DATASET)}
    expected = {"uniqueness": Decimal(0), "k_anonymity": Decimal(5_000), "l_diversity": Decimal(1)}
    assert found == expected
