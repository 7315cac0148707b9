"""Reports: of a release without a reference, of a rehearsal with one, by the same code."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from dpgate.evidence import describe
from dpgate.evidence.describe import Rows, Told, of_rehearsal, of_release
from dpgate.evidence.disclosure import DpResult, PublicResult, RestrictedResult, Result, Subresult
from dpgate.evidence.measures.interface import Figure, Figures
from dpgate.evidence.report import EvidenceReport
from dpgate.evidence.shown import shown, title_of
from dpgate.evidence.thresholds import key_of
from dpgate.model.event import Event
from dpgate.model.record import Claim
from dpgate.model.release import Release
from dpgate.model.values import Key
from dpgate.sources.arrow import table_source
from tests.suites import worlds

D = Decimal
EVENT = Event(
    name="evidence.tvd_2", mechanism="gaussian", relation="add-remove", sensitivity_squared=D(4),
    scale=D(20), times=1, loss=D("0.005"), delta0=D(0), proof="opendp",
)  # fmt: skip
OTHER = EVENT.model_copy(update={"name": "mst.one_way", "loss": D("0.04")})
CLAIM = Claim(
    epsilon=D(1), delta=D("1e-9"), relation="add-remove", unit="person", rows_per_person=3,
    person_epsilon=D("3.1"), unprotected_bits=1,
)  # fmt: skip


def release(**spec: Any) -> Release:
    return Release.model_validate(
        {
            "apiVersion": "dpgate/v1",
            "kind": "Release",
            "metadata": {"name": "one", "owner": "tests", "title": "For tests"},
            "spec": {
                "dataset": "made-up", "purpose": "p", "recipients": ("r",), "regions": ("US",),
                "columns": tuple(worlds.COLUMNS), "retention": {"expires": "2030-01-01"},
                "synthesize": {"with": "mst", "rows": 100},
                "privacy": {"epsilon": D(1), "delta": D("1e-9"), "evidence_share": D("0.1")},
                **spec,
            },
        }
    )  # fmt: skip


def tvd(high: str = "0.09", **more: Any) -> DpResult:
    given = {
        "disclosure": "dp", "metric": "marginal_tvd", "events": ("evidence.tvd_2",), "order": 2,
        "value": D("0.05"), "low": D("0.01"), "high": D(high), "confidence": D("0.95"),
        "conditional_on": "a total", **more,
    }  # fmt: skip
    return DpResult.model_validate(given)


SCHEMA = PublicResult(disclosure="public", metric="schema_conformity", value=D(0))
SEALED = RestrictedResult(
    disclosure="restricted", metric="detectability", ciphertext="sha256:" + "0" * 64, size=65_536,
    passed=True,
)  # fmt: skip
LIMIT = {"metric": "marginal_tvd", "order": 2, "at_most": D("0.08")}


def told(results: tuple[Result, ...], **spec: Any) -> Told:
    return Told(
        name="made-up/one",
        dataset=worlds.dataset(),
        release=release(**spec),
        claim=CLAIM,
        policy_delta=D("1e-6"),
        maker="mst",
        results=results,
        charged=(OTHER, EVENT),
        outcome="released",
    )


def rows(*, reference: bool) -> Rows:
    table = worlds.table(worlds.rows(100))
    domain = worlds.domain()
    beside = table_source(worlds.table(worlds.rows(100, seed=8)), domain) if reference else None
    return Rows(domain=domain, table=table, reference=beside)


def test_a_release_is_described_without_a_reference() -> None:
    report = of_release(told((SCHEMA, tvd(), SEALED), utility=(LIMIT,)), [rows(reference=False)])
    made = report.made
    assert (made.kind, made.title, made.rows) == ("release", "For tests", 100)
    assert made.epsilon == 1
    assert (made.person_epsilon, made.person_delta, made.unprotected_bits) == (
        D("3.1"),
        D("1e-6"),
        1,
    )
    assert (report.curve, made.stand_in) == (None, "")
    assert all(bar.reference is None for bar in report.bars)
    assert report.heat is not None
    schema, noisy, sealed = report.results
    assert (schema.kind, schema.passed, schema.rho) == ("schema", True, None)
    assert (noisy.title, noisy.limit, noisy.passed) == ("marginal tvd of order 2", D("0.08"), False)
    assert (noisy.rho, noisy.given) == (D("0.005"), "a total")
    assert (sealed.value, sealed.disclosure, sealed.passed) == (None, "restricted", True)
    assert [note.split()[0] for note in report.notes] == ["dp", "restricted"]
    again = EvidenceReport.model_validate_json(report.model_dump_json(by_alias=True))
    assert again == report


def test_a_release_is_not_shown_beside_its_data() -> None:
    with pytest.raises(ValueError, match="no reference"):
        of_release(told(()), [rows(reference=True)])


def test_statistics_have_results_and_no_pictures() -> None:
    report = of_release(told((SCHEMA,)))
    assert (report.bars, report.heat) == ((), None)


def test_a_rehearsal_has_a_reference_exact_numbers_and_a_warning() -> None:
    figure = Figure(value=Fraction(1, 16), low=Fraction(1, 16), high=Fraction(1, 16))
    exact = {key_of(tvd()): Figures(main=figure, given="")}
    given = told((SCHEMA, tvd()))
    report = of_rehearsal(given, [rows(reference=True)], exact, "made up", "careful")
    assert (report.made.kind, report.made.stand_in) == ("rehearsal", "made up")
    assert report.notes[0] == "careful"
    assert [result.details for result in report.results] == [(), ("without noise: 0.0625",)]
    assert all(bar.reference for bar in report.bars)


def test_of_two_tables_columns_are_drawn_once() -> None:
    both = [rows(reference=False), rows(reference=False)]
    report = of_release(told((SCHEMA,)), both)
    assert len(report.bars) == len(worlds.COLUMNS)
    assert any("first of two tables" in note for note in report.notes)


def test_attacks_say_what_they_do_not_prove() -> None:
    model = {"adversary": "recipient", "knows": ("age",), "fears": ("membership",)}
    limit = {"attack": "membership", "advantage_at_most": D("0.1")}
    attack = tvd(metric="membership", order=None)
    report = of_release(told((attack,), threat_model=model, attacks=(limit,)))
    (result,) = report.results
    assert (result.kind, result.limit, result.passed) == ("attack", D("0.1"), True)
    assert (report.made.adversary, report.made.knows) == ("recipient", ("age",))
    assert any("proves nothing" in note for note in report.notes)


def test_what_should_be_high_is_judged_by_its_low_end() -> None:
    limit = {"metric": "prediction", "target": "smokes", "at_least": D("0.7")}
    spec = release(utility=(limit,)).spec
    for low, passed in (("0.71", True), ("0.69", False)):
        result = tvd(
            "0.9", metric="prediction", order=None, about="smokes", low=D(low), value=D("0.8")
        )
        found = shown(result, spec, ())
        assert (found.better, found.passed, found.rho) == ("high", passed, D(0))


def test_parts_and_details_come_along() -> None:
    part = Subresult(label="old", value=D("0.1"), low=D("0.1"), high=D("0.1"))
    spec = release().spec
    assert shown(tvd(parts=(part,)), spec, ()).parts[0].label == "old"
    other = PublicResult(disclosure="public", metric="k_anonymity", value=D(3), details=("x",))
    found = shown(other, spec, ())
    assert (found.kind, found.better, found.passed, found.details) == (
        "output", "neither", None, ("x",),
    )  # fmt: skip


def test_titles() -> None:
    assert title_of(Key(metric="mean", about="visits by health")) == "mean visits by health"
    key = Key(metric="marginal_tvd", order=1, table="claims")
    assert title_of(key) == "marginal tvd of order 1, claims"
    assert describe.of_release(told(())).results == ()
