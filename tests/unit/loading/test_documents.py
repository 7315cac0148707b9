"""Documents: every problem at once, in plain words, at its place."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from decimal import Decimal
from pathlib import Path

import pytest

from dpgate.errors import DocumentError
from dpgate.loading.documents import load, load_many, problem
from dpgate.model.columns import NumberColumn
from dpgate.model.dataset import Dataset
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.policytest import PolicyTest
from dpgate.model.release import Release
from dpgate.model.waiver import Waiver

ASSETS = Path(__file__).parents[2] / "assets"
MALFORMED = sorted((ASSETS / "malformed").glob("*.yaml"))
RELEASE = (ASSETS / "documents" / "release.yaml").read_bytes()

JARGON = re.compile(
    r"pydantic|http|Input should|Field required|Extra inputs|valid (string|tuple|dictionary)"
    r"|constrained|function-|union|literal\[|Decimal|_key|instance of"
)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("dataset", Dataset),
        ("policy", PrivacyPolicy),
        ("policy-test", PolicyTest),
        ("release", Release),
        ("waiver", Waiver),
    ],
)
def test_good_documents_load(name: str, model: type) -> None:
    data = (ASSETS / "documents" / f"{name}.yaml").read_bytes()
    loaded = load(f"{name}.yaml", data)
    assert isinstance(loaded.document, model)
    assert loaded.data == data
    assert loaded.text == data.decode()


def test_numbers_are_exact() -> None:
    document = load("r", RELEASE).document
    assert isinstance(document, Release)
    assert document.spec.privacy.delta == Decimal("1e-9")
    dataset = load("d", (ASSETS / "documents" / "dataset.yaml").read_bytes()).document
    assert isinstance(dataset, Dataset)
    income = dataset.spec.columns["income"]
    assert isinstance(income, NumberColumn)
    assert income.domain.bins == (Decimal(0), Decimal("0.5"), Decimal(60000))


def test_the_digest_is_of_the_raw_bytes() -> None:
    loaded = load("r", RELEASE)
    assert loaded.digest == f"sha256:{hashlib.sha256(RELEASE).hexdigest()}"
    assert load("r", RELEASE + b"\n").digest != loaded.digest


def test_positions_of_values_and_of_what_is_not_there() -> None:
    loaded = load("r", RELEASE)
    assert loaded.at("spec", "privacy", "epsilon") == (11, 22)
    assert loaded.at("spec", "regions", 0) == (8, 13)
    assert loaded.at("spec", "privacy", "threat", "deeper") == loaded.at("spec", "privacy")
    assert loaded.at("nowhere") == loaded.at() == (1, 1)
    assert problem(loaded, ("spec", "purpose"), "m", "f").place == "r:6:12"


def test_a_loaded_document_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load("r", RELEASE).file = "x"  # type: ignore[misc]


@pytest.mark.parametrize("path", MALFORMED, ids=lambda p: p.stem)
def test_a_malformed_document_is_refused_with_these_words(path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        load(path.name, path.read_bytes())
    found = "\n".join(map(str, caught.value.problems)) + "\n"
    assert found == path.with_suffix(".txt").read_text(encoding="utf-8")
    assert not JARGON.search(found)
    assert all(item.line and item.column for item in caught.value.problems)


def test_problems_come_in_the_order_of_the_document() -> None:
    path = ASSETS / "malformed" / "several-at-once.yaml"
    with pytest.raises(DocumentError) as caught:
        load("f", path.read_bytes())
    places = [(p.line, p.column) for p in caught.value.problems]
    assert places == sorted(places)
    assert len(places) == 4


def test_problems_of_several_files_come_in_one_error() -> None:
    files = {
        "a.yaml": RELEASE,
        "b.yaml": b"kind: Release\n",
        "c.yaml": b"a: [\n",
    }
    with pytest.raises(DocumentError) as caught:
        load_many(files)
    assert [p.file for p in caught.value.problems] == ["b.yaml", "c.yaml"]
    assert load_many({"a.yaml": RELEASE}) == {"a.yaml": load("a.yaml", RELEASE)}


def edited(old: str, new: str, name: str = "dataset") -> str:
    """The problems of an example document after one edit, without their places."""
    text = (ASSETS / "documents" / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    with pytest.raises(DocumentError) as caught:
        load("f", text.replace(old, new).encode())
    return " | ".join(f"{p.message} [{p.fix}]" for p in caught.value.problems)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("by: a.author", "bye: a.author", "unknown key 'bye' [did you mean 'by'?]"),
        (
            "domain: [0, 25, 50, 95]",
            "domain: [0, 2.5]",
            "expected text, or a whole number; found 2.5",
        ),
        ("domain: [0, 25, 50, 95]", "domain: []", "expected at least 1 entry; found a list of 0"),
        (
            "nullable: true",
            "nullable: 'true'",
            "expected true or false; found text 'true' [remove the",
        ),
        ("decimals: 0", "decimals: 10", "expected a number up to 9; found 10"),
        ("decimals: 0", "decimals: '010'", "expected a whole number; found text '010' []"),
        ("rows: {at_most: 25000}", "rows: 25000", "spec.rows: expected a mapping; found 25000"),
        ("rows: {at_most: 25000}", "rows: [1, 2]", "expected a mapping; found a list of 2"),
        (
            "title: A panel of person-years",
            "title: ''",
            "text of at least 1 character; found text ''",
        ),
        ("title: A panel of person-years", f"title: {'x' * 501}", "at most 500 characters"),
        ("title: A panel of person-years", "title: false", "found false [put quotes around it]"),
        ("bins: log", "bins: '7'", "found text '7' [remove the quotes]"),
        ("bins: log", "bins: 1e1", "10 written with a point or an exponent [write 10]"),
        ("steward: health-analytics", "steward:", "expected text; found nothing"),
        ("{type: identifier, sensitivity: phi}", "7", "spec.columns.person: expected a mapping"),
        (
            "{type: identifier, sensitivity: phi}",
            "{type: [a]}",
            "columns.person.type: expected one of",
        ),
        ("bins: log", "bins: logg", "[did you mean 'log'?]"),
        ("min: 0, max: 80", "min: 90, max: 80", "min 90 must be below max 80"),
        ("source: {public_codebook: ins}", "source: {dp_estimate: {entry: x}}", "sha256: and 64"),
        ("add-remove", "add", "expected add-remove or replace-one; found text 'add'"),
    ],
)
def test_words_for_datasets(old: str, new: str, words: str) -> None:
    assert words in edited(old, new)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("expires: 2031-12-31", "expires: 7", "expected a date such as 2027-12-31; found 7"),
        ("expires: 2031-12-31", "expires: soon", "expected a date such as"),
        ("every: quarter", "every: day", "expected month, quarter or year; found text 'day'"),
        ('recipient: "*"', 'recipient: "**"', "expected a name"),
        ("orders: [4, 8, 16, 32]", "orders: [8, 4]", "orders must be strictly increasing"),
        ("orders: [4, 8, 16, 32]", "orders: [1.5]", "expected a whole number; found 1.5 []"),
        ("keys: [ssh-ed25519 AAAA privacy@example.org]", "keyz: []", "did you mean 'keys'?"),
        (
            "lifetime: {epsilon: 4}",
            "lifetime: {epsilon: -4}",
            "expected a number above 0; found -4",
        ),
        ("purposes: [vendor-testing]", f"purposes: {'y' * 50}", "write a list in [brackets]"),
    ],
)
def test_words_for_policies(old: str, new: str, words: str) -> None:
    assert words in edited(old, new, "policy")


MEASURED = "{metric: marginal_tvd, order: 2, at_most: 0.08}"


@pytest.mark.parametrize(
    ("threshold", "words"),
    [
        ("{metric: meen, at_most: 1}", "utility[1].metric: expected one of"),
        ("{metric: meen, at_most: 1}", "found 'meen' [did you mean 'mean'?]"),
        ("{order: 2, at_most: 0.08}", "utility[1]: key 'metric' is missing [add metric:]"),
        ("{metric: mean, off: visits}", "unknown key 'off' [did you mean 'of'?]"),
    ],
)
def test_words_for_thresholds(threshold: str, words: str) -> None:
    assert words in edited(MEASURED, threshold, "release")


def test_words_for_a_metric_that_a_policy_demands() -> None:
    demand = "  evidence: {thresholds: {marginal_tvdd: {at_most: 0.1}}}\n  classes:\n"
    words = edited("  classes:\n", demand, "policy")
    assert "spec.evidence.thresholds: expected one of" in words
    assert "found key 'marginal_tvdd' [did you mean 'marginal_tvd'?]" in words


def test_a_list_with_a_bad_entry_is_not_also_called_too_short() -> None:
    words = edited("regions: [US]", "regions: [usa]", "release")
    assert "at least" not in words
    assert words.count("[") == 2  # one entry number, one fix
