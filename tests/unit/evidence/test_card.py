"""The card says what a recipient must know, in numbers, and the same each time."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from typing import Any

import pytest

from dpgate.errors import EvidenceError
from dpgate.evidence.card import card
from dpgate.evidence.disclosure import DpResult, PublicResult, RestrictedResult, Result
from dpgate.model.dataset import Dataset
from dpgate.model.release import Release

DATASET = Dataset.model_validate(
    {
        "apiVersion": "dpgate/v1",
        "kind": "Dataset",
        "metadata": {"name": "visits", "title": "Visits | to <clinics>", "steward": "registry"},
        "spec": {
            "population": "members",
            "neighboring": "add-remove",
            "unit": {"row": "person-year", "max_rows_per_person": 5, "source": "a five-year study"},
            "rows": {"at_most": 40_000},
            "columns": {
                "person": {"type": "identifier", "sensitivity": "phi"},
                "visits": {
                    "type": "integer",
                    "title": "Outpatient visits",
                    "sensitivity": "phi",
                    "domain": {"min": 0, "max": 80, "bins": (Decimal(0), Decimal(1), Decimal(80))},
                    "source": {"assumption": {"by": "J. Doe", "because": "the year has 80 weeks"}},
                },
                "health": {
                    "type": "ordinal",
                    "sensitivity": "phi",
                    "nullable": True,
                    "domain": ("poor", "good"),
                    "source": {"public_codebook": "codebook, page 12"},
                },
                "site": {
                    "type": "category",
                    "sensitivity": "public",
                    "domain": tuple(range(40)),
                    "source": {"dp_estimate": {"entry": "sha256:" + "1" * 64}},
                },
                "smokes": {
                    "type": "boolean",
                    "sensitivity": "phi",
                    "source": {"public_codebook": "codebook, page 13"},
                },
            },
        },
    }
)


def release(*columns: str, title: str | None = None) -> Release:
    return Release.model_validate(
        {
            "apiVersion": "dpgate/v1",
            "kind": "Release",
            "metadata": {"name": "2026q4", "owner": "data", "title": title},
            "spec": {
                "dataset": "visits",
                "purpose": "testing",
                "recipients": ("vendor",),
                "regions": ("US", "DE"),
                "columns": columns,
                "synthesize": {"with": "mst", "rows": 20_000},
                "privacy": {
                    "epsilon": Decimal(1),
                    "delta": Decimal("0.000000001"),
                    "evidence_share": Decimal("0.1"),
                },
                "utility": ({"metric": "marginal_tvd", "order": 2, "at_most": Decimal("0.08")},),
                "retention": {"expires": dt.date(2027, 12, 31)},
                "terms": ("no-reidentification",),
            },
        }
    )


RELEASE = release("visits", "health", "site", "smokes")
CLAIM: dict[str, Any] = {
    "epsilon": "1",
    "delta": "0.000000001",
    "relation": "add-remove",
    "unit": "person-year",
    "rows_per_person": 5,
    "person_epsilon": "5.3",
}
MEASURED = DpResult(
    disclosure="dp",
    metric="marginal_tvd",
    events=("evidence.tvd_2",),
    value=Decimal("0.05"),
    low=Decimal("0.04"),
    high=Decimal("0.06"),
    confidence=Decimal("0.95"),
    conditional_on="the noisy total of 20190 records",
    order=2,
    marginals=6,
)
RESULTS: list[Result] = [
    PublicResult(disclosure="public", metric="schema_conformity", value=Decimal(0)),
    MEASURED,
    RestrictedResult(
        disclosure="restricted",
        metric="marginal_tvd_exact",
        ciphertext="sha256:" + "2" * 64,
        size=65_536,
    ),
]


def test_the_text_states_the_whole_guarantee_in_numbers() -> None:
    _, text = card(RELEASE, DATASET, CLAIM, RESULTS, policy_delta=Decimal("0.000001"))
    assert "| one person-year (add-remove) | 1 | 0.000000001 |" in text
    assert "| one person, up to 5 rows | 5.3 | 0.000001 |" in text
    assert "one person-year more or less" in text
    assert "e^1 ≤ 2.72, but for a probability of 0.000000001" in text
    assert "a five-year study" in text


def test_the_text_states_columns_evidence_and_terms() -> None:
    _, text = card(RELEASE, DATASET, CLAIM, RESULTS)
    for line in (
        "| visits (Outpatient visits) | integer | 0 to 80 | no |",
        "| assumption of J. Doe: the year has 80 weeks |",
        "| health | ordinal | poor, good | allowed | public codebook: codebook, page 12 |",
        "| site | category | 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … (40 values) | no |",
        f"| DP estimate, ledger entry sha256:{'1' * 64} |",
        "| smokes | boolean | false, true | no | public codebook: codebook, page 13 |",
        "| schema conformity | public | 0 | – |",
        "| marginal tvd, order 2, of 6 marginals | dp | 0.05 |",
        "| 0.04 to 0.06 (95 %, given the noisy total of 20190 records) |",
        "| marginal tvd exact | restricted | sealed for stewards | – |",
        "Required: marginal tvd of order 2, at most 0.08.",
        "- delete after: 2027-12-31",
        "- recipients: vendor (US, DE)",
    ):
        assert line in text
    assert "person |" not in text


def test_the_json_holds_the_same_and_is_canonical() -> None:
    data, _ = card(RELEASE, DATASET, CLAIM, RESULTS)
    content = json.loads(data)
    assert content["release"] == "visits/2026q4"
    assert content["privacy"]["epsilon"] == "1"
    assert content["retain_until"] == "2027-12-31"
    assert [c["name"] for c in content["columns"]] == ["visits", "health", "site", "smokes"]
    assert len(content["columns"][2]["domain"]["values"]) == 40
    assert content["columns"][0]["domain"] == {"min": "0", "max": "80", "bins": ["0", "1", "80"]}
    assert [r["disclosure"] for r in content["evidence"]] == ["public", "dp", "restricted"]
    assert "value" not in content["evidence"][2]
    assert data == card(RELEASE, DATASET, dict(reversed(CLAIM.items())), RESULTS)[0]


@pytest.mark.parametrize("results", [RESULTS, []], ids=["measured", "not measured"])
def test_no_adjective_stands_for_the_numbers(results: list[Result]) -> None:
    data, text = card(RELEASE, DATASET, CLAIM, results)
    claims = r"anonym|\bsafe\b|secure|strong|guarantee|protects|de-?identif|no risk|private data"
    assert not re.search(claims, text + data.decode(), re.IGNORECASE)


def test_without_evidence_the_card_says_so() -> None:
    _, text = card(RELEASE, DATASET, CLAIM, [])
    assert "None was measured." in text
    assert "How close the rows are to the source was not measured." in text


def test_replace_one_is_worded_as_such() -> None:
    _, text = card(RELEASE, DATASET, {**CLAIM, "relation": "replace-one"}, [])
    assert "With one person-year replaced by any other in the source" in text


def test_a_large_epsilon_is_not_multiplied_out() -> None:
    _, text = card(RELEASE, DATASET, {**CLAIM, "epsilon": "20.5"}, [])
    assert "a factor of e^20.5," in text


def test_words_of_documents_stay_words() -> None:
    _, text = card(
        release("visits", "health", title="a\n# b [x](y) | `c` <img>"), DATASET, CLAIM, []
    )
    assert text.splitlines()[0] == r"# a \# b \[x\](y) \| \`c\` &lt;img&gt;"
    assert card(RELEASE, DATASET, CLAIM, [])[1].startswith(r"# Visits \| to &lt;clinics&gt;")


@pytest.mark.parametrize("change", [{"epsilon": None}, {"delta": "tiny"}, {"relation": "bounded"}])
def test_an_incomplete_claim_is_refused(change: dict[str, Any]) -> None:
    claim = {k: v for k, v in {**CLAIM, **change}.items() if v is not None}
    with pytest.raises(EvidenceError, match=next(iter(change))):
        card(RELEASE, DATASET, claim, [])


def test_a_forged_result_is_refused() -> None:
    with pytest.raises(EvidenceError):
        card(RELEASE, DATASET, CLAIM, [MEASURED.model_copy(update={"events": ()})])


def test_an_identifier_never_has_a_row() -> None:
    with pytest.raises(EvidenceError, match="person"):
        card(release("person", "health"), DATASET, CLAIM, [])
