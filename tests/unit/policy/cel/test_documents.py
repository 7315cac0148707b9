"""Facts of documents, and numbers as rules see them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from dpgate.policy.cel.compile import compile_rule
from dpgate.policy.cel.documents import of_dataset, of_documents, of_release
from dpgate.policy.cel.evaluate import Scene
from dpgate.policy.cel.schema import message, value_of
from dpgate.policy.cel.source import Source, double
from dpgate.policy.cel.types import Approval, History, Past
from tests.unit.policy.worlds import DATASET, RELEASE, dataset, release

TODAY = dt.date(2026, 11, 22)
_ROWS = "synthesize: {with: mst, rows: 100000, formats: [parquet, csv]}"
_UTILITY = "  utility:\n    - {metric: marginal_tvd, order: 2, at_most: 0.1}\n"


def test_statistics_have_queries_and_no_rows() -> None:
    changes = {
        RELEASE: {
            _ROWS: "statistics: {queries: [{name: one, type: mean, of: length_minutes, by: [clinic]}]}",
            _UTILITY: "",
            ", evidence_share: 0.1": "",
        }
    }
    made = of_release(release(changes), TODAY)
    assert (made.type, made.synthesizer, made.rows, made.formats) == ("statistics", "", 0, ("csv",))
    (query,) = made.queries
    assert (query.name, query.type, query.of, query.by, query.noise) == (
        "one", "mean", "length_minutes", ("clinic",), "gaussian",
    )  # fmt: skip


def test_columns_that_are_not_learned_say_what_they_are() -> None:
    changes = {
        DATASET: {
            "    age_group:": (
                "    note: {type: text, sensitivity: phi}\n"
                "    mrn: {type: identifier, sensitivity: phi, regenerate: uuid}\n    age_group:"
            )
        },
        RELEASE: {"[age_group,": "[note, mrn, age_group,"},
    }
    made = of_dataset(dataset(changes), release(changes))
    note, mrn, age, *_ = made.columns
    assert (note.free_text, note.identifier, note.provenance) == (True, False, "")
    assert (mrn.free_text, mrn.identifier, mrn.quasi_identifier) == (False, True, False)
    assert (age.quasi_identifier, age.provenance) == (True, "public_codebook")
    assert len(made.all_columns) == 7
    assert made.quasi_identifiers == ("age_group", "clinic")


@given(st.decimals(min_value=0, max_value=10**6, places=9, allow_nan=False))
def test_a_number_equals_the_same_text_in_a_rule(value: Decimal) -> None:
    text = format(value, "f")
    assert double(value) == float(text)


def test_longer_numbers_are_rounded_up() -> None:
    assert double(Decimal("3.00000000000000000001")) > 3.0
    assert Decimal(double(Decimal("0.12345678901234567890123"))) >= Decimal(
        "0.12345678901234567890123"
    )
    assert double(Decimal("3.000000000000000000")) == 3.0


def test_facts_by_name_are_messages_too() -> None:
    past = Past(
        name="a/b", dataset="a", entry=2, time="", outcome="released", type="synthetic",
        purpose="x", recipients=("acme",), regions=(), sensitivities=(), groups=(), columns=(),
        quasi_identifiers=("zip",), epsilon=Decimal("0.5"), population="p", populations=("p",),
    )  # fmt: skip
    scene = Scene(
        {
            **of_documents(dataset(), release(), TODAY),
            "history.recipients": {"acme": (past, past)},
            "approvals": {"legal": Approval(have=1, needed=0)},
        }
    )
    text = (
        "history.recipients['acme'].size() == 2 && approvals['legal'].have == 1 && "
        "history.recipients['acme'][0].quasi_identifiers == ['zip']"
    )
    assert scene.judge(compile_rule(Source("a", "true", text, "m"))).outcome == "holds"
    made = value_of("clock", scene.values["clock"])
    assert made is scene.values["clock"]


def test_messages_are_taken_as_they_are() -> None:
    """So that a ledger's history is not made anew for each of its entries."""
    past = Past(
        name="a/b", dataset="a", entry=2, time="", outcome="released", type="synthetic",
        purpose="x", recipients=("acme",), regions=(), sensitivities=(), groups=(), columns=(),
        quasi_identifiers=(), epsilon=Decimal("0.5"), population="p", populations=("p",),
    )  # fmt: skip
    made = message(past)
    history = History(releases=(made, made))  # type: ignore[arg-type]
    scene = Scene({"history": history, "history.recipients": {"a": [made]}})
    text = "history.releases.size() == 2 && history.recipients['a'][0].epsilon == 0.5"
    assert scene.judge(compile_rule(Source("a", "true", text, "m"))).outcome == "holds"
