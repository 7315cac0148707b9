"""A policy that contradicts itself is refused."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from dpgate.loading.yaml import parse
from dpgate.model.policy import GithubReviews, PrivacyPolicy, Quota

POLICY = Path(__file__).parents[2] / "assets" / "documents" / "policy.yaml"
GOOD: dict[str, Any] = parse("policy.yaml", POLICY.read_bytes()).value


@pytest.mark.parametrize(
    ("given", "selector"),
    [
        ({"every": "month"}, ("all", "*")),
        ({"lifetime": True, "purpose": "teaching"}, ("purpose", "teaching")),
        ({"every": "year", "recipient": "*"}, ("recipient", "*")),
        ({"rolling_days": 30, "type": "synthetic"}, ("type", "synthetic")),
        ({"every": "year", "group": "*"}, ("group", "*")),
        ({"every": "year", "sensitivity": "phi"}, ("sensitivity", "phi")),
    ],
)
def test_what_a_quota_is_about(given: dict[str, Any], selector: tuple[str, str]) -> None:
    assert Quota.model_validate({"epsilon": 1, **given}).selector == selector


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"every": "month", "purpose": "a", "recipient": "b"}, "about one of"),
        ({}, "needs one of every"),
        ({"every": "month", "lifetime": True}, "needs one of every"),
        ({"every": "month", "rolling_days": 30}, "needs one of every"),
        ({"lifetime": True, "type": "a", "group": "b"}, "about one of"),
    ],
)
def test_quotas_that_say_two_things(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Quota.model_validate({"epsilon": 1, **given})


def spec(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["spec"].update({key: value})


def population(fields: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """Two populations, of which `people` gets further fields and `others` is retired."""
    made = {"neighboring": "add-remove", "lifetime": {"epsilon": 1}}

    def change(document: dict[str, Any]) -> None:
        old = {**made, "retired": dt.date(2026, 1, 1)}
        document["spec"]["populations"] |= {"people": {**made, **fields}, "others": old}

    return change


def test_a_retired_population_is_renewed() -> None:
    document = copy.deepcopy(GOOD)
    population({"renews": {"population": "others", "because": "new people"}})(document)
    assert PrivacyPolicy.model_validate(document).spec.populations["people"].renews is not None


def role(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["spec"]["roles"].update({name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (spec("accounting", {"delta": 1, "orders": (2, 4)}), "less than 1"),
        (
            spec("accounting", {"delta": GOOD["spec"]["delta_at_most"], "orders": (4, 4)}),
            "strictly",
        ),
        (role("privacy", {"keys": ("k",), "threshold": 2}), "exceeds the 1 keys"),
        (role("empty", {}), "needs keys or encrypt_to"),
        (role("runner", {"encrypt_to": ("age1x",)}), "roles.runner with at least one key"),
        (spec("roles", {"privacy": {"keys": ("k",)}}), "roles.runner with at least one key"),
        (role("runner", {"keys": ("k", "l"), "threshold": 2}), "one key signs an entry"),
        *(
            (population({"renews": {"population": name, "because": "new people"}}), "and retired")
            for name in ("nobody", "people")
        ),
        (spec("policy_change", {"roles": ("stewards",)}), "stewards must approve but has no keys"),
        (spec("approvals", ({"roles": ("nobody",)},)), "nobody must approve"),
        (
            spec("approvals", ({"roles": ("privacy",), "when": {"region_not_in": ("US",)}},)),
            "no release without approval",
        ),
        (
            spec("approvals", ({"roles": ("privacy",)}, {"roles": ("privacy",), "when": {}})),
            "needs region_not_in or sensitivity_in",
        ),
        *(
            (spec("ledger", {"branch": branch}), "not a branch name that Git accepts")
            for branch in ("a..b", "a//b", "a/", "a.", "a.lock", "a/.b")
        ),
        (spec("ledger", {"branch": "-x"}), "pattern"),
        (spec("separation", {"authors": ("nobody",)}), "nobody signs as author but has no keys"),
        (
            spec("separation", {"authors": ("stewards",)}),
            "stewards signs as author but has no keys",
        ),
        (spec("separation", {"authors": ()}), "at least 1"),
    ],
)
def test_contradictions(change: Callable[[dict[str, Any]], None], message: str) -> None:
    document = copy.deepcopy(GOOD)
    change(document)
    with pytest.raises(ValidationError, match=message):
        PrivacyPolicy.model_validate(document)


def test_the_example_itself_is_good() -> None:
    policy = PrivacyPolicy.model_validate(copy.deepcopy(GOOD))
    assert policy.spec.ledger.branch == "dpgate-ledger"
    assert policy.spec.evidence.required == ("schema_conformity",)


def test_authors_are_of_a_role_with_keys() -> None:
    document = copy.deepcopy(GOOD)
    spec("separation", {"authors": ("privacy",)})(document)
    separation = PrivacyPolicy.model_validate(document).spec.separation
    assert separation is not None
    assert separation.authors == ("privacy",)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "1 approving review on GitHub"),
        (
            {"at_least": 2, "users": ("ann",), "teams": ("acme/privacy",)},
            "2 approving reviews on GitHub by @ann, @acme/privacy",
        ),
    ],
)
def test_reviews_in_words(given: dict[str, Any], words: str) -> None:
    assert GithubReviews.model_validate(given).words == words
