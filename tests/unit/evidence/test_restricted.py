"""Exact figures: right, of public length, and nowhere but in their own bytes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from dpgate.evidence.exact.interface import Exact
from dpgate.evidence.measures.interface import Figures, Measure, Scene
from dpgate.evidence.measures.marginal_tvd import MarginalDistance, of_threshold
from dpgate.evidence.measures.run import exactly
from dpgate.evidence.measures.subject import Subject
from dpgate.evidence.restricted import document, encoded
from dpgate.model.utility import MarginalTvd
from dpgate.model.values import Key
from tests.suites import worlds as suites
from tests.unit.evidence.worlds import DOMAIN, SAMPLE, SYNTHETIC, Row, quiet, source, table, task

SCENE = Scene(dataset=suites.dataset(), domain=DOMAIN, relation="add-remove")


def measures() -> tuple[MarginalDistance, ...]:
    return tuple(
        of_threshold(
            MarginalTvd(metric="marginal_tvd", order=order, at_most=Decimal("0.1")),
            SCENE,
            f"evidence.tvd_{order}",
        )
        for order in (1, 2)
    )


def subject(rows: Sequence[Row], released: Sequence[Row] = tuple(SYNTHETIC)) -> Subject:
    return Subject(
        task=task(),
        released=table(released),
        total=max(1, len(rows)),
        source=source(rows),
        progress=quiet,
    )


def written(rows: Sequence[Row], *exacts: Exact, released: Sequence[Row] = tuple(SYNTHETIC)) -> Any:
    return json.loads(encoded({None: document(measures(), exacts, subject(rows, released))}))


def test_it_holds_each_marginal_and_their_means() -> None:
    body = written(SAMPLE)
    assert body["class"] == "restricted"
    assert [tuple(m["columns"]) for m in body["marginals"]] == [
        *((name,) for name in DOMAIN.names),
        *itertools.combinations(DOMAIN.names, 2),
    ]
    for order in (1, 2):
        values = [float(m["tvd"]) for m in body["marginals"] if len(m["columns"]) == order]
        (mean,) = [float(m["value"]) for m in body["measures"] if m["order"] == order]
        # A measure rounds down to whole steps of 1/1024 record.
        assert sum(values) / len(values) == pytest.approx(mean, abs=2 / 1024 / len(SAMPLE))


def test_same_rows_are_at_zero_and_an_empty_source_at_one() -> None:
    assert {m["tvd"] for m in written(SAMPLE, released=SAMPLE)["marginals"]} == {"0.000000000"}
    assert {m["tvd"] for m in written([])["marginals"]} == {"1.000000000"}


def test_its_length_follows_from_public_columns_alone() -> None:
    lengths = {
        len(encoded({None: document(measures(), (), subject(rows))}))
        for rows in ([], SAMPLE, SAMPLE[:1], SAMPLE * 1000)
    }
    assert len(lengths) == 1


def test_two_tables_are_told_apart() -> None:
    one = document(measures(), (), subject(SAMPLE))
    body = json.loads(encoded({"persons": one, "claims": one}))
    assert set(body["tables"]) == {"persons", "claims"}
    assert body["tables"]["persons"] == body["tables"]["claims"]


class Known:
    """A measure without noise that says what it is told to."""

    key = Key(metric="prediction_ratio", about="income")

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def measure(self, subject: Subject) -> Figures:
        return self._figures


def test_what_has_no_noisy_form_stands_there_too() -> None:
    chosen: tuple[Measure, ...] = measures()
    _, figures = next(iter(exactly(chosen, subject(SAMPLE))))
    body = written(SAMPLE, Known(figures))
    assert body["measures"][-1]["metric"] == "prediction_ratio"
    assert body["measures"][-1]["about"] == "income"
    assert body["measures"][-1]["value"] == body["measures"][0]["value"]
