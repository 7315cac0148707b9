"""Exact figures: right, of public length, and nowhere but in their own bytes."""

from __future__ import annotations

import itertools
import json

import pytest

from dpgate.evidence.restricted import exact_tvd
from tests.unit.evidence.test_utility import mean_distance
from tests.unit.evidence.worlds import DOMAIN, SAMPLE, SYNTHETIC, quiet, source, table, task


def test_it_holds_each_marginal_and_their_means() -> None:
    text = exact_tvd(task(), (2, 1), source(SAMPLE), table(SYNTHETIC), quiet)
    document = json.loads(text)
    assert document["class"] == "restricted"
    assert [tuple(m["columns"]) for m in document["marginals"]] == [
        *((name,) for name in DOMAIN.names),
        *itertools.combinations(DOMAIN.names, 2),
    ]
    for order in (1, 2):
        values = [float(m["tvd"]) for m in document["marginals"] if len(m["columns"]) == order]
        # With N̂ the true total, the definition of T is that of total variation.
        expected = float(mean_distance(SAMPLE, SYNTHETIC, len(SAMPLE), order) / len(SAMPLE))
        assert sum(values) / len(values) == pytest.approx(expected, abs=1e-9)
        assert float(document["mean"][str(order)]) == pytest.approx(expected, abs=1e-9)


def test_same_rows_are_at_zero_and_an_empty_source_at_one() -> None:
    same = json.loads(exact_tvd(task(), (1,), source(SAMPLE), table(SAMPLE), quiet))
    assert {m["tvd"] for m in same["marginals"]} == {"0.000000000"}
    empty = json.loads(exact_tvd(task(), (1,), source([]), table(SAMPLE), quiet))
    assert {m["tvd"] for m in empty["marginals"]} == {"1.000000000"}


def test_its_length_follows_from_public_columns_alone() -> None:
    lengths = {
        len(exact_tvd(task(), (1, 2), source(rows), table(SYNTHETIC), quiet))
        for rows in ([], SAMPLE, SAMPLE[:1], SAMPLE * 1000)
    }
    assert len(lengths) == 1
